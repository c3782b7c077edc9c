//! Repositories that an integration can see, kept here so that they are searched on our side and no page waits.
//!
//! A repository is known by Bitbucket's own unchanging id; names and addresses follow it when it is renamed. One that is
//! no longer listed is marked as gone and keeps its row, because applications and builds hang on it.

mod read;
mod row;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use read::{
    Owner, Search, administered, beside, get, get_within, of_account, owners, search,
    with_access_key,
};
pub use row::Repository;
pub use write::{
    SeenRepository, mark_unseen_gone, remember, set_access_key, set_can_administer,
    set_default_branch,
};

/// Every statement, for the test that prepares them.
#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    read::ALL.iter().chain(write::ALL)
}
