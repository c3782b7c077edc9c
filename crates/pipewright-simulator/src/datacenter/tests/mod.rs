//! The Data Center as a client meets it, over HTTP.
//!
//! The cast: `mara` administers project `FIN`, `jonas` reads it, `olga` belongs to nothing. `FIN/ledger` is private and
//! has a commit on `main`, `FIN/handbook` is public and empty.

mod captures;
mod git;
mod keys;
mod lab;
mod openapi;
mod places;
mod pull_requests;
mod refs;
mod sign_in;
mod ssh;
mod statuses;
mod versions;
mod webhooks;
