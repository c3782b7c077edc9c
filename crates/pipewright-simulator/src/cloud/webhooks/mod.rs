//! What Cloud's webhooks say, and how they are sent.

mod pull_request;
mod push;
mod rules;
mod status;

pub(crate) use rules::CloudRules;
