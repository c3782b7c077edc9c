//! How a build and its steps ended.

use std::time::Duration;

use pipewright_core::build::{AttemptOutcome, BuildOutcome, StepState};
use pipewright_core::wire::TestReport;

/// The exit code of a run that a signal ended.
pub(super) const STOPPED: u8 = 3;

/// How a build ended.
#[derive(Debug)]
pub(super) struct BuildEnd {
    pub(super) outcome: BuildOutcome,
    /// The first of the manual steps that it stopped before.
    pub(super) waits_at: Option<usize>,
    /// Whether a person asked it to stop.
    pub(super) stopped: bool,
    pub(super) elapsed: Duration,
    /// By position in the chosen plan.
    pub(super) steps: Vec<StepResult>,
}

/// How a step ended.
#[derive(Debug, Clone)]
pub(super) struct StepResult {
    pub(super) state: StepState,
    pub(super) attempts: u32,
    /// Of the last attempt, as the exit code.
    pub(super) outcome: Option<AttemptOutcome>,
    pub(super) exit_code: Option<i32>,
    /// Of the last attempt; where there was none, why.
    pub(super) message: Option<String>,
    /// Where it passed without something that the plan asks for.
    pub(super) qualification: Option<String>,
    /// What the tests of its last attempt said; none where it left no report.
    pub(super) tests: Option<Box<TestReport>>,
    /// All attempts together; `None` where it never ran.
    pub(super) elapsed: Option<Duration>,
    /// Where it did not begin because the run ended before a manual step.
    pub(super) held_back: Option<HeldBack>,
}

/// Why a step did not begin in a run that ended before a manual step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldBack {
    /// It is manual itself.
    ForAPerson,
    /// One before it is.
    BehindOne,
}

/// How a run ended: one word for one outcome, from which the text, the JSON and the exit code are all made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything ended well.
    Passed,
    /// Everything ended well up to a manual step.
    Waiting,
    /// A person stopped it.
    Stopped,
    /// A step failed.
    Failed,
    /// A step could not be run.
    Errored,
}

impl Ending {
    /// The word in the JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Errored => "errored",
        }
    }

    /// See the command's help.
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::Passed | Self::Waiting => 0,
            Self::Failed | Self::Errored => 1,
            Self::Stopped => STOPPED,
        }
    }
}

impl BuildEnd {
    /// What of the plan was left out although the build passed: `without its image node:22`.
    pub(super) fn qualification(&self) -> Option<String> {
        let mut without: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| step.qualification.as_deref())
            .collect();
        without.sort_unstable();
        without.dedup();
        match without.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            several => Some(several.join(" and ")),
        }
    }

    /// How it ended.
    pub(super) const fn ending(&self) -> Ending {
        match self.outcome {
            BuildOutcome::Passed => Ending::Passed,
            _ if self.stopped => Ending::Stopped,
            BuildOutcome::Stopped if self.waits_at.is_some() => Ending::Waiting,
            BuildOutcome::Errored => Ending::Errored,
            _ => Ending::Failed,
        }
    }
}

impl StepResult {
    /// The word in the JSON.
    pub(super) const fn word(&self) -> &'static str {
        match self.held_back {
            Some(HeldBack::ForAPerson) => "waiting",
            Some(HeldBack::BehindOne) => "not_run",
            None => self.state.as_str(),
        }
    }
}
