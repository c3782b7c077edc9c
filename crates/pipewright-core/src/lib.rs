//! The words and rules of Pipewright, without I/O: ids, names, secrets, states and their transitions, the plan, and the
//! pure function that advances a build.
//!
//! Nothing here opens a file, a socket or a database, reads a clock or knows an async runtime: whatever is decided
//! here is decided from its arguments alone, so that every rule can be tested as a table or a property.

pub mod build;
pub mod dotenv;
pub mod git;
pub mod ids;
pub mod pattern;
pub mod plan;
pub mod role;
pub mod secret;
pub mod time;
pub mod trigger;
pub mod variable;
pub mod wire;

pub use git::{CommitHash, RefKind, RefName};
pub use pattern::{RefPattern, Specificity};
pub use plan::Plan;
pub use role::{Right, Role};
pub use secret::Secret;
pub use time::Timestamp;
pub use trigger::TriggerKind;
pub use variable::is_variable_name;
