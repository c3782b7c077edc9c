//! Artifacts of a run: archives in its temporary directory, and files for the person who asked for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use pipewright_core::ids::ArtifactId;
use pipewright_core::wire::{ArtifactKind, GivenArtifact, NewArtifact};
use pipewright_runner::archive::ArchiveLimits;
use pipewright_runner::artifacts::{ArtifactPlace, ArtifactStream, unpack_stream};

/// What the steps of a run left.
#[derive(Debug)]
pub(super) struct RunArtifacts {
    /// Where the archives are.
    archives: PathBuf,
    /// Where the person wants the files.
    wanted: Option<PathBuf>,
    /// Of each step's last attempt, with the step's name.
    kept: Mutex<BTreeMap<usize, (String, Vec<NewArtifact>)>>,
    files_for_person: AtomicU64,
}

/// The place of one step's artifacts.
#[derive(Debug)]
pub(super) struct StepArtifacts<'a> {
    all: &'a RunArtifacts,
    step: usize,
    /// Where the person wants this step's files.
    wanted: Option<PathBuf>,
}

impl RunArtifacts {
    /// Below the run's temporary directory; `wanted` is made where it is not there.
    pub(super) fn new(root: &Path, wanted: Option<PathBuf>) -> anyhow::Result<Self> {
        let archives = root.join("artifacts");
        for directory in wanted.iter().chain([&archives]) {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("{} cannot be made", directory.display()))?;
        }
        Ok(Self {
            archives,
            wanted,
            kept: Mutex::default(),
            files_for_person: AtomicU64::new(0),
        })
    }

    /// Forgets what an earlier attempt of this step left.
    pub(super) fn begin(&self, step: usize, number: usize, name: &str) -> StepArtifacts<'_> {
        self.lock().insert(step, (name.to_owned(), Vec::new()));
        let wanted = self
            .wanted
            .as_ref()
            .map(|directory| directory.join(directory_name(number, name)));
        StepArtifacts {
            all: self,
            step,
            wanted,
        }
    }

    /// What the steps before this position left for it, in the order of the plan.
    pub(super) fn given(
        &self,
        steps_before: usize,
        wanted: Option<&[String]>,
    ) -> Vec<GivenArtifact> {
        let kept = self.lock();
        let all = kept
            .range(..steps_before)
            .flat_map(|(_, (step_name, artifacts))| {
                artifacts.iter().map(move |artifact| (step_name, artifact))
            });
        all.filter(|(_, artifact)| {
            artifact.kind == ArtifactKind::Shared
                && wanted.is_none_or(|names| names.contains(&artifact.name))
        })
        .map(|(step_name, artifact)| GivenArtifact {
            id: artifact.id,
            step_name: step_name.clone(),
            name: artifact.name.clone(),
            is_expired: false,
        })
        .collect()
    }

    /// How many files were put where the person wants them.
    pub(super) fn files_for_person(&self) -> u64 {
        self.files_for_person.load(Ordering::Relaxed)
    }

    fn archive(&self, id: ArtifactId) -> PathBuf {
        self.archives.join(id.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, (String, Vec<NewArtifact>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArtifactPlace for StepArtifacts<'_> {
    async fn put(&self, artifact: &NewArtifact, file: &Path) -> Result<(), String> {
        let archive = self.all.archive(artifact.id);
        // Both are in the run's temporary directory.
        tokio::fs::rename(file, &archive)
            .await
            .map_err(|error| format!("{} cannot be made: {error}", archive.display()))?;
        if let Some(wanted) = &self.wanted {
            let to = wanted.display();
            tokio::fs::create_dir_all(wanted)
                .await
                .map_err(|error| format!("{to} cannot be made: {error}"))?;
            let opened = open(&archive).await?;
            let unpacked = unpack_stream(opened, wanted.clone(), ArchiveLimits::default()).await;
            let totals =
                unpacked.map_err(|error| format!("it cannot be put into {to}: {error}"))?;
            self.all
                .files_for_person
                .fetch_add(totals.files, Ordering::Relaxed);
        }
        if let Some((_, artifacts)) = self.all.lock().get_mut(&self.step) {
            artifacts.push(artifact.clone());
        }
        Ok(())
    }

    async fn get(&self, artifact: &GivenArtifact) -> Result<ArtifactStream, String> {
        open(&self.all.archive(artifact.id)).await
    }
}

async fn open(archive: &Path) -> Result<ArtifactStream, String> {
    let opened = tokio::fs::File::open(archive).await;
    Ok(Box::pin(opened.map_err(|error| {
        format!("{} cannot be read: {error}", archive.display())
    })?))
}

/// `2-unit-tests`: what every file system takes.
fn directory_name(number: usize, step: &str) -> String {
    let mut name = number.to_string();
    for word in step
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
    {
        name.push('-');
        name.extend(
            word.chars()
                .take(20)
                .map(|character| character.to_ascii_lowercase()),
        );
    }
    name
}

#[cfg(test)]
mod tests {
    use super::directory_name;

    #[test]
    fn a_step_has_a_plain_directory() {
        for (step, expected) in [
            ("Unit tests", "2-unit-tests"),
            ("../../etc", "2-etc"),
            ("größe/x", "2-gr-e-x"),
            ("…", "2"),
        ] {
            assert_eq!(directory_name(2, step), expected);
        }
    }
}
