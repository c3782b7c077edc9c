//! What a step is begun with.

use std::collections::HashMap;
use std::path::Path;

use bollard::Docker;
use pipewright_core::plan::StepPlan;

use super::options::EngineOptions;
use crate::executor::begun::Images;
use crate::executor::directories::StepDirectories;

/// Begins a step.
pub(super) struct Beginning<'a> {
    pub(super) docker: &'a Docker,
    pub(super) options: &'a EngineOptions,
    pub(super) mark: &'a str,
    pub(super) plan: &'a StepPlan,
    pub(super) directories: &'a StepDirectories,
    pub(super) environment: &'a [(String, String)],
    pub(super) images: &'a Images,
}

/// Engines know nothing of our own directory.
pub(super) fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

/// Variables of a service, filled with those of the step.
pub(super) fn filled(
    variables: &[(String, String)],
    environment: &[(String, String)],
) -> Vec<String> {
    let known: HashMap<&str, &str> = environment
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let value_of = |name: &str| known.get(name).map(|value| (*value).to_owned());
    variables
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}={}",
                pipewright_core::variable::expand(value, &value_of)
            )
        })
        .collect()
}
