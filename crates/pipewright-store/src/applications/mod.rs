//! Applications: repositories made buildable.

mod overview;
mod read;
mod row;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use overview::{LastBuild, last_builds, under_way};
pub use read::{by_account, by_slug, find, for_repository, get, of_integration, on_repository};
pub use row::{Application, ListedApplication, Rules, Watch};
pub use write::{NewApplication, insert, remove, set_name, set_rules, set_watch};

/// Every statement, for the test that prepares them.
#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    read::ALL.iter().chain(write::ALL).chain(overview::ALL)
}
