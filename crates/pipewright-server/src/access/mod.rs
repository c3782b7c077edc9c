//! A working client or credential for an integration, and nothing that uses one.
//!
//! Tokens, passwords and private keys are sealed; a token is refreshed before it expires, by one caller of all processes at a
//! time, and the new pair is stored before it is used. The rest of the server asks for a client with [`bitbucket_for`], for
//! a way to clone with [`clone_credential`], and says with [`note_revoked`] that Bitbucket refused what it was given.

mod check;
mod client;
pub(crate) mod consumer;
mod refusal;
mod revoked;
mod secrets;
mod token;
mod unavailable;
mod usable;

pub(crate) use check::check_key;
pub(crate) use client::{bitbucket_for, clone_credential};
pub(crate) use revoked::note_revoked;
pub(crate) use secrets::{Parts, seal_private_key};
pub(crate) use unavailable::{IntegrationUnavailable, REVOKED};
