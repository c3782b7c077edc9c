//! Putting what earlier steps left into a later one's workspace, before anything else.

use std::path::{Path, PathBuf};

use pipewright_core::plan::StepPlan;
use pipewright_core::wire::GivenArtifact;
use tokio::time::Instant;

use super::stream::bridge;
use super::{ArtifactPlace, ArtifactStream};
use crate::archive::{ArchiveError, ArchiveLimits, Totals, blocking, unpack};
use crate::log::LogWriter;

/// Restores artifacts in their order, so that of two files of one name the last one stays. What has expired or was never
/// made is said in the log; an archive that cannot be restored is an error, as a sentence.
pub async fn restore<P: ArtifactPlace>(
    place: &P,
    plan: &StepPlan,
    artifacts: &[GivenArtifact],
    directory: &Path,
    limits: ArchiveLimits,
    log: &mut LogWriter,
) -> Result<(), String> {
    for artifact in artifacts {
        let GivenArtifact {
            name, step_name, ..
        } = artifact;
        if artifact.is_expired {
            let words = "has expired and is not restored; run that step again to recreate it";
            log.line(&format!("The artifact {name} of {step_name} {words}."))
                .await;
            continue;
        }
        let begin = Instant::now();
        let wrong =
            |why: String| format!("The artifact {name} of {step_name} cannot be restored: {why}.");
        let stream = place.get(artifact).await.map_err(wrong)?;
        let totals = unpack_stream(stream, directory.to_owned(), limits)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        let files = if totals.files == 1 { "file" } else { "files" };
        let (count, time) = (totals.files, begin.elapsed().as_secs_f64());
        log.line(&format!(
            "Restored artifact {name} of {step_name} ({count} {files}) in {time:.1} s"
        ))
        .await;
    }
    for wanted in plan.artifact_downloads.iter().flatten() {
        if !artifacts.iter().any(|artifact| artifact.name == *wanted) {
            log.line(&format!("No earlier step left an artifact named {wanted}."))
                .await;
        }
    }
    Ok(())
}

/// Unpacks a stream into a directory in which nobody else works meanwhile. Dropping the future ends the work.
pub async fn unpack_stream(
    stream: ArtifactStream,
    directory: PathBuf,
    limits: ArchiveLimits,
) -> Result<Totals, ArchiveError> {
    let (carry, reader) = bridge(stream);
    let work = blocking(move |cancel| unpack(reader, &directory, limits, cancel));
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = carry => {}
    }
    work.await
}
