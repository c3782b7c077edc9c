//! Finds processes that left their group, by a variable in their environment, and ends them.
//!
//! A script can start a daemon in a session of its own; its environment still carries the attempt's mark unless it
//! was wiped on purpose. Only processes of our own user can be read. Best effort by nature: what wipes its
//! environment escapes, which only a container can prevent.

use rustix::process::{Pid, Signal, kill_process};

/// How often the process table is read again for children that were born while it was read.
const ROUNDS: usize = 5;

/// Processes whose environment holds exactly this `NAME=value`.
fn marked(mark: &str) -> Vec<Pid> {
    let own = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()))
        .filter(|id| *id != own)
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/environ"))
                .is_ok_and(|text| text.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()))
        })
        .filter_map(|id| i32::try_from(id).ok().and_then(Pid::from_raw))
        .collect()
}

/// Kills every marked process, and again those that were born meanwhile; returns how many signals were sent. Blocks
/// for about 10 µs a process of the machine.
pub(crate) fn kill_marked(mark: &str) -> usize {
    let mut killed = 0;
    for _ in 0..ROUNDS {
        let found = marked(mark);
        if found.is_empty() {
            break;
        }
        for process in found {
            killed += usize::from(kill_process(process, Signal::KILL).is_ok());
        }
    }
    killed
}
