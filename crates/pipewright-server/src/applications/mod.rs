//! Applications: repositories made buildable.
//!
//! The wizard picks a repository, shows what is in it, and makes the application, its webhook's row and its
//! first build in one transaction. Whether a webhook is at Bitbucket follows from the rules alone: see
//! [`crate::webhooks`].

mod create;
mod delete;
pub(crate) mod rename;
mod slug;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use create::{CreateError, create};
pub(crate) use delete::delete;
