//! Test reports: JUnit files that a step leaves are found, read and told in one [`TestReport`](pipewright_core::wire::TestReport)
//! (bitbucket-pipelines-yml.md §9).
//!
//! Nothing of it changes how the step ended. What cannot be read is said in the log and spoils nothing else.

mod collect;
mod decode;
mod find;
mod junit;

pub use collect::{collect, summary};
pub use junit::{NotRead, parse};
