//! What server and runner say to each other.

mod artifact;
mod assignment;
mod report;
mod test_report;

pub use artifact::{ArtifactKind, GivenArtifact, LISTED_FILES, NewArtifact, UnknownArtifactKind};
pub use assignment::{Assignment, Checkout, CloneCredential, Merge, StepSsh};
pub use report::{AttemptReport, Directive, Timing};
pub use test_report::{
    FAILURES_WITH_OUTPUT, TestCase, TestReport, TestState, TestTotals, UnknownTestState,
    UnreadReport,
};
