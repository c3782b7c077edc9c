//! Memory, processes and processors of a step, kept by the kernel: control groups, version 2.
//!
//! They can be made as root, and where systemd gave the server's unit a part of the tree (`Delegate=`). A group with
//! limits below it may hold no process of its own (cgroups(7), "no internal processes"), so the server itself moves into a
//! group beside those of its steps. Nothing of this is done where no limit is set.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::process::Pid;

use super::super::options::HostLimits;

const TREE: &str = "/sys/fs/cgroup";
const SERVER: &str = "pipewright-server";
const STEPS: &str = "pipewright-steps";

/// Where groups of steps are made.
#[derive(Debug)]
pub(super) struct Groups {
    limits: HostLimits,
    /// The directory of all steps' groups, found when the first is wanted; `None` where there are none.
    steps: OnceLock<Option<PathBuf>>,
}

/// The group of one step.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
    limits: HostLimits,
}

impl Groups {
    pub(super) const fn new(limits: HostLimits) -> Self {
        Self {
            limits,
            steps: OnceLock::new(),
        }
    }

    /// A group for a step; `None` where no limit is set or none can be kept.
    pub(super) fn make(&self, mark: &str) -> Option<Group> {
        let group = Group {
            path: self.steps()?.join(mark),
            limits: self.limits,
        };
        match group.create() {
            Ok(()) => Some(group),
            Err(error) => {
                tracing::warn!(%error, group = %group.path.display(), "a step runs without its limits");
                None
            }
        }
    }

    /// Where they are made; `None` where no limit is set or none can be kept. Whoever asks first moves this process aside, so
    /// that those it starts, and their own steps, find the place made.
    pub(super) fn steps(&self) -> Option<&Path> {
        if !self.limits.is_any() {
            return None;
        }
        let steps = self.steps.get_or_init(|| {
            let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
            prepare(Path::new(TREE), &own, &is_ours)
                .inspect_err(|error| {
                    tracing::warn!(%error, "the limits host.memory_mb, host.processes and host.cpus cannot be kept: the server may not make control groups; run it under systemd with Delegate= (docs/isolation.md)");
                })
                .ok()
        });
        steps.as_deref()
    }
}

impl Group {
    fn create(&self) -> io::Result<()> {
        std::fs::create_dir(&self.path)?;
        let write = |file: &str, value: String| std::fs::write(self.path.join(file), value);
        if let Some(memory) = self.limits.memory {
            write("memory.max", memory.to_string())?;
            // Missing where the kernel counts no swap.
            let _ = write("memory.swap.max", "0".to_owned());
        }
        if let Some(processes) = self.limits.processes {
            write("pids.max", processes.to_string())?;
        }
        if let Some(percent) = self.limits.cpu_percent {
            write("cpu.max", format!("{} 100000", u64::from(percent) * 1000))?;
        }
        Ok(())
    }

    /// Moves processes into the group.
    pub(super) fn add(&self, processes: impl Iterator<Item = Pid>) {
        for process in processes {
            let id = process.as_raw_nonzero().to_string();
            if let Err(error) = std::fs::write(self.path.join("cgroup.procs"), id) {
                tracing::warn!(%error, group = %self.path.display(), "a step runs without its limits");
            }
        }
    }

    /// Removes the group, which holds no process any more. Answers a sentence where the step met a limit.
    pub(super) fn close(self) -> Option<String> {
        let count = |file: &str, name: &str| {
            let text = std::fs::read_to_string(self.path.join(file)).unwrap_or_default();
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .find(|(key, _)| *key == name)
                .and_then(|(_, number)| number.trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        let killed = count("memory.events", "oom_kill");
        let refused = count("pids.events", "max");
        if let Err(error) = std::fs::remove_dir(&self.path) {
            tracing::warn!(%error, group = %self.path.display(), "the control group of a step is left behind");
        }
        if let (Some(memory), 1..) = (self.limits.memory, killed) {
            return Some(format!(
                "The step wanted more memory than its {} MB (host.memory_mb), and the kernel killed what used most.",
                memory / 1_000_000
            ));
        }
        match (self.limits.processes, refused) {
            (Some(processes), 1..) => Some(format!(
                "The step wanted more than its {processes} processes and threads at a time (host.processes), and was refused more."
            )),
            _ => None,
        }
    }
}

/// True for this process and what it started.
fn is_ours(id: &str) -> bool {
    let own = rustix::process::getpid();
    id.parse()
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|id| id == own || super::tree::descendants(own).contains(&id))
}

/// Makes the group of all steps beside the server's own. `own` is `/proc/self/cgroup`. Processes of others are not moved.
fn prepare(tree: &Path, own: &str, is_ours: &dyn Fn(&str) -> bool) -> io::Result<PathBuf> {
    let own = own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or_else(|| io::Error::other("this machine has no control groups of version 2"))?;
    // A server that started from the group that an earlier one moved into.
    let own = Path::new(own.trim());
    let base = tree.join(if own.ends_with(SERVER) {
        own.parent().unwrap_or(own)
    } else {
        own
    });
    if !base.join("cgroup.subtree_control").exists() {
        return Err(io::Error::other(format!(
            "{} has no control groups of version 2",
            tree.display()
        )));
    }
    let inside = std::fs::read_to_string(base.join("cgroup.procs"))?;
    if let Some(other) = inside.lines().find(|id| !is_ours(id)) {
        return Err(io::Error::other(format!(
            "the server shares its control group with others (process {other})"
        )));
    }
    let (server, steps) = (base.join(SERVER), base.join(STEPS));
    for directory in [&server, &steps] {
        match std::fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    for process in inside.lines() {
        // One that ended meanwhile needs no moving.
        let _ = std::fs::write(server.join("cgroup.procs"), process);
    }
    for directory in [&base, &steps] {
        std::fs::write(
            directory.join("cgroup.subtree_control"),
            "+memory +pids +cpu",
        )?;
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::options::HostLimits;
    use super::{Group, prepare};

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).expect("a file")
    }

    #[test]
    fn the_server_moves_aside_and_steps_get_their_limits() {
        let tree = tempfile::tempdir().expect("a directory");
        let unit = tree.path().join("system.slice/pipewright.service");
        std::fs::create_dir_all(&unit).expect("a directory");
        std::fs::write(unit.join("cgroup.subtree_control"), "").expect("a file");
        std::fs::write(unit.join("cgroup.procs"), "41\n").expect("a file");
        let own = "1:name=x:/y\n0::/system.slice/pipewright.service\n";
        prepare(tree.path(), own, &|_| false).expect_err("others are in it");
        let steps = prepare(tree.path(), own, &|id| id == "41").expect("it can be made");
        assert_eq!(read(&unit.join("pipewright-server/cgroup.procs")), "41");
        assert_eq!(
            read(&unit.join("cgroup.subtree_control")),
            "+memory +pids +cpu"
        );
        let again = "0::/system.slice/pipewright.service/pipewright-server\n";
        assert_eq!(
            prepare(tree.path(), again, &|id| id == "41").expect("again"),
            steps
        );
        let group = Group {
            path: steps.join("one"),
            limits: HostLimits {
                memory: Some(2_000_000_000),
                processes: Some(100),
                cpu_percent: Some(150),
            },
        };
        group.create().expect("a group");
        assert_eq!(read(&group.path.join("memory.max")), "2000000000");
        assert_eq!(read(&group.path.join("pids.max")), "100");
        assert_eq!(read(&group.path.join("cpu.max")), "150000 100000");
        std::fs::write(group.path.join("memory.events"), "low 0\noom_kill 2\n").expect("a file");
        let said = group.close().expect("it met a limit");
        assert!(said.contains("2000 MB (host.memory_mb)"), "{said}");
    }

    #[test]
    fn a_machine_without_them_says_so() {
        let tree = tempfile::tempdir().expect("a directory");
        prepare(tree.path(), "3:memory:/x\n", &|_| true).expect_err("version 1 alone");
        prepare(tree.path(), "0::/\n", &|_| true).expect_err("a hybrid tree");
    }
}
