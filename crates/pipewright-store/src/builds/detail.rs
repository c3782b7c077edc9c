//! What started a build, beyond its kind: kept as JSON, opaque to SQL.

use pipewright_core::ids::ScheduleId;
use pipewright_core::{CommitHash, Timestamp};
use serde::{Deserialize, Serialize};

/// What is special about one build's trigger. Fields are added, never renamed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerDetail {
    /// The pull request it builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestDetail>,
    /// The key under `pipelines.custom` that a person chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
    /// Values given to the custom pipeline's variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// The due time of a schedule that it builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleDetail>,
    /// The rule under `triggers` that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleDetail>,
    /// The number of the build that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<i64>,
}

/// The rule of a pipeline file that started a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDetail {
    /// The event, as the file writes it: `repository-push`.
    pub event: String,
    /// The rule's expression, which was true.
    pub condition: String,
    /// The number of the build whose file the rule stands in.
    pub found_by: i64,
}

/// The pull request that a build is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestDetail {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// The short name of the branch it is to be merged into.
    pub destination: String,
    /// The commit of that branch, where it was said; Cloud shortens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_commit: Option<String>,
    /// The commit of that branch that was merged into the source for this build, whole; known once it is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<CommitHash>,
    /// True where it was just opened; a later build of it is for a new commit of its source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
}

/// The due time of a schedule that a build is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDetail {
    /// The schedule; it may be gone by now.
    pub id: ScheduleId,
    /// The due time.
    pub due_at: Timestamp,
    /// How many due times before it were passed over, because nobody was there to fire them.
    #[serde(default)]
    pub missed: i64,
}
