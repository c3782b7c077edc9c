//! Keeping what a step leaves, when its scripts have ended.
//!
//! Nothing here changes how the step ended: what cannot be kept is said in the log, as at Bitbucket.

use std::fs::File;
use std::io::BufWriter;

use pipewright_core::ids::ArtifactId;
use pipewright_core::plan::{ArtifactPlan, CaptureOn, StepPlan};
use pipewright_core::wire::{ArtifactKind, LISTED_FILES, NewArtifact};
use tokio::time::Instant;

use super::ArtifactPlace;
use super::find::{Found, find};
use crate::archive::{ArchiveError, ArchiveLimits, Entry, blocking, pack, size};
use crate::executor::StepDirectories;
use crate::log::LogWriter;

/// The longest name that is made of patterns, in characters.
const NAME_CHARACTERS: usize = 120;

/// Keeps the artifacts of a step whose script passed or failed. Says in the log what it kept.
pub async fn keep<P: ArtifactPlace>(
    place: &P,
    plan: &StepPlan,
    passed: bool,
    directories: &StepDirectories,
    limits: ArchiveLimits,
    log: &mut LogWriter,
) {
    for (position, artifact) in plan.artifacts.iter().enumerate() {
        let wanted = match artifact.capture_on {
            CaptureOn::Success => passed,
            CaptureOn::Failed => !passed,
            CaptureOn::Always => true,
        };
        if wanted {
            keep_one(place, position, artifact, directories, limits, log).await;
        }
    }
}

async fn keep_one<P: ArtifactPlace>(
    place: &P,
    position: usize,
    plan: &ArtifactPlan,
    directories: &StepDirectories,
    limits: ArchiveLimits,
    log: &mut LogWriter,
) {
    let begin = Instant::now();
    let name = name(plan);
    // Beside the scripts, where only our user may look; removed with them.
    let archive = directories
        .scripts
        .join(format!("artifact-{position}.tar.zst"));
    let packed = {
        let (root, plan, archive) = (directories.build.clone(), plan.clone(), archive.clone());
        blocking(move |cancel| {
            let found = find(&root, &plan, cancel)?;
            if found.entries.is_empty() {
                return Ok((found, None));
            }
            let file = File::create(&archive).map_err(|source| ArchiveError::File {
                action: "make",
                path: archive,
                source,
            })?;
            let totals = pack(&root, &found.entries, BufWriter::new(file), limits, cancel)?;
            Ok((found, Some(totals)))
        })
        .await
    };
    let kept = match packed {
        Ok((found, totals)) => {
            for problem in &found.problems {
                log.line(&format!("Artifact {name}: {problem}.")).await;
            }
            if found.links_out > 0 {
                let (links, lead) = if found.links_out == 1 {
                    ("link", "leads")
                } else {
                    ("links", "lead")
                };
                let count = found.links_out;
                log.line(&format!(
                    "Artifact {name}: {count} {links} that {lead} out of the clone directory {} left out.",
                    if count == 1 { "is" } else { "are" }
                ))
                .await;
            }
            let Some(totals) = totals.filter(|totals| totals.files > 0) else {
                log.line(&format!(
                    "Artifact {name}: no file matches, nothing is kept."
                ))
                .await;
                return;
            };
            let artifact = NewArtifact {
                id: ArtifactId::new(),
                position: u32::try_from(position).unwrap_or(u32::MAX),
                name: name.clone(),
                kind: kind(plan),
                files: totals.files,
                bytes: totals.archive_bytes,
                listing: listing(&found),
            };
            place.put(&artifact, &archive).await.map(|()| totals)
        }
        Err(error) => Err(error.to_string()),
    };
    match kept {
        Ok(totals) => {
            let files = if totals.files == 1 { "file" } else { "files" };
            let (count, bytes) = (totals.files, size(totals.archive_bytes));
            log.line(&format!(
                "Kept artifact {name} ({count} {files}, {bytes}) in {:.1} s",
                begin.elapsed().as_secs_f64()
            ))
            .await;
        }
        Err(sentence) => {
            log.line(&format!("The artifact {name} is not kept: {sentence}."))
                .await;
        }
    }
    // What is left is removed with the step's directories.
    let _ = tokio::fs::remove_file(&archive).await;
}

/// Its name, or its patterns.
pub(crate) fn name(plan: &ArtifactPlan) -> String {
    let name = if plan.name.is_empty() {
        plan.paths.join(", ")
    } else {
        plan.name.clone()
    };
    let mut shown: String = name
        .chars()
        .take(NAME_CHARACTERS)
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect();
    if name.chars().nth(NAME_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn kind(plan: &ArtifactPlan) -> ArtifactKind {
    match (plan.test_reports, plan.shared) {
        (true, _) => ArtifactKind::TestReports,
        (false, true) => ArtifactKind::Shared,
        (false, false) => ArtifactKind::Scoped,
    }
}

fn listing(found: &Found) -> Vec<(String, u64)> {
    let named = |entry: &Entry| match entry {
        Entry::File(path) | Entry::Link(path, _) | Entry::Directory(path) => {
            path.to_string_lossy().into_owned()
        }
    };
    found
        .entries
        .iter()
        .zip(&found.sizes)
        .take(LISTED_FILES)
        .map(|(entry, size)| (named(entry), *size))
        .collect()
}
