//! States of builds, steps and attempts, and the words the database and the API use for them.

use serde::{Deserialize, Serialize};

/// A word that names no state; the row was written by another version or by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a state of a {noun}; was this database written by a newer version?")]
pub struct UnknownState {
    /// "build", "step" or "attempt".
    pub noun: &'static str,
    /// The word found.
    pub word: String,
}

macro_rules! words {
    ($type:ident, $noun:literal, $($variant:ident = $word:literal),+ $(,)?) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word kept in the database and shown by the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value from its word.
            pub fn parse(word: &str) -> Result<Self, UnknownState> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
                    .ok_or_else(|| UnknownState { noun: $noun, word: word.to_owned() })
            }
        }
    };
}

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildState {
    /// Decided; its pipeline file is not read yet.
    Queued,
    /// Planned; a step is queued or running.
    Running,
    /// Nothing runs; a manual step waits for a person.
    Paused,
    /// A person or a setting asked it to stop; running attempts are being ended.
    Stopping,
    /// Over, with this outcome.
    Finished(BuildOutcome),
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildOutcome {
    /// Every step that had to pass did.
    Passed,
    /// A step's script failed or ran out of time: the author's matter.
    Failed,
    /// It could not be run (clone refused, runner lost too often): the installation's matter. Red at Bitbucket.
    Errored,
    /// Somebody stopped it, or a newer build replaced it. Not a failure.
    Stopped,
    /// The pipeline file cannot be run; the build page shows why. Red at Bitbucket.
    Invalid,
    /// The file has nothing for this trigger, or there is no file. Not reported to Bitbucket.
    Skipped,
}

words!(
    BuildOutcome,
    "build",
    Passed = "passed",
    Failed = "failed",
    Errored = "errored",
    Stopped = "stopped",
    Invalid = "invalid",
    Skipped = "skipped"
);

impl BuildState {
    /// The word kept in the database and shown by the API; a finished build says its outcome.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Finished(outcome) => outcome.as_str(),
        }
    }

    /// The state from its word.
    pub fn parse(word: &str) -> Result<Self, UnknownState> {
        [Self::Queued, Self::Running, Self::Paused, Self::Stopping]
            .into_iter()
            .find(|state| state.as_str() == word)
            .map_or_else(|| BuildOutcome::parse(word).map(Self::Finished), Ok)
    }

    /// The state that people are shown: a build of which no step runs at this moment is not running, it is queued.
    /// `runs_a_step` says whether one does.
    pub const fn seen(self, runs_a_step: bool) -> Self {
        match self {
            Self::Running if !runs_a_step => Self::Queued,
            other => other,
        }
    }

    /// True once nothing more will happen by itself.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Finished(_))
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Waits for the steps before it.
    Waiting,
    /// Waits for a person.
    Manual,
    /// Its attempt waits for a runner.
    Queued,
    /// Its attempt runs.
    Running,
    /// Over, with this outcome.
    Finished(StepOutcome),
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Its script ended with status 0.
    Passed,
    /// Its script ended with another status, or ran out of time.
    Failed,
    /// It failed, and the file says to go on.
    FailedIgnored,
    /// It could not be run.
    Errored,
    /// It was stopped while it ran, or before.
    Stopped,
    /// Its condition was not met.
    Skipped,
    /// An earlier step failed, so it never ran.
    NotRun,
}

words!(
    StepOutcome,
    "step",
    Passed = "passed",
    Failed = "failed",
    FailedIgnored = "failed_ignored",
    Errored = "errored",
    Stopped = "stopped",
    Skipped = "skipped",
    NotRun = "not_run",
);

impl StepState {
    /// The word kept in the database and shown by the API; a finished step says its outcome.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Manual => "manual",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished(outcome) => outcome.as_str(),
        }
    }

    /// The state from its word.
    pub fn parse(word: &str) -> Result<Self, UnknownState> {
        [Self::Waiting, Self::Manual, Self::Queued, Self::Running]
            .into_iter()
            .find(|state| state.as_str() == word)
            .map_or_else(|| StepOutcome::parse(word).map(Self::Finished), Ok)
    }

    /// True once the step is over.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Finished(_))
    }
}

macro_rules! from_word {
    ($($type:ident),+) => {$(
        impl TryFrom<String> for $type {
            type Error = UnknownState;

            fn try_from(word: String) -> Result<Self, UnknownState> {
                Self::parse(&word)
            }
        }
    )+};
}

from_word!(BuildState, StepState, AttemptOutcome);

/// How one execution of a step ended, as its runner reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The script ended with status 0.
    Passed,
    /// The script ended with another status.
    Failed,
    /// The script took longer than `max-time`.
    TimedOut,
    /// It was told to stop and did.
    Stopped,
    /// It could not be run: the message says why and what to do.
    Errored,
    /// Its lease expired: the runner died or lost touch. The step is queued again.
    Lost,
    /// Given back, for no reason of the step's: the server or the runner was restarted meanwhile, or the machine had no
    /// room for it. The step is queued again, and nothing is charged to it.
    Interrupted,
}

words!(
    AttemptOutcome,
    "attempt",
    Passed = "passed",
    Failed = "failed",
    TimedOut = "timed_out",
    Stopped = "stopped",
    Errored = "errored",
    Lost = "lost",
    Interrupted = "interrupted",
);

#[cfg(test)]
mod tests {
    use super::{BuildOutcome, BuildState, StepOutcome, StepState};

    #[test]
    fn every_state_reads_back_from_its_word() {
        let builds = [
            BuildState::Queued,
            BuildState::Running,
            BuildState::Paused,
            BuildState::Stopping,
        ];
        for state in builds.into_iter().chain(
            BuildOutcome::ALL
                .iter()
                .map(|outcome| BuildState::Finished(*outcome)),
        ) {
            assert_eq!(BuildState::parse(state.as_str()), Ok(state));
        }
        let steps = [
            StepState::Waiting,
            StepState::Manual,
            StepState::Queued,
            StepState::Running,
        ];
        for state in steps.into_iter().chain(
            StepOutcome::ALL
                .iter()
                .map(|outcome| StepState::Finished(*outcome)),
        ) {
            assert_eq!(StepState::parse(state.as_str()), Ok(state));
        }
        assert!(BuildState::parse("done").is_err());
    }
}
