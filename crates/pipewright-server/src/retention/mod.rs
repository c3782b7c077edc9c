//! What is not kept for ever: how long, removing what is over, and measuring what is left.
//!
//! `keep` is what holds for an account, `change` sets it, `sweep` removes in small batches, `measure` counts what
//! applications take. Artifacts have a time of their own, given when they are made: see [`crate::artifacts`].

mod change;
mod keep;
mod measure;
mod sweep;

pub(crate) use change::{Field, change};
pub(crate) use keep::keep_of;
pub(crate) use sweep::run;
#[cfg(feature = "testing")]
pub(crate) use sweep::{Swept, look};
