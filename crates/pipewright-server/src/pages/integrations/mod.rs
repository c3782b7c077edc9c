//! The **Integrations** page: connecting either Bitbucket, and what is changed of a connection.

mod card;
mod change;
mod cloud;
mod disconnect;
mod find;
mod list;
mod server;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(cloud::routes())
        .merge(server::routes())
        .merge(change::routes())
        .merge(disconnect::routes())
}
