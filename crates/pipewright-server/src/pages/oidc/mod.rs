//! OpenID Connect: the documents that verifiers read, the account's page with its keys, and an application's with what to
//! have clouds and vaults trust.

mod account;
mod application;
mod change;
mod documents;
mod policies;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(account::routes())
        .merge(application::routes())
        .merge(change::routes())
        .merge(documents::routes())
}
