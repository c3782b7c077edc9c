//! What people are shown of builds, logs and deliveries. Reads and renders only: what is done to them are the use cases
//! of `builds` and `deliveries`.

mod ansi;
mod builds;
mod deliveries;
mod logs;
mod run;
mod schedules;
mod why;

use axum::Router;

use crate::app::App;

/// The addresses of these pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(builds::routes())
        .merge(deliveries::routes())
        .merge(logs::routes())
        .merge(run::routes())
        .merge(schedules::routes())
        .merge(why::routes())
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
