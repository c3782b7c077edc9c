//! Variables of an account and of an application: the lists, and the forms that set and remove.

mod change;
mod list;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(change::routes())
}
