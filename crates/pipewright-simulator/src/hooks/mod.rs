//! Sending webhooks, without knowing either product: what differs between them is behind [`WebhookRules`].
//!
//! Every delivery is recorded before it is sent, and every attempt after it, with the bytes that were signed.

mod raise;
mod rules;
mod sender;
mod signature;

pub(crate) use rules::{DeliveryPolicy, OutgoingEvent, WebhookRules};
pub(crate) use sender::HookSender;
pub use signature::sign;
