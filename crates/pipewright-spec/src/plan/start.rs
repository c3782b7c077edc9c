//! What a file can run at all: for a list to choose from, and for checking each.

use pipewright_core::RefPattern;
use serde::Serialize;

use super::trigger::Trigger;
use crate::model::{At, Body, CustomVariable, Pipeline, PipelineFile};

/// A section of `pipelines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Branches that no pattern matches.
    Default,
    /// Branches by name or pattern.
    Branches,
    /// Tags by name or pattern.
    Tags,
    /// Pull requests by their source branch.
    PullRequests,
    /// Started by name.
    Custom,
}

impl Section {
    /// The key under `pipelines`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Branches => "branches",
            Self::Tags => "tags",
            Self::PullRequests => "pull-requests",
            Self::Custom => "custom",
        }
    }
}

/// One pipeline of a file and what starts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartCondition {
    /// Where it stands.
    pub section: Section,
    /// The name or pattern; empty for `default`.
    pub name: String,
    /// A trigger that this pipeline is meant for. For a pattern it names a ref that the pattern matches.
    pub sample: Trigger,
    /// What a person is asked for; only for custom pipelines.
    pub variables: Vec<CustomVariable>,
    /// 1-based line in the file.
    pub line: u32,
    /// How many steps it has; 0 where it is imported and was not brought.
    pub steps: usize,
}

impl PipelineFile {
    /// Every pipeline of the file, section by section, in the order of the file.
    pub fn start_conditions(&self) -> Vec<StartCondition> {
        let pipelines = &self.pipelines;
        let mut found = Vec::new();
        if let Some(pipeline) = &pipelines.default {
            let name = self.unmatched_branch();
            found.push(self.start(Section::Default, "", Trigger::Branch { name }, pipeline));
        }
        let mut by_pattern =
            |section, patterns: &[(At<RefPattern>, Pipeline)], trigger: fn(String) -> Trigger| {
                for (pattern, pipeline) in patterns {
                    let sample = trigger(sample(pattern.value.as_str()));
                    found.push(self.start(section, pattern.value.as_str(), sample, pipeline));
                }
            };
        by_pattern(Section::Branches, &pipelines.branches, |name| {
            Trigger::Branch { name }
        });
        by_pattern(Section::Tags, &pipelines.tags, |name| Trigger::Tag { name });
        by_pattern(
            Section::PullRequests,
            &pipelines.pull_requests,
            |source_branch| Trigger::PullRequest {
                source_branch,
                destination_branch: "main".to_owned(),
            },
        );
        for (name, pipeline) in &pipelines.custom {
            let trigger = Trigger::Custom {
                name: name.value.clone(),
                variables: Vec::new(),
            };
            found.push(self.start(Section::Custom, &name.value, trigger, pipeline));
        }
        found
    }

    fn start(
        &self,
        section: Section,
        name: &str,
        sample: Trigger,
        pipeline: &Pipeline,
    ) -> StartCondition {
        let steps = match self.origin(pipeline).map(|origin| &origin.pipeline.body) {
            Ok(Body::Items(items)) => items.iter().map(|item| item.steps().len()).sum(),
            _ => 0,
        };
        let line = self.source.line(pipeline.place.start);
        StartCondition {
            section,
            name: name.to_owned(),
            sample,
            variables: self.declared(pipeline).cloned().collect(),
            line,
            steps,
        }
    }

    /// A branch that no pattern matches, so that it runs `default`; a likely name first.
    fn unmatched_branch(&self) -> String {
        let matched = |name: &str| {
            self.pipelines
                .branches
                .iter()
                .any(|(pattern, _)| pattern.value.matches(name))
        };
        let candidates = [
            "main",
            "master",
            "develop",
            "some-branch",
            "some/branch",
            "a",
            "a/b/c",
        ];
        candidates
            .into_iter()
            .find(|name| !matched(name))
            .unwrap_or("some-branch")
            .to_owned()
    }
}

/// A name that the pattern matches: wildcards become `x`, of alternatives the first is taken.
fn sample(pattern: &str) -> String {
    let mut name = String::new();
    let mut depth = 0_u32;
    let mut skipping = false;
    let mut previous = ' ';
    for character in pattern.chars() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                skipping = false;
            }
            ',' if depth > 0 => skipping = true,
            _ if skipping => {}
            '*' if previous == '*' => {}
            '*' | '?' => name.push('x'),
            other => name.push(other),
        }
        previous = character;
    }
    name
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::sample;

    #[rstest]
    #[case("main")]
    #[case("**")]
    #[case("feature/*")]
    #[case("{main,develop}/v?.*")]
    fn a_sample_matches_its_pattern(#[case] pattern: &str) {
        let compiled: pipewright_core::RefPattern = pattern.parse().expect("a pattern");
        assert!(compiled.matches(&sample(pattern)), "{}", sample(pattern));
    }
}
