//! The pipelines of a file that a trigger does not run, and why each does not.

use pipewright_core::RefPattern;
use serde::Serialize;

use super::start::{Section, StartCondition};
use super::trigger::Trigger;
use crate::model::PipelineFile;

/// A pipeline that does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChosen {
    /// `default`, `branches: release/*`, …
    pub pipeline: String,
    /// Its 1-based line.
    pub line: u32,
    /// A fragment: `runs for tags only`, `does not match`.
    pub why_not: String,
}

impl PipelineFile {
    /// Every pipeline but the one that the trigger runs, in the order of the file.
    pub fn not_chosen(&self, trigger: &Trigger) -> Vec<NotChosen> {
        let chosen = self.selection(trigger).ok();
        self.start_conditions()
            .into_iter()
            .map(|start| NotChosen {
                pipeline: title(&start),
                line: start.line,
                why_not: why_not(&start, trigger),
            })
            .filter(|other| {
                chosen
                    .as_ref()
                    .is_none_or(|chosen| chosen.pipeline != other.pipeline)
            })
            .collect()
    }
}

fn title(start: &StartCondition) -> String {
    match start.section {
        Section::Default => "default".to_owned(),
        section => format!("{}: {}", section.as_str(), start.name),
    }
}

fn why_not(start: &StartCondition, trigger: &Trigger) -> String {
    let (name, of_its_kind) = match trigger {
        Trigger::Branch { name } => (
            name,
            matches!(start.section, Section::Branches | Section::Default),
        ),
        Trigger::Tag { name } => (name, start.section == Section::Tags),
        Trigger::PullRequest { source_branch, .. } => {
            (source_branch, start.section == Section::PullRequests)
        }
        Trigger::Custom { name, .. } => (name, start.section == Section::Custom),
    };
    if !of_its_kind {
        return match start.section {
            Section::Default | Section::Branches => "runs for pushes to branches only",
            Section::Tags => "runs for tags only",
            Section::PullRequests => "runs for pull requests only",
            Section::Custom => "runs by its name only",
        }
        .to_owned();
    }
    match start.section {
        Section::Default => "a pattern under `branches` matches".to_owned(),
        Section::Custom => "has another name".to_owned(),
        _ if start
            .name
            .parse::<RefPattern>()
            .is_ok_and(|pattern| pattern.matches(name)) =>
        {
            "matches, but less exactly".to_owned()
        }
        _ => "does not match".to_owned(),
    }
}
