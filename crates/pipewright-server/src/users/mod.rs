//! People who can sign in: their passwords and their profile.

mod email;
mod password;
mod profile;

use axum::Router;

use crate::app::App;

pub(crate) use email::checked_email;
pub(crate) use password::{PasswordError, check as check_password, hash as hash_password, verify};
pub(crate) use profile::checked_name;

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    profile::routes()
}

#[cfg(test)]
pub(crate) use profile::{ProfilePage, ShownSession};
