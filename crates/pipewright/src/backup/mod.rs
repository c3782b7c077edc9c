//! Backups: the database as it is at one moment, logs and artifacts, and a list of it all; never the key.
//!
//! The database comes first, so that every log and artifact it speaks of is copied after it and is there, and longer at most. A
//! backup is a directory or one file (`.tar.zst`); it is written under another name and renamed, so that what has its name is
//! whole.

mod create;
mod manifest;
mod restore;
mod sink;
mod source;
mod verify;

pub(crate) use create::create;
pub(crate) use restore::{MARKER, restore};
pub(crate) use verify::verify;

/// The database's name in a backup.
const DATABASE: &str = "pipewright.db";

/// What of a data directory is copied as it is. Mirrors and caches are made again.
const DIRECTORIES: [&str; 2] = ["logs", "artifacts"];
