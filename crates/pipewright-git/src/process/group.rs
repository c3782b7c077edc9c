//! A process group that is ended as a whole.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The group led by a child that was started with `process_group(0)`. Dropping it kills what is left of the group,
/// so that an abandoned future or a panic leaves nothing running.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Option<Pid>,
}

impl ProcessGroup {
    /// The group of this child; `None` of a child that already ended makes an empty group.
    pub fn of(child_id: Option<u32>) -> Self {
        Self {
            leader: child_id
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw),
        }
    }

    /// Asks every process of the group to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends every process of the group.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// True while the group has a process. Once it has none, its number may be given away: it is forgotten here, and
    /// no signal is sent to it again.
    pub fn is_alive(&mut self) -> bool {
        let alive = self
            .leader
            .is_some_and(|leader| test_kill_process_group(leader).is_ok());
        if !alive {
            self.leader = None;
        }
        alive
    }

    /// Lets the group go on living.
    pub fn release(&mut self) {
        self.leader = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // The only error that can come is "no such process": it ended by itself, which is what we want.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
