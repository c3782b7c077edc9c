//! Applications: repositories made buildable.
//!
//! The wizard picks a repository, shows what is in it, and makes the application, its webhook's row and its
//! first build in one transaction. Whether a webhook is at Bitbucket follows from the rules alone: see
//! [`crate::webhooks`].

mod add_key;
mod change_rules;
mod clear_caches;
mod create;
mod delete;
mod look;
pub(crate) mod rename;
mod slug;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use add_key::add_key;
pub(crate) use change_rules::change_rules;
pub(crate) use clear_caches::clear_caches;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use look::look;
