//! Artifacts: files that a step leaves, found by globs, kept as archives, and put into later steps' workspaces
//! (bitbucket-pipelines-yml.md §5.7).
//!
//! [`keep`] and [`restore`] are the same on a server and on a laptop; where the archives are is an [`ArtifactPlace`].

mod find;
mod keep;
mod restore;
mod stream;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use pipewright_core::wire::{GivenArtifact, NewArtifact};
use tokio::io::AsyncRead;

pub use find::{Found, find};
pub use keep::keep;
pub use restore::{restore, unpack_stream};

/// An archive on its way.
pub type ArtifactStream = Pin<Box<dyn AsyncRead + Send>>;

/// Where archives of artifacts are kept.
pub trait ArtifactPlace: Sync {
    /// Keeps an archive that is in this file. An error is a sentence.
    fn put(
        &self,
        artifact: &NewArtifact,
        file: &Path,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Gives an archive. An error is a sentence.
    fn get(
        &self,
        artifact: &GivenArtifact,
    ) -> impl Future<Output = Result<ArtifactStream, String>> + Send;
}
