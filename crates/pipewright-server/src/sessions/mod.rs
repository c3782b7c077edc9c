//! Signing in and out, and the sessions in between.
//!
//! A session is a cookie of 32 random bytes; the database holds its hash. It is made anew at each sign-in, ends when it
//! was not used for the configured time, and can be ended by its user from the profile.

pub(crate) mod guard;
pub(crate) mod lockout;
mod open;

pub(crate) use open::{Opening, open};
