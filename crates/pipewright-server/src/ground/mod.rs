//! The ground floor: what every part of the server stands on. Knows nothing of the floors above it.

mod actor;
mod addresses;
mod aftermath;
pub(crate) mod app;
pub(crate) mod clock;
pub(crate) mod config;
mod failure;
mod lane;
pub(crate) mod rights;
mod sentences;
mod tokens;
mod trouble;
mod work;

pub(crate) use actor::{Actor, Administrator, By, Passerby};
pub(crate) use addresses::{address_of, build_page, delivery_url, why_page};
pub(crate) use aftermath::Aftermath;
pub(crate) use config::Retention;
pub(crate) use failure::{ActError, Denied, Failure, Kind};
pub(crate) use lane::Lane;
pub(crate) use sentences::{sentence, together};
pub(crate) use tokens::{TOKEN_LENGTH, TOUCH_EVERY, hash_of_token, new_token};
pub(crate) use trouble::{backoff, chain};
pub(crate) use work::{Work, enqueue_within};
