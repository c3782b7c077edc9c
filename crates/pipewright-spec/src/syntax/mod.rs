//! Text → a tree in which every value knows where it was written. Anchors, aliases and merge keys are resolved here, so
//! that nothing above this module knows of them; only this module names the YAML reader.

mod encoding;
mod merge;
mod node;
mod problem;
mod raw;
mod reader;
mod source;

pub(crate) use encoding::decode;
pub(crate) use node::{Entry, Kind, Node, Place, Value};
pub(crate) use reader::read;
pub(crate) use source::Source;
