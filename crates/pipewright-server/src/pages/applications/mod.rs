//! Applications: the list, the wizard that makes one, one application's page and what is changed on it.

mod caches;
mod change;
mod list;
mod preview;
mod rules_form;
mod show;
mod wizard;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(wizard::routes())
        .merge(show::routes())
        .merge(change::routes())
        .merge(caches::routes())
}
