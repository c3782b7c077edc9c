//! What the webhooks of Data Center send, and when.
//!
//! One file per family of events; [`rules`] ties them to the sender. A failed delivery is never repeated, and a receiver
//! that keeps failing is left alone for a while: what happens meanwhile is lost, as with the real product.

mod breaker;
mod pull_request;
mod push;
mod repository;
mod rules;

pub(super) use pull_request::pull_request_deleted;
pub(super) use repository::repository_modified;
pub(crate) use rules::DatacenterRules;
pub(super) use rules::envelope;
