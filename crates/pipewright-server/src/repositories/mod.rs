//! Repositories: listed in the background and searched on our side, and looked into before an application is made.

mod inspect;
mod list;
mod refresh;
mod search;

pub(crate) use inspect::{BranchFound, FilePart, Findings, KeptFile, inspect_due};
pub(crate) use list::{list_due, seen};
pub(crate) use refresh::refresh;
pub(crate) use search::{PAGE_LENGTH, Picker, name_of, owner_of, pick, place_name};
