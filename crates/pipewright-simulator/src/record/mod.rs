//! A bounded log of the HTTP exchanges that the simulator answered, for both products.
//!
//! Tests read it to say "every request that our client made is one the OpenAPI document knows". Credentials are never
//! kept: no header but the content types is recorded, and git traffic is not recorded at all. Bodies are kept only
//! when they are JSON and small. What is not here: the judging, which is `crate::openapi`.

mod exchange;
mod layer;

pub use exchange::{Exchange, KEPT_EXCHANGES, Recorder};
pub use layer::record;

#[cfg(test)]
mod tests;
