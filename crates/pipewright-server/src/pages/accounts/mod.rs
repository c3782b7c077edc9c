//! The page that a visitor lands on, and making a team.

mod front;
mod new_team;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(front::routes())
        .merge(new_team::routes())
}

#[cfg(test)]
pub(crate) use front::WelcomePage;
#[cfg(test)]
pub(crate) use new_team::NewTeamPage;
