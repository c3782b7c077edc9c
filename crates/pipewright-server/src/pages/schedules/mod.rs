//! **Schedules** of an application: the list, the editor with the next five times, and the buttons.

mod acts;
mod edit;
mod list;
mod times;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(edit::routes())
        .merge(times::routes())
        .merge(acts::routes())
}

#[cfg(test)]
pub(super) use {
    edit::EditPage,
    list::{RowOfSchedule, SchedulesPage},
    times::Times,
};
