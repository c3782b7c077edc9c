//! The ground floor: what every part of the server stands on. Knows nothing of the floors above it.

mod actor;
mod addresses;
mod aftermath;
pub(crate) mod app;
pub(crate) mod clock;
pub(crate) mod config;
mod failure;
pub(crate) mod rights;
mod sentences;
mod tokens;
pub(crate) mod wakeups;

pub(crate) use actor::{Actor, Administrator, By, Passerby};
pub(crate) use addresses::{address_of, build_page, delivery_url, why_page};
pub(crate) use aftermath::Aftermath;
pub(crate) use config::Retention;
pub(crate) use failure::{ActError, Denied, Failure, Kind};
pub(crate) use sentences::sentence;
pub(crate) use tokens::{TOKEN_LENGTH, TOUCH_EVERY, hash_of_token, new_token};
