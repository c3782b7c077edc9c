//! The signed-in person's own profile.

mod profile;

pub(super) use profile::routes;

#[cfg(test)]
pub(crate) use profile::{ProfilePage, ShownSession};
