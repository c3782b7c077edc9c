//! The named limits of a step.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long ending things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLimits {
    /// Between TERM and KILL when a step is stopped or runs out of time.
    pub stop_grace: Duration,
    /// Limit on an after-script, whether the script passed, failed, was stopped or ran out of time.
    pub after_script: Duration,
    /// How long to wait for output after all processes of the step were killed: something that escaped may hold the
    /// pipe open.
    pub output_grace: Duration,
    /// The most that the step's own directories may hold on the disk, in bytes; `None` for as much as there is.
    pub workspace: Option<u64>,
    /// The shortest pause between two looks at that.
    pub workspace_pause: Duration,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self {
            stop_grace: Duration::from_secs(10),
            after_script: Duration::from_mins(10),
            output_grace: Duration::from_secs(1),
            workspace: None,
            workspace_pause: Duration::from_secs(10),
        }
    }
}
