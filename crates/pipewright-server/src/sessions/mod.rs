//! Signing in and out, and the sessions in between.
//!
//! A session is a cookie of 32 random bytes; the database holds its hash. It is made anew at each sign-in, ends when it
//! was not used for the configured time, and can be ended by its user from the profile.

pub(crate) mod guard;
mod lockout;
mod open;
mod sign_in;
mod sign_out;
mod token;

use axum::Router;

use crate::app::App;

pub(crate) use open::{Opening, open};
pub(crate) use token::{TOUCH_EVERY, hash_of_token, new_token};

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(sign_out::routes())
}

#[cfg(test)]
pub(crate) use sign_in::SignInPage;
