//! What a runner says of an attempt, and what it is told in answer.

use serde::{Deserialize, Serialize};

use crate::build::AttemptOutcome;
use crate::wire::TestReport;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// The outcome.
    pub outcome: AttemptOutcome,
    /// The script's exit status, where it ran to its end.
    pub exit_code: Option<i32>,
    /// One sentence for people where the outcome is not the script's own: what happened and what to do.
    pub message: Option<String>,
    /// How long its parts took.
    pub timings: Vec<Timing>,
    /// Variables for later steps, each declared in the plan, none empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_variables: Vec<(String, String)>,
    /// What its tests said; none where no report was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Box<TestReport>>,
}

impl AttemptReport {
    /// An attempt that ended without having run to its script's end, or of which nothing more is to be said.
    pub const fn of(
        outcome: AttemptOutcome,
        exit_code: Option<i32>,
        message: Option<String>,
    ) -> Self {
        Self {
            outcome,
            exit_code,
            message,
            timings: Vec::new(),
            output_variables: Vec::new(),
            tests: None,
        }
    }
}

/// How long one part of an attempt took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// `fetch`, `checkout`, `spawn`, `script`, `after-script`, …
    pub part: String,
    /// Microseconds.
    pub micros: u64,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directive {
    /// Go on.
    Continue,
    /// End the attempt now and report it as stopped.
    Stop,
    /// The lease is gone; end the attempt and report nothing.
    Abandon,
}
