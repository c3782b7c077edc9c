//! Names that git gives to things, parsed once at the edge.

mod commit;
mod reference;

pub use commit::{CommitHash, CommitHashError};
pub use reference::{RefKind, RefName, RefNameError};
