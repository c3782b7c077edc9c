//! Bitbucket's own OpenAPI documents as judges: of what the simulator answers, and of what our client asks.
//!
//! The documents are read from a directory outside the project and never shipped, so everything here serves tests
//! only. The validator knows as much of OpenAPI 3.0 as the two documents use; properties that a document does not
//! name are allowed in answers (servers are ahead of their documents) and refused in requests (a misspelt field is
//! silently dropped by the server). Places where a document is known to be wrong stand in one table with their
//! reasons, [`deviations`]. What is not here: the webhook payloads, which no OpenAPI document describes.

mod check;
pub mod deviations;
mod document;
mod formats;
mod schema;

pub use check::{Finding, Findings};
pub use document::{Document, LoadError, Operation, shared_directory};

#[cfg(test)]
mod tests;
