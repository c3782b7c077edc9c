//! Watches how much a step's own directories hold.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::directories::StepDirectories;

/// The shortest pause between two looks.
const PAUSE: Duration = Duration::from_secs(10);

/// A look may take this part of the time at most: one in so many.
const SHARE: u32 = 50;

/// Returns when the step's directories hold more than `limit` bytes on the disk; never without a limit.
pub(super) async fn outgrown(directories: &StepDirectories, limit: Option<u64>) {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    let own = [
        &directories.build,
        &directories.home,
        &directories.tmp,
        &directories.scratch,
    ]
    .map(Clone::clone);
    let mut pause = PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        let begin = Instant::now();
        let own = own.clone();
        let is_over = tokio::task::spawn_blocking(move || is_over(&own, limit)).await;
        if is_over.unwrap_or(false) {
            return;
        }
        pause = PAUSE.max(begin.elapsed() * SHARE);
    }
}

/// True where the directories together hold more than that. Links are not followed, mounts not entered.
fn is_over(directories: &[PathBuf], limit: u64) -> bool {
    let mut left = limit;
    directories
        .iter()
        .any(|directory| take(directory, &mut left).is_none())
}

/// Takes what a directory holds from what is left; `None` where that is not enough.
fn take(directory: &Path, left: &mut u64) -> Option<()> {
    // What is removed while we look holds nothing.
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Some(());
    };
    for entry in entries.flatten() {
        let Ok(about) = entry.metadata() else {
            continue;
        };
        *left = left.checked_sub(about.blocks() * 512)?;
        if about.is_dir() {
            take(&entry.path(), left)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::is_over;

    #[test]
    fn what_is_on_the_disk_counts_and_links_do_not_lead_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let deep = directory.path().join("a/b");
        std::fs::create_dir_all(&deep).expect("directories");
        std::fs::write(deep.join("large"), vec![1; 1 << 20]).expect("a file");
        std::os::unix::fs::symlink("/", deep.join("everything")).expect("a link");
        let own = [directory.path().to_owned()];
        assert!(is_over(&own, 1 << 19) && !is_over(&own, 4 << 20));
    }
}
