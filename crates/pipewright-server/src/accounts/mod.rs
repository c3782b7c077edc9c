//! Accounts: a person's own and teams', and their slugs.

mod make;
pub(crate) mod slug;

pub(crate) use make::{NewAccount, free_slug, make};
