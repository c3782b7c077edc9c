//! Our webhooks at Bitbucket: one per repository, made, found again, repaired and removed.
//!
//! What should be there follows from the database alone: a repository with an application that builds by itself has a
//! webhook, any other has none. The keeper looks at what is due and brings Bitbucket in step; a person can ask for it at
//! once. Where Bitbucket cannot reach this installation none is made, and refs are compared instead.

mod keep;
mod make;
mod register;
mod remove;
mod repair;
mod secret;
#[cfg(test)]
mod tests;

pub(crate) use keep::keep;
pub(crate) use make::make_row;
pub(crate) use register::check;
pub(crate) use remove::remove_unneeded;
pub(crate) use repair::{Ask, RepairError, repair};
pub(crate) use secret::open as open_secret;
