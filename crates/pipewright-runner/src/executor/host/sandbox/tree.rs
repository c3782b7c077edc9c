//! Which processes a sandbox holds, read from `/proc/…/children` (proc(5)): a few reads, however many processes the machine
//! has.

use rustix::process::Pid;

/// More than any step starts; a tree that grows while it is read ends here.
const MOST: usize = 100_000;

/// False where this kernel does not tell (`CONFIG_PROC_CHILDREN`); every distribution's does.
pub(super) fn is_known() -> bool {
    let own = std::process::id();
    std::fs::exists(format!("/proc/{own}/task/{own}/children")).unwrap_or(false)
}

/// The children of a process's first thread.
pub(super) fn children(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    read(&format!("/proc/{id}/task/{id}/children"))
}

/// All that descends from a process, without itself.
pub(super) fn descendants(of: Pid) -> Vec<Pid> {
    let mut found: Vec<Pid> = Vec::new();
    let mut next = 0;
    let mut process = of;
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
        for task in tasks.into_iter().flatten().flatten() {
            found.extend(read(&task.path().join("children").to_string_lossy()));
        }
        match found.get(next) {
            Some(child) if next < MOST => process = *child,
            _ => return found,
        }
        next += 1;
    }
}

fn read(path: &str) -> Vec<Pid> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace()
        .filter_map(|id| id.parse().ok().and_then(Pid::from_raw))
        .collect()
}
