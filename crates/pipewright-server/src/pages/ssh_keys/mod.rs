//! The SSH key and the known hosts of an application: the page, and the forms that change them.

mod change;
mod show;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new().merge(show::routes()).merge(change::routes())
}
