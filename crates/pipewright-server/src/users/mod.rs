//! People who can sign in: their names, addresses and passwords.

mod email;
mod name;
mod password;

pub(crate) use email::checked_email;
pub(crate) use name::checked_name;
pub(crate) use password::{
    For, PasswordError, check as check_password, hash as hash_password, verify,
};

use crate::ground::together;
use pipewright_core::Secret;

/// The name of somebody who makes themselves a user of this address, or everything that is wrong with it and the password.
pub(crate) fn new_user(name: &str, password: &Secret, email: &str) -> Result<String, String> {
    match (checked_name(name), check_password(password, &[name, email])) {
        (Ok(name), Ok(())) => Ok(name),
        (name, password) => Err(together([name.err(), password.err()]).unwrap_or_default()),
    }
}
