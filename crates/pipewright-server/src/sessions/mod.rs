//! Signing in and out, and the sessions in between.
//!
//! A session is a cookie of 32 random bytes; the database holds its hash. It is made anew at each sign-in, ends when it
//! was not used for the configured time and after a longest time in any case, and can be ended by its user from the profile
//! and by an administrator. A second cookie shows the browser itself, so that strangers cannot lock it out.

pub(crate) mod admit;
pub(crate) mod lockout;
mod open;

pub(crate) use open::{Opening, open};
