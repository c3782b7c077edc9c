//! Where a data directory lies: on a memory file system, which shows what the code costs, and on disk, which adds what
//! syncing costs.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use tempfile::TempDir;

/// The memory file system that every Linux has.
const MEMORY: &str = "/dev/shm";

/// One place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    Disk,
}

/// The places to measure in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    memory: bool,
    disk: bool,
}

impl FromStr for Places {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "memory" => Ok(Self {
                memory: true,
                disk: false,
            }),
            "disk" => Ok(Self {
                memory: false,
                disk: true,
            }),
            "both" => Ok(Self {
                memory: true,
                disk: true,
            }),
            _ => Err(format!("{word} is not memory, disk or both")),
        }
    }
}

impl Places {
    /// The chosen places that this machine has.
    pub(crate) fn each(self) -> impl Iterator<Item = Place> {
        let memory = (self.memory && Path::new(MEMORY).is_dir()).then_some(Place::Memory);
        memory.into_iter().chain(self.disk.then_some(Place::Disk))
    }
}

impl Place {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }

    /// A new directory there; it goes with the value.
    pub(crate) fn directory(self) -> anyhow::Result<TempDir> {
        let root = match self {
            Self::Memory => PathBuf::from(MEMORY),
            Self::Disk => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/bench"),
        };
        std::fs::create_dir_all(&root)
            .with_context(|| format!("{} cannot be made", root.display()))?;
        let root = root.canonicalize()?;
        tempfile::Builder::new()
            .prefix("pw-bench-")
            .tempdir_in(&root)
            .with_context(|| format!("nothing can be made in {}", root.display()))
    }
}
