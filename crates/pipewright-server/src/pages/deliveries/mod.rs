//! Deliveries: the list with each change's decision and reason, one whole, and **Redeliver**.

mod list;
mod redeliver;
mod show;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(show::routes())
        .merge(redeliver::routes())
}

pub(super) use list::{ShownDecision, shown_decision, state};

#[cfg(test)]
pub(super) use {
    list::{DeliveriesPage, OutcomeChip, RowOfDelivery},
    show::DeliveryPage,
};
