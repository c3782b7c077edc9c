//! The card of an application's webhook, and **Repair**.

mod card;
mod repair;

pub(super) use card::{WebhookCard, card};
pub(super) use repair::routes;
