//! What server and runner say to each other.

mod artifact;
mod assignment;
mod report;

pub use artifact::{ArtifactKind, GivenArtifact, LISTED_FILES, NewArtifact, UnknownArtifactKind};
pub use assignment::{Assignment, Checkout, CloneCredential, Merge, StepSsh};
pub use report::{AttemptReport, Directive, Timing};
