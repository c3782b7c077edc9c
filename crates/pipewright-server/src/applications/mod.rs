//! Applications: repositories made buildable.
//!
//! The wizard picks a repository, shows what is in it, and makes the application, its webhook's row and its
//! first build in one transaction. Whether a webhook is at Bitbucket follows from the rules alone: see
//! [`crate::webhooks`].

mod caches;
mod create;
mod delete;
mod find;
mod page_list;
mod page_show;
mod page_wizard;
mod pages_change;
mod preview;
mod rules;
mod slug;
#[cfg(test)]
pub(crate) mod tests;

use axum::Router;

use crate::app::App;

pub(crate) use find::find;

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(page_list::routes())
        .merge(page_wizard::routes())
        .merge(page_show::routes())
        .merge(pages_change::routes())
        .merge(caches::routes())
}
