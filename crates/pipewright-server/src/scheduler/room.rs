//! Whether the machine has room for another step: disk, inodes, memory, descriptors. What it lacks is the installation's
//! trouble and no build's: nothing is claimed while it lasts, every page says why, and what could not be run meanwhile goes
//! back to the queue.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pipewright_core::ids::BuildId;

use crate::app::App;
use crate::config::Floors;
use crate::live::Part;

/// How long nothing is claimed after an attempt was given back; it doubles while that goes on.
const FIRST_REST: Duration = Duration::from_secs(1);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// What is left of something, and how much there is in all.
#[derive(Debug, Clone, Copy)]
struct Left {
    left: u64,
    all: u64,
}

impl Left {
    /// True where less is left than the floor asks for; of a small thing a twentieth is enough.
    const fn is_below(self, floor: u64) -> bool {
        let twentieth = self.all / 20;
        self.left < if floor < twentieth { floor } else { twentieth }
    }
}

/// Says what the machine lacks for a step that works in `directory`: a sentence without its end; none where it has room.
pub(crate) fn lacking(directory: &Path, floors: &Floors) -> Option<String> {
    if let Some(why) = full_disk(directory, floors) {
        return Some(why);
    }
    if let Some(memory) = memory()
        && memory.is_below(floors.memory_bytes)
    {
        return Some(format!(
            "the machine has only {} MB of memory left",
            memory.left / 1_000_000
        ));
    }
    match descriptors() {
        Err(error) => Some(format!(
            "this process can open no more files ({error}); raise its limit of open files"
        )),
        Ok(descriptors) if descriptors.is_below(floors.descriptors) => Some(format!(
            "this process may open only {} more of its {} files; raise its limit of open files",
            descriptors.left, descriptors.all
        )),
        Ok(_) => None,
    }
}

/// Says what the file system of `directory` lacks; none where things can be written there.
pub(super) fn full_disk(directory: &Path, floors: &Floors) -> Option<String> {
    let place = directory.display();
    match rustix::fs::statvfs(directory) {
        Err(error) => {
            return Some(format!(
                "the data directory {place} cannot be looked at: {error}"
            ));
        }
        Ok(system) => {
            if system
                .f_flag
                .contains(rustix::fs::StatVfsMountFlags::RDONLY)
            {
                return Some(format!("the file system of {place} is read-only"));
            }
            let space = Left {
                left: system.f_bavail.saturating_mul(system.f_frsize),
                all: system.f_blocks.saturating_mul(system.f_frsize),
            };
            if space.is_below(floors.disk_bytes) {
                return Some(format!(
                    "the disk of {place} has only {} MB left; remove something there",
                    space.left / 1_000_000
                ));
            }
            let inodes = Left {
                left: system.f_favail,
                all: system.f_files,
            };
            if inodes.is_below(floors.inodes) {
                return Some(format!(
                    "the file system of {place} has room for only {} more files; remove some there",
                    inodes.left
                ));
            }
        }
    }
    None
}

/// Memory that programs may still have, in bytes; none where the system does not say.
fn memory() -> Option<Left> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Left {
        left: value("MemAvailable:")?,
        all: value("MemTotal:")?,
    })
}

/// Files that this process may still open.
fn descriptors() -> std::io::Result<Left> {
    let open = std::fs::read_dir("/proc/self/fd")?.count() as u64;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(u64::MAX);
    Ok(Left {
        left: limit.saturating_sub(open),
        all: limit,
    })
}

/// How often a step whose script fails while the disk is full runs again for that: it may be the step that fills it.
const FULL_DISKS_ALLOWED: u32 = 3;

/// Whether something may be claimed now.
#[derive(Debug, Default)]
pub(super) struct Room {
    rest: Mutex<Rest>,
    /// How often each step's script failed while the disk was full.
    failures: Mutex<HashMap<(BuildId, usize), u32>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// Attempts in a row that were given back.
    given_back: u32,
    /// Until when nothing is claimed, by [`Clock::elapsed`](crate::Clock::elapsed).
    until: Duration,
}

impl Room {
    /// Whether a step may begin now; where not, health and pages say why.
    pub(super) fn is_there(&self, app: &App) -> bool {
        let vitals = &app.live().vitals;
        if let Some(why) = lacking(&app.config.data_directory, &app.config.floors) {
            vitals.unwell(Part::Room, format!("no step begins, because {why}"));
            return false;
        }
        let rest = self.lock();
        if app.clock.elapsed() < rest.until {
            return false;
        }
        vitals.well(Part::Room);
        true
    }

    /// An attempt was given back for a reason of the machine's.
    pub(super) fn gave_back(&self, app: &App, why: &str) {
        let mut rest = self.lock();
        let pause = FIRST_REST
            .saturating_mul(2_u32.saturating_pow(rest.given_back.min(10)))
            .min(LONGEST_REST);
        rest.given_back += 1;
        rest.until = app.clock.elapsed() + pause;
        let why = format!("a step could not be run and waits: {why}");
        tracing::warn!(
            why,
            pause_s = pause.as_secs(),
            "an attempt goes back to the queue"
        );
        app.live().vitals.unwell(Part::Room, why);
    }

    /// A step ran.
    pub(super) fn ran(&self) {
        *self.lock() = Rest::default();
    }

    /// A step's script failed while the disk was full. False where that happened too often to be the disk's fault alone.
    pub(super) fn is_excused(&self, build: BuildId, step: usize) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry((build, step)).or_default();
        *count += 1;
        let is_excused = *count <= FULL_DISKS_ALLOWED;
        if !is_excused {
            failures.remove(&(build, step));
        }
        is_excused
    }

    /// A step ended in a way that is its own.
    pub(super) fn ended(&self, build: BuildId, step: usize) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&(build, step));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Left, lacking};
    use crate::config::Floors;

    #[test]
    fn a_floor_is_what_is_asked_for_or_a_twentieth() {
        for (left, all, floor, below) in [
            (300, 10_000, 256, false),
            (200, 10_000, 256, true),
            (20, 200, 256, false),
            (9, 200, 256, true),
            // No limit at all.
            (0, 0, 256, false),
        ] {
            assert_eq!(Left { left, all }.is_below(floor), below, "{left} of {all}");
        }
    }

    #[test]
    fn what_is_lacking_is_said_with_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(lacking(directory.path(), &Floors::default()), None);
        let gone = directory.path().join("gone");
        let why = lacking(&gone, &Floors::default()).expect("is not there");
        assert!(why.contains("gone"), "{why}");
    }
}
