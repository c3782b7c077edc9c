//! Variables that people give to builds: of the account, of an application, of an environment of it.
//!
//! Every value is sealed at rest. A secured one is never shown again, is masked in logs and does not fill templates;
//! the others are shown to every member. What narrows wins: environment over application over account.

mod change;
mod check;
mod give;
mod pages;
mod set;

use axum::Router;

use crate::app::App;

pub(crate) use give::{GiveError, given, template_values};
pub(crate) use set::{NewVariable, set};

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    Router::new().merge(pages::routes()).merge(change::routes())
}
