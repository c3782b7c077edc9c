//! What asks for a plan.

use serde::{Deserialize, Serialize};

use super::{Values, variables};
use crate::model::PipelineFile;

/// What asks for a plan. A schedule, or a person who runs a branch, asks with that branch or with a custom pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// A push to a branch.
    Branch {
        /// Its short name.
        name: String,
    },
    /// A push of a tag.
    Tag {
        /// Its short name.
        name: String,
    },
    /// A pull request that was opened or whose source moved.
    PullRequest {
        /// Patterns are matched against this one.
        source_branch: String,
        /// Where it is to be merged.
        destination_branch: String,
    },
    /// A custom pipeline, started by a person, a schedule, a rule or another pipeline.
    Custom {
        /// Its key under `pipelines.custom`.
        name: String,
        /// Values given for its variables.
        variables: Vec<(String, String)>,
    },
}

impl Trigger {
    pub(super) fn given_variables(&self) -> &[(String, String)] {
        match self {
            Self::Custom { variables, .. } => variables,
            _ => &[],
        }
    }

    /// The values that the trigger itself gives to templates.
    pub(super) fn values(&self, file: &PipelineFile) -> Values {
        let mut values = Values::new();
        let mut set = |name: &str, value: &str| values.insert(name.to_owned(), value.to_owned());
        match self {
            Self::Branch { name } => {
                set("BITBUCKET_BRANCH", name);
            }
            Self::Tag { name } => {
                set("BITBUCKET_TAG", name);
            }
            Self::PullRequest {
                source_branch,
                destination_branch,
            } => {
                set("BITBUCKET_BRANCH", source_branch);
                set("BITBUCKET_PR_DESTINATION_BRANCH", destination_branch);
            }
            Self::Custom {
                variables: given, ..
            } => {
                if let Ok((pipeline, _)) = file.select(self)
                    && let Ok(settled) = variables::settle(file, pipeline, given)
                {
                    values.extend(settled);
                }
            }
        }
        values
    }
}
