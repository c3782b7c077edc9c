//! The one way out: a configured HTTP client, requests with bounds, and the errors every call can end with.
//!
//! Invariants: every call has a timeout; no cookies are kept (a login cookie can hide that the next credential is
//! wrong); a redirect is followed only for reading and only to the same scheme, host and port; bodies are read up to a
//! limit. What a status code means is decided by the product's own module, not here.

mod client;
mod encode;
mod error;
mod known;
mod network;
mod options;
mod outgoing;
mod request;

#[cfg(test)]
mod tests;

pub use client::Http;
pub(crate) use client::{retry_after, same_origin};
pub use encode::{UnsafePathError, encode_path, encode_path_part};
pub use error::{ApiError, FieldError};
pub(crate) use known::{BuildCapabilities, Cell};
pub use network::{NetworkFailure, TlsFailure};
pub use options::{HttpOptions, HttpSetupError, Proxy};
pub use outgoing::{AddressClass, NotAllowed, Outgoing, Pattern, PatternError};
pub(crate) use request::{Answer, Request};
