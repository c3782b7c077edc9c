//! The page **Storage** of an account: what its applications take, and how long things are kept.

mod show;

use axum::Router;

use crate::app::App;

/// The addresses of this page.
pub(crate) fn routes() -> Router<App> {
    show::routes()
}

#[cfg(test)]
pub(crate) use show::{KeptFor, StoragePage};
