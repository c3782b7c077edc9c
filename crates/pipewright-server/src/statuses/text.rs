//! The words that Bitbucket shows beside a commit.

use std::time::Duration;

use pipewright_core::build::{BuildOutcome, NOT_SUPPORTED};
use pipewright_store::builds::RunContext;

/// How a build ended, as Bitbucket is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) outcome: BuildOutcome,
    /// False where it did not run because nobody here can run it.
    pub(crate) is_supported: bool,
}

/// The first line: `checkout-api #412`.
pub(super) fn name(build: &RunContext) -> String {
    match &build.detail.custom {
        Some(custom) => format!("{} #{} ({custom})", build.application_name, build.number),
        None => format!("{} #{}", build.application_name, build.number),
    }
}

/// The second line: what happened, and how long it took.
/// `without` are the sentences of steps that passed without something that they ask for.
pub(super) fn description(
    end: Option<Told>,
    ran_for: Option<Duration>,
    without: &[String],
) -> String {
    let Some(Told {
        outcome,
        is_supported,
    }) = end
    else {
        return "In progress".to_owned();
    };
    if !is_supported {
        return format!("{NOT_SUPPORTED}; see the build's page");
    }
    let time = ran_for.filter(|duration| !duration.is_zero()).map(duration);
    let without = match without {
        [] => String::new(),
        [one] => {
            let words = one.strip_prefix("Passed").unwrap_or(one);
            words.trim_end_matches('.').to_owned()
        }
        _ => ", without the images of its steps".to_owned(),
    };
    match (outcome, time) {
        (BuildOutcome::Passed, Some(time)) => format!("Passed in {time}{without}"),
        (BuildOutcome::Passed, None) => format!("Passed{without}"),
        (BuildOutcome::Failed, Some(time)) => format!("Failed after {time}"),
        (BuildOutcome::Failed, None) => "Failed".to_owned(),
        (BuildOutcome::Errored, _) => "Could not be run; see the build's page".to_owned(),
        (BuildOutcome::Stopped, Some(time)) => format!("Stopped after {time}"),
        (BuildOutcome::Stopped, None) => "Stopped".to_owned(),
        (BuildOutcome::Invalid, _) => {
            "The pipeline file cannot be run; see the build's page".to_owned()
        }
        (BuildOutcome::Skipped, _) => "Skipped".to_owned(),
    }
}

/// `0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::build::BuildOutcome;

    #[test]
    fn durations_and_outcomes_are_said_as_people_do() {
        let told = |outcome, is_supported| {
            Some(super::Told {
                outcome,
                is_supported,
            })
        };
        let say = |outcome, seconds| {
            super::description(
                told(outcome, true),
                Some(Duration::from_secs_f64(seconds)),
                &[],
            )
        };
        assert_eq!(say(BuildOutcome::Passed, 0.43), "Passed in 0.4 s");
        assert_eq!(say(BuildOutcome::Failed, 185.0), "Failed after 3 min 5 s");
        assert_eq!(
            say(BuildOutcome::Stopped, 7623.0),
            "Stopped after 2 h 7 min"
        );
        assert_eq!(say(BuildOutcome::Passed, 12.9), "Passed in 12 s");
        assert_eq!(
            super::description(told(BuildOutcome::Stopped, true), Some(Duration::ZERO), &[]),
            "Stopped"
        );
        assert_eq!(
            super::description(told(BuildOutcome::Errored, false), None, &[]),
            "Not supported here yet; see the build's page"
        );
        assert_eq!(super::description(None, None, &[]), "In progress");
        let without = ["Passed, without its image node:22.".to_owned()];
        let say = |without: &[String]| {
            super::description(
                told(BuildOutcome::Passed, true),
                Some(Duration::from_secs(12)),
                without,
            )
        };
        assert_eq!(say(&without), "Passed in 12 s, without its image node:22");
        let two = [
            without[0].clone(),
            "Passed, without its image b.".to_owned(),
        ];
        assert_eq!(say(&two), "Passed in 12 s, without the images of its steps");
    }
}
