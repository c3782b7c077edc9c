//! What a backup says of itself, in `backup.json`.

use serde::{Deserialize, Serialize};

/// Its name in a backup.
pub(super) const NAME: &str = "backup.json";

/// The number that is raised when an older Pipewright could not read a backup any more.
pub(super) const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// See [`FORMAT`].
    pub(super) format: u32,
    /// The version that made it.
    pub(super) version: String,
    /// When, as text for people.
    pub(super) made_at: String,
    /// False where the database is a PostgreSQL server's, which has tools of its own for that.
    pub(super) holds_database: bool,
    /// Every file but this one, in the order they were copied.
    pub(super) files: Vec<Copied>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copied {
    /// Its path in the backup, with slashes.
    pub(super) name: String,
    /// Its length.
    pub(super) bytes: u64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub(super) sha256: String,
}
