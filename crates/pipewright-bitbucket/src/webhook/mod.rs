//! Deliveries: signature, headers and body, decoded into one closed set of events.
//!
//! The signature is checked over the raw bytes before anything is decoded. Decoding takes every shape that was ever
//! captured: each boolean and list may be absent, dates come in four forms, and a date or author that cannot be read
//! never loses an event. What cannot be understood at all is an error sentence, never a panic.

mod cloud;
mod datacenter;
mod event;
mod headers;
mod signature;

#[cfg(test)]
mod tests;

pub use event::{
    Actor, Change, ChangeKind, DecodeError, Event, HeadCommit, PullRequestAction, PullRequestEvent,
    Push, UnreadableChange,
};
pub use headers::DeliveryHeaders;
pub use signature::{SignatureError, verify_signature};

use crate::product::Product;

/// Decodes a delivery whose signature was checked. The event's name comes from the header, because old bodies carry none
/// or a wrong one.
pub fn decode(product: Product, event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    match product {
        Product::Cloud => cloud::decode(event_key, body),
        Product::DataCenter => datacenter::decode(event_key, body),
    }
}
