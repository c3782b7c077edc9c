//! Signing in and out.

mod sign_in;
mod sign_out;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(sign_out::routes())
}

#[cfg(test)]
pub(crate) use sign_in::SignInPage;
