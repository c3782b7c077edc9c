//! What started a build, beyond its kind: kept as JSON, opaque to SQL.

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
    /// The number of the build that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<i64>,
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
}
