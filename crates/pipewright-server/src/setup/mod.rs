//! First run: a one-time link makes the administrator. While there is no user, nobody else can get in.

mod link;

pub use link::ensure_link;
pub(crate) use link::{SETTING, hash_of_link};
