//! Which pipeline of a file runs for a trigger. This is the one place that knows.
//!
//! 1. A push to a branch looks under `branches`, then at `default`; a tag only under `tags`; a pull request only under
//!    `pull-requests`, by its source branch; a custom pipeline is named.
//! 2. An exact name beats any pattern.
//! 3. Of several patterns the more specific one wins. Bitbucket's pages say no more than that; read here as the one that
//!    leaves less to wildcards, which is [`RefPattern::specificity`]'s rule; of equals the first in the file.
//! 4. Exactly one pipeline of a section runs for a ref.
//!
//! The patterns themselves are core's [`RefPattern`].

use pipewright_core::RefPattern;
use serde::Serialize;

use super::trigger::Trigger;
use crate::diagnostic::{nearest, shown};
use crate::model::{At, Pipeline, PipelineFile};

/// Which pipeline runs, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// As people say it: `default`, `branches: release/*`, `custom: nightly`.
    pub pipeline: String,
    /// A plain sentence.
    pub reason: String,
    /// Its 1-based line in the file.
    pub line: u32,
}

type Patterns = [(At<RefPattern>, Pipeline)];

impl PipelineFile {
    /// The pipeline for a trigger, or a plain sentence why there is none.
    pub(crate) fn select(&self, trigger: &Trigger) -> Result<(&Pipeline, Selection), String> {
        let pipelines = &self.pipelines;
        match trigger {
            Trigger::Branch { name } => {
                let what = format!("the branch {}", shown(name));
                self.by_pattern("branches", &pipelines.branches, name, &what)
                    .map_or_else(|| self.default_for(&what), Ok)
            }
            Trigger::Tag { name } => {
                let what = format!("the tag {}", shown(name));
                self.by_pattern("tags", &pipelines.tags, name, &what)
                    .ok_or_else(|| {
                        format!(
                            "{}; `default` never runs for tags",
                            no_match("tags", &pipelines.tags, &what)
                        )
                    })
            }
            Trigger::PullRequest { source_branch, .. } => {
                let what = format!("the pull request's source branch {}", shown(source_branch));
                self.by_pattern(
                    "pull-requests",
                    &pipelines.pull_requests,
                    source_branch,
                    &what,
                )
                .ok_or_else(|| no_match("pull-requests", &pipelines.pull_requests, &what))
            }
            Trigger::Custom { name, .. } => self.by_name(name),
        }
    }

    fn by_pattern<'f>(
        &'f self,
        section: &str,
        patterns: &'f Patterns,
        name: &str,
        what: &str,
    ) -> Option<(&'f Pipeline, Selection)> {
        let position = best(patterns.iter().map(|(pattern, _)| &pattern.value), name)?;
        let (pattern, pipeline) = patterns.get(position)?;
        let text = pattern.value.as_str();
        let own = pattern.value.specificity(name);
        let (mut wider, mut equal) = (Vec::new(), Vec::new());
        for (other, _) in patterns
            .iter()
            .filter(|(other, _)| other.value != pattern.value)
        {
            let list = match other.value.specificity(name) {
                None => continue,
                Some(theirs) if Some(theirs) == own => &mut equal,
                Some(_) => &mut wider,
            };
            if list.len() < 5 {
                list.push(shown(other.value.as_str()).to_string());
            }
        }
        let reason = if pattern.value.is_exact() {
            format!("{} under `{section}` names {what} exactly", shown(text))
        } else {
            let narrower =
                (!wider.is_empty()).then(|| format!("is more specific than {}", wider.join(", ")));
            let earlier = (!equal.is_empty()).then(|| {
                format!(
                    "stands before {}, which matches as closely",
                    equal.join(", ")
                )
            });
            let mut said = vec![format!("matches {what}")];
            said.extend(narrower.into_iter().chain(earlier));
            format!("{} under `{section}` {}", shown(text), said.join(" and "))
        };
        Some((
            pipeline,
            self.selection_of(pipeline, format!("{section}: {text}"), reason),
        ))
    }

    fn default_for(&self, what: &str) -> Result<(&Pipeline, Selection), String> {
        let missed = no_match("branches", &self.pipelines.branches, what);
        match &self.pipelines.default {
            Some(pipeline) => Ok((
                pipeline,
                self.selection_of(
                    pipeline,
                    "default".to_owned(),
                    format!("{missed}, so `default` runs"),
                ),
            )),
            None => Err(format!("{missed}, and it has no `default`")),
        }
    }

    fn by_name(&self, name: &str) -> Result<(&Pipeline, Selection), String> {
        let custom = &self.pipelines.custom;
        if let Some((key, pipeline)) = custom.iter().find(|(key, _)| key.value == name) {
            let reason = format!("the custom pipeline {} was asked for", shown(&key.value));
            return Ok((
                pipeline,
                self.selection_of(pipeline, format!("custom: {}", key.value), reason),
            ));
        }
        let names: Vec<&str> = custom
            .iter()
            .map(|(key, _)| key.value.as_str())
            .take(200)
            .collect();
        let hint = match nearest(name, &names) {
            Some(near) => format!("; did you mean {}?", shown(near)),
            None if names.is_empty() => "; it has no custom pipelines".to_owned(),
            None => format!("; it has {}", listed(names.into_iter())),
        };
        Err(format!(
            "the file has no custom pipeline {}{hint}",
            shown(name)
        ))
    }

    fn selection_of(&self, pipeline: &Pipeline, title: String, reason: String) -> Selection {
        Selection {
            pipeline: title,
            reason,
            line: self.source.line(pipeline.place.start),
        }
    }
}

/// The position of the pattern that wins for a name.
fn best<'p>(patterns: impl Iterator<Item = &'p RefPattern>, name: &str) -> Option<usize> {
    let mut best = None;
    for (index, pattern) in patterns.enumerate() {
        // Asked first, because most patterns of a long list do not match and that is cheaper to find out.
        if !pattern.matches(name) {
            continue;
        }
        let specificity = pattern.specificity(name);
        if best.is_none_or(|(_, champion)| specificity > champion) {
            best = Some((index, specificity));
        }
    }
    best.map(|(index, _)| index)
}

/// Why a section has nothing.
fn no_match(section: &str, patterns: &Patterns, what: &str) -> String {
    match patterns {
        [] => format!("the file has no `{section}` section for {what}"),
        [(one, _)] => format!(
            "the one pattern under `{section}`, {}, does not match {what}",
            shown(one.value.as_str())
        ),
        many => {
            let texts = listed(many.iter().map(|(pattern, _)| pattern.value.as_str()));
            format!(
                "none of the {} patterns under `{section}` matches {what} ({texts})",
                many.len()
            )
        }
    }
}

/// The first few, and how many more.
fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let all: Vec<&str> = texts.collect();
    let first: Vec<String> = all
        .iter()
        .take(8)
        .map(|text| shown(text).to_string())
        .collect();
    let more = all.len().saturating_sub(first.len());
    if more == 0 {
        first.join(", ")
    } else {
        format!("{} and {more} more", first.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::RefPattern;
    use rstest::rstest;

    use super::best;

    #[rstest]
    #[case(&["*", "main"], "main", Some("main"))]
    #[case(&["**", "feature/*"], "feature/x", Some("feature/*"))]
    #[case(&["feature/bb-*", "feature/bb-123-*"], "feature/bb-123-x", Some("feature/bb-123-*"))]
    #[case(&["feature/bb-123-*", "feature/bb-*"], "feature/bb-123-x", Some("feature/bb-123-*"))]
    #[case(&["feature/**", "feature/*"], "feature/x", Some("feature/*"))]
    #[case(&["{feature/*,hotfix/*,release-*}", "feature/*"], "feature/x", Some("feature/*"))]
    #[case(&["**", "*"], "main", Some("*"))]
    #[case(&["a*", "*a"], "aa", Some("a*"))]
    #[case(&["*a", "a*"], "aa", Some("*a"))]
    #[case(&["*"], "feature/x", None)]
    #[case(&["{main,develop}"], "develop", Some("{main,develop}"))]
    #[case(&["Main"], "main", None)]
    #[case(&[], "main", None)]
    fn the_most_specific_pattern_wins(
        #[case] patterns: &[&str],
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        let compiled: Vec<RefPattern> = patterns
            .iter()
            .map(|text| text.parse().expect("a pattern"))
            .collect();
        assert_eq!(
            best(compiled.iter(), name).map(|index| patterns[index]),
            expected
        );
    }
}
