//! Accounts: a person's own and teams', their slugs, and the page that a visitor lands on.

mod front;
mod make;
mod new_team;
pub(crate) mod slug;

use axum::Router;

use crate::app::App;

pub(crate) use make::{NewAccount, free_slug, make};

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(front::routes())
        .merge(new_team::routes())
}

#[cfg(test)]
pub(crate) use front::WelcomePage;
#[cfg(test)]
pub(crate) use new_team::NewTeamPage;
