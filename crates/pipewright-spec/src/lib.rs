//! The text of a pipeline file, checked and turned into a plan.
//!
//! Four types, one after another: bytes → syntax tree with positions (`syntax`) → checked model (`model`) → plan for a
//! trigger (`plan`). Problems are collected as [`Diagnostic`]s, never thrown at the first, and each has a line, a
//! column and a way out. Whatever the bytes, nothing here panics and the cost is bounded: see [`limits`].
//!
//! Not here: Bitbucket's API, files, the network, clocks; a caller passes everything in.

pub mod capabilities;
pub mod diagnostic;
pub mod expression;
pub mod limits;
mod model;
mod parse;
pub mod plan;
mod syntax;

pub use capabilities::{Capabilities, Feature, USUAL_LABELS};
pub use diagnostic::{
    Diagnostic, FileText, Label, Severity, Span, render_coloured, render_coloured_of, render_text,
    render_text_of,
};
pub use expression::Expression;
pub use model::PipelineFile;
pub use parse::{Parsed, parse};
pub use plan::{Import, NeededImport, Planned, StartCondition, Trigger, Values, has_skip_marker};
