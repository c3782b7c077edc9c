//! The OAuth consumer of Bitbucket Cloud: each installation has its own, because a consumer has exactly one callback URL.
//!
//! An administrator makes it in Bitbucket and enters its key and secret on a page; no file is edited. Both are sealed.

mod pages;
mod settings;

pub(crate) use pages::routes;
pub(crate) use settings::{
    CALLBACK_PATH, ConsumerError, callback_url, endpoints, load, oauth_client,
};
#[cfg(test)]
pub(crate) use settings::{Consumer, save};
