//! The checked model: what the file says, in types, with the places of what a plan may want to name. One file a family
//! of properties; each reads its part of the tree and reports what is wrong with it.
//!
//! Errors are for what cannot run; what Bitbucket forgives (unknown keys, numbers for texts, empty items) is a warning.

mod artifacts;
mod checker;
mod clone;
mod condition;
mod definitions;
mod failure;
mod file;
mod group;
mod image;
mod import;
mod import_source;
mod item;
mod memory;
mod names;
mod oidc;
mod options;
mod pipeline;
mod resources;
mod runtime;
mod script;
mod stage;
mod step;
mod template;
mod triggers;
mod variables;
mod whole;

pub(crate) use artifacts::{Artifacts, Downloads, UploadKind};
pub(crate) use checker::{At, is_template};
pub(crate) use clone::{CloneSettings, Depth};
pub(crate) use condition::Condition;
pub(crate) use definitions::Service;
pub(crate) use failure::OnFail;
pub use file::PipelineFile;
pub(crate) use file::{Brought, check};
pub(crate) use image::Image;
pub(crate) use import::Import;
pub use import_source::ImportSource;
pub(crate) use item::Item;
pub(crate) use names::PREDEFINED_CACHES;
pub(crate) use pipeline::{Body, Pipeline};
pub(crate) use resources::SERVICE_MEMORY_MB;
pub(crate) use script::{PipeValue, ScriptEntry};
pub(crate) use step::{Child, Step};
pub(crate) use template::substitute;
pub use triggers::TriggerEvent;
pub use variables::CustomVariable;
