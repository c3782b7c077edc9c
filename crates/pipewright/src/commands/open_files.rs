//! How many files this process may open, and how many connections that leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for every connection and every step; more would slow down programs in steps, which inherit it and go through all
/// numbers.
const ENOUGH: u64 = 65_536;

/// Raises the limit of open files as far as this user may, and answers what it is now.
pub(super) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let now = limit.current.unwrap_or(u64::MAX);
    let wanted = hard.min(ENOUGH).max(now);
    if wanted > now {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, now, "the limit of open files cannot be raised");
            return now;
        }
    }
    wanted
}

/// How many connections there may be, of `wanted`, so that the database, logs, git and steps keep files of their own.
pub(super) fn connections(wanted: usize, files: u64) -> usize {
    let reserve = (files / 4).clamp(48, 512);
    let left = usize::try_from(files.saturating_sub(reserve)).unwrap_or(usize::MAX);
    wanted.min(left).max(8)
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn the_server_keeps_files_of_its_own() {
        assert_eq!(connections(4096, 65_536), 4096);
        assert_eq!(connections(4096, 1024), 768);
        assert_eq!(connections(4096, 64), 16);
        assert_eq!(connections(4096, 10), 8, "fewer would be none");
    }
}
