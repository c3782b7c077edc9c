//! People who can sign in: their names, addresses and passwords.

mod email;
mod name;
mod password;

pub(crate) use email::checked_email;
pub(crate) use name::checked_name;
pub(crate) use password::{
    For, PasswordError, check as check_password, hash as hash_password, verify,
};
