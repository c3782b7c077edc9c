//! What a new account may be called.

use super::slug;
use crate::ground::together;
use crate::users::checked_name;

/// Name and short name of a new account as they are kept, or everything that is wrong with them. An empty short name is made
/// from the name.
pub(crate) fn checked_names(name: &str, short: &str) -> Result<(String, String), String> {
    let name = checked_name(name);
    let short = match (&name, short.trim()) {
        (Ok(name), "") => slug::check(&slug::suggest(name)),
        // What is to be made from a name is not wrong beside it.
        (Err(_), "") => Ok(String::new()),
        (_, short) => slug::check(short),
    };
    match (name, short) {
        (Ok(name), Ok(short)) => Ok((name, short)),
        (name, short) => Err(together([name.err(), short.err()]).unwrap_or_default()),
    }
}
