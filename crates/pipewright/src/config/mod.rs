//! Configuration: defaults < file < environment < flags, checked whole before a port opens.
//!
//! Every setting stands once, in [`table`]: its name in the file, what it is for and its default. From that come the
//! environment variable (`PIPEWRIGHT_SERVER_LISTEN` for `server.listen`), the flag (`--set server.listen=…`), the
//! documentation (`pipewright config`) and the refusal of names that are not there. All mistakes are told at once, each
//! with the place it was made.

mod checked;
pub(crate) mod colours;
mod gather;
mod mistake;
mod table;

pub(crate) use checked::{Config, EngineAddress, GitLimits, LogFormat, address_of, check};
pub(crate) use gather::{Gathered, Origin, Shorthand, gather};
pub(crate) use mistake::Mistakes;
pub(crate) use table::SETTINGS;
