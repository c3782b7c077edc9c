//! The query parameters that lists have in common: `q`, `sort`, `page`, `pagelen`, `fields`.
//!
//! Source of the rules: the narrative of Bitbucket's API description on filtering, sorting, pagination and partial
//! responses.

mod fields;
mod filter;
mod list;
mod order;

pub(super) use fields::partial_response;
pub(super) use list::{ListQuery, PageSize};
pub(super) use order::sort_by;
