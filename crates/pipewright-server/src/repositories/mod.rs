//! Repositories: listed in the background and searched on our side, and looked into before an application is made.

mod address;
mod inspect;
mod list;
mod pages;
mod search;

pub(crate) use address::address_of;
pub(crate) use inspect::{BranchFound, FilePart, Findings, KeptFile, inspect_due};
pub(crate) use list::{list_due, seen};
pub(crate) use pages::routes;
pub(crate) use search::{PAGE_LENGTH, Picker, name_of, pick, place_name};
