//! First run: a one-time link makes the administrator. While there is no user, nobody else can get in.

mod administrator;
mod link;

use axum::Router;

use crate::app::App;

pub use link::ensure_link;

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    administrator::routes()
}

#[cfg(test)]
pub(crate) use administrator::SetupPage;
