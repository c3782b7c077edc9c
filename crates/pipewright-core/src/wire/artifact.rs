//! Artifacts as server and runner speak of them: what a step left, and what a later one is given.

use serde::{Deserialize, Serialize};

use crate::ids::ArtifactId;

/// The most files that an artifact's record names; of the others it knows the number.
pub const LISTED_FILES: usize = 200;

/// An artifact that an attempt made. Its content is one stream, handed over beside this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewArtifact {
    /// Its id, made by the runner, so that handing it over twice is handing over the same.
    pub id: ArtifactId,
    /// Its position in the step's plan, from 0.
    pub position: u32,
    /// Its name; where the file gives none, its patterns.
    pub name: String,
    /// What it is for.
    pub kind: ArtifactKind,
    /// How many files and links it holds; at least 1.
    pub files: u64,
    /// Bytes of its stream.
    pub bytes: u64,
    /// The first [`LISTED_FILES`] of its files with their bytes.
    pub listing: Vec<(String, u64)>,
}

/// What an artifact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    /// Given to later steps.
    Shared,
    /// Kept for people only.
    Scoped,
    /// Reports of tests.
    TestReports,
}

impl ArtifactKind {
    /// The word for it, as in the pipeline file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Scoped => "scoped",
            Self::TestReports => "test-reports",
        }
    }
}

impl TryFrom<String> for ArtifactKind {
    type Error = UnknownArtifactKind;

    fn try_from(word: String) -> Result<Self, UnknownArtifactKind> {
        let known = [Self::Shared, Self::Scoped, Self::TestReports];
        known
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or(UnknownArtifactKind(word))
    }
}

/// A word that names no kind of artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of artifact; it was written by a newer version")]
pub struct UnknownArtifactKind(pub String);

/// An artifact of an earlier step that a step is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenArtifact {
    /// Which.
    pub id: ArtifactId,
    /// The name of the step that made it.
    pub step_name: String,
    /// Its name.
    pub name: String,
    /// True where it is not kept any more.
    pub is_expired: bool,
}
