//! What people see and press: one folder a noun, one file a page. A handler extracts, calls one use case and renders; what
//! is done, and who may, stands in the noun's own folder.

mod accounts;
mod administration;
mod ansi;
mod applications;
mod builds;
mod deliveries;
mod events;
mod health;
mod installation;
mod integrations;
mod jump;
mod logs;
mod members;
mod oidc;
mod repositories;
mod run;
mod schedules;
mod sessions;
mod setup;
mod ssh_keys;
mod storage;
mod users;
mod variables;
mod webhooks;
mod why;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(accounts::routes())
        .merge(administration::routes())
        .merge(applications::routes())
        .merge(builds::routes())
        .merge(deliveries::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(installation::routes())
        .merge(integrations::routes())
        .merge(jump::routes())
        .merge(logs::routes())
        .merge(members::routes())
        .merge(oidc::routes())
        .merge(repositories::routes())
        .merge(run::routes())
        .merge(schedules::routes())
        .merge(sessions::routes())
        .merge(setup::routes())
        .merge(ssh_keys::routes())
        .merge(storage::routes())
        .merge(users::routes())
        .merge(variables::routes())
        .merge(webhooks::routes())
        .merge(why::routes())
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
