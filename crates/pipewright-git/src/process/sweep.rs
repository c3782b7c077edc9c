//! Finds processes that left their group, by a variable in their environment, and ends them.
//!
//! A script can start a daemon in a session of its own; its environment still carries the attempt's mark unless it
//! was wiped on purpose. Only processes of our own user can be read. Best effort by nature: what wipes its
//! environment escapes, which only a container can prevent.
//!
//! Looking at every process of the machine costs as much as a short script. Where many attempts end within a moment, one
//! look serves all of them (see [`Sweeper`]).

use std::fs::File;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

/// How often the process table is read again for children that were born while it was read.
const ROUNDS: usize = 5;

/// How long after one look the next begins at the earliest; who comes meanwhile shares it.
const GATHER: Duration = Duration::from_millis(200);

/// Ends marked processes, at most one look at a time and a few looks a second.
#[derive(Debug, Default)]
pub struct Sweeper {
    /// Marks that no look has begun for.
    waiting: Mutex<Vec<String>>,
    /// Held by whoever looks; when the last look ended.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

impl Sweeper {
    /// Ends every process whose environment holds this `NAME=value`. Dropped early, the mark is left to the next look.
    pub async fn sweep(&self, mark: String) {
        self.waiting().push(mark.clone());
        let mut last = self.turn.lock().await;
        if !self.waiting().contains(&mark) {
            // The look that ended just now began after this mark was given.
            return;
        }
        if let Some(last) = *last {
            tokio::time::sleep_until(last + GATHER).await;
        }
        let marks = std::mem::take(&mut *self.waiting());
        // The only failure is a panic, and then there is nothing more to do for these processes.
        let _ = tokio::task::spawn_blocking(move || kill_marked(&marks)).await;
        *last = Some(Instant::now());
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Processes whose environment holds exactly one of these `NAME=value`.
fn marked(marks: &[String]) -> Vec<Pid> {
    let own = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut environment = Vec::with_capacity(64 << 10);
    entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
        })
        .filter(|id| *id != own)
        .filter(|id| {
            environment.clear();
            // Of other users, or gone meanwhile: not ours.
            let read = File::open(format!("/proc/{id}/environ"))
                .and_then(|mut file| file.read_to_end(&mut environment));
            read.is_ok()
                && environment
                    .split(|byte| *byte == 0)
                    .any(|entry| marks.iter().any(|mark| mark.as_bytes() == entry))
        })
        .filter_map(|id| i32::try_from(id).ok().and_then(Pid::from_raw))
        .collect()
}

/// Kills every marked process, and again those that were born meanwhile; returns how many signals were sent. Blocks
/// for about 10 µs a process of the machine.
pub fn kill_marked(marks: &[String]) -> usize {
    let mut killed = 0;
    for _ in 0..ROUNDS {
        let found = marked(marks);
        if found.is_empty() {
            break;
        }
        for process in found {
            killed += usize::from(kill_process(process, Signal::KILL).is_ok());
        }
    }
    killed
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::Sweeper;

    #[tokio::test]
    async fn one_look_ends_what_many_marks_name() {
        let sweeper = Arc::new(Sweeper::default());
        let marks: Vec<String> = (0..8)
            .map(|number| format!("PIPEWRIGHT_SWEPT={}-{number}", std::process::id()))
            .collect();
        let mut processes: Vec<_> = marks
            .iter()
            .map(|mark| {
                let (name, value) = mark.split_once('=').expect("NAME=value");
                Command::new("/bin/sleep")
                    .arg("600")
                    .env(name, value)
                    .spawn()
                    .expect("sleep starts")
            })
            .collect();
        let sweeps: Vec<_> = marks
            .into_iter()
            .map(|mark| {
                tokio::spawn({
                    let sweeper = Arc::clone(&sweeper);
                    async move { sweeper.sweep(mark).await }
                })
            })
            .collect();
        for sweep in sweeps {
            sweep.await.expect("no panic");
        }
        for process in &mut processes {
            assert!(!process.wait().expect("ours").success(), "killed");
        }
        assert!(sweeper.waiting().is_empty());
    }
}
