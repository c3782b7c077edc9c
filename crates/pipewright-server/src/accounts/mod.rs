//! Accounts: a person's own and teams', and their slugs.

mod alone;
mod found_team;
mod make;
mod names;
pub(crate) mod slug;

pub(crate) use alone::{refuse_builds, refuse_start, refuse_team};
pub(crate) use found_team::{Founder, found_team};
pub(crate) use make::{NewAccount, free_slug, make};
pub(crate) use names::checked_names;
