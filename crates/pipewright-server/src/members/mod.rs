//! Members of an account: invited, given another role, removed, gone by themselves. An account always has an owner.

mod change_role;
mod error;
mod invite;
mod remove;
mod withdraw;

pub(crate) use change_role::change_role;
pub(crate) use invite::invite;
pub(crate) use remove::{Removed, remove};
pub(crate) use withdraw::withdraw;
