//! `triggers`: rules that start custom pipelines for an event when an expression over its variables is true.

use serde::Serialize;

use super::checker::Checker;
use super::condition::check_expression;
use super::names::Defined;
use crate::capabilities::Feature;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Entry, Node, Place};

/// What can happen to a repository that a rule may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerEvent {
    /// A branch or tag was pushed.
    RepositoryPush,
    /// The source of an open pull request was pushed.
    #[serde(rename = "pullrequest-push")]
    PullRequestPush,
    /// A pull request was opened.
    #[serde(rename = "pullrequest-created")]
    PullRequestCreated,
    /// A pull request was changed.
    #[serde(rename = "pullrequest-updated")]
    PullRequestUpdated,
    /// A pull request was merged.
    #[serde(rename = "pullrequest-fulfilled")]
    PullRequestFulfilled,
    /// A pull request was declined.
    #[serde(rename = "pullrequest-rejected")]
    PullRequestRejected,
    /// A reviewer approved, or took it back, or asked for changes.
    #[serde(rename = "pullrequest-reviewer-status-updated")]
    PullRequestReviewerStatusUpdated,
    /// A build ended.
    PipelineCompleted,
    /// A deployment ended.
    DeploymentCompleted,
}

impl TriggerEvent {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::RepositoryPush,
        Self::PullRequestPush,
        Self::PullRequestCreated,
        Self::PullRequestUpdated,
        Self::PullRequestFulfilled,
        Self::PullRequestRejected,
        Self::PullRequestReviewerStatusUpdated,
        Self::PipelineCompleted,
        Self::DeploymentCompleted,
    ];

    /// True where a new commit comes with it, of a push or of a pull request: such a commit is planned.
    pub(crate) const fn brings_a_commit(self) -> bool {
        matches!(
            self,
            Self::RepositoryPush
                | Self::PullRequestPush
                | Self::PullRequestCreated
                | Self::PullRequestUpdated
        )
    }

    /// The key under `triggers`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RepositoryPush => "repository-push",
            Self::PullRequestPush => "pullrequest-push",
            Self::PullRequestCreated => "pullrequest-created",
            Self::PullRequestUpdated => "pullrequest-updated",
            Self::PullRequestFulfilled => "pullrequest-fulfilled",
            Self::PullRequestRejected => "pullrequest-rejected",
            Self::PullRequestReviewerStatusUpdated => "pullrequest-reviewer-status-updated",
            Self::PipelineCompleted => "pipeline-completed",
            Self::DeploymentCompleted => "deployment-completed",
        }
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct TriggerRule {
    pub(crate) event: TriggerEvent,
    pub(crate) condition: String,
    pub(crate) pipelines: Vec<String>,
    pub(crate) place: Place,
}

const KEYS: &[&str] = &["condition", "pipelines"];

pub(crate) fn check_triggers<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Vec<TriggerRule> {
    let mut rules = Vec::new();
    cx.feature(Feature::Triggers, entry.key_place);
    cx.each_named(
        &entry.value,
        "`triggers`",
        "a mapping of events to rules",
        |cx, entry| {
            let Some(event) = TriggerEvent::ALL
                .iter()
                .copied()
                .find(|event| event.as_str() == entry.key)
            else {
                let words: Vec<&'static str> = TriggerEvent::ALL
                    .iter()
                    .map(|event| event.as_str())
                    .collect();
                cx.unknown_key(entry, "`triggers`", &words);
                return;
            };
            if !event.brings_a_commit() {
                cx.feature(Feature::OtherTriggers, entry.key_place);
            }
            if entry.value.is_null() {
                cx.empty_value(entry);
                return;
            }
            cx.each_item(&entry.value, "a trigger", "a list of rules", |cx, item| {
                rules.extend(check_rule(cx, item, event));
            });
        },
    );
    rules
}

fn check_rule<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    event: TriggerEvent,
) -> Option<TriggerRule> {
    let (mut condition, mut pipelines) = (None, Vec::new());
    cx.each(node, "a rule", KEYS, |cx, key, entry| match key {
        "condition" => condition = check_expression(cx, &entry.value, "`condition`"),
        _ => pipelines = cx.texts(&entry.value, "`pipelines`"),
    });
    if node.entries().is_some() {
        for key in KEYS {
            if node.get(key).is_none() {
                cx.missing(
                    node.place,
                    "a rule",
                    key,
                    "a rule has a `condition` and the custom `pipelines` it starts",
                );
            }
        }
    }
    for pipeline in &pipelines {
        if !super::is_template(&pipeline.value) && !cx.names.customs.contains(&pipeline.value) {
            let help = cx.suggestion(
                &pipeline.value,
                Defined::Customs,
                "name a key of `pipelines.custom` of this file",
            );
            let message = format_args!(
                "no custom pipeline {} is in this file",
                shown(&pipeline.value)
            );
            cx.error(Code::UnknownPipeline, pipeline.place, message, &help);
        }
    }
    let condition = condition?;
    let pipelines = pipelines.into_iter().map(|text| text.value).collect();
    Some(TriggerRule {
        event,
        place: condition.place,
        condition: condition.value,
        pipelines,
    })
}
