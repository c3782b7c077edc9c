//! The little bars of an application's last builds. Drawn by the macro in `templates/parts/spark.html`.

use std::time::Duration;

use pipewright_core::build::{BuildOutcome, BuildState};

/// How high the tallest bar is, in pixels.
const TALLEST: u64 = 20;
/// How high the lowest bar is, in pixels.
const LOWEST: u64 = 4;

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Pixels from the left.
    pub(crate) x: u64,
    /// Pixels from the top.
    pub(crate) y: u64,
    /// Its height in pixels.
    pub(crate) height: u64,
    /// The class that colours it.
    pub(crate) class: &'static str,
    /// What it says when pointed at: `#412 passed in 14 s`.
    pub(crate) title: String,
}

/// The bars of builds, oldest first: number, state and how long each took so far. Heights compare with the longest.
pub(crate) fn bars(builds: &[(i64, BuildState, Duration)]) -> Vec<Bar> {
    let longest = builds
        .iter()
        .map(|(_, _, duration)| duration.as_millis())
        .max()
        .unwrap_or(0)
        .max(1);
    let bar = |(index, (number, state, duration)): (usize, &(i64, BuildState, Duration))| {
        let share = u64::try_from(duration.as_millis() * u128::from(TALLEST - LOWEST) / longest)
            .unwrap_or(0);
        let height = LOWEST + share;
        let took = super::format::duration(*duration);
        let title = format!("#{number} {} ({took})", state.as_str());
        Bar {
            x: index as u64 * 6,
            y: TALLEST - height,
            height,
            class: class(*state),
            title,
        }
    };
    builds.iter().enumerate().map(bar).collect()
}

const fn class(state: BuildState) -> &'static str {
    match state {
        BuildState::Finished(BuildOutcome::Passed) => "ok",
        BuildState::Finished(
            BuildOutcome::Failed | BuildOutcome::Errored | BuildOutcome::Invalid,
        ) => "bad",
        BuildState::Finished(BuildOutcome::Stopped | BuildOutcome::Skipped) => "off",
        BuildState::Queued | BuildState::Running | BuildState::Paused | BuildState::Stopping => {
            "run"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::build::{BuildOutcome, BuildState};

    #[test]
    fn bars_stand_on_one_line_and_compare_with_the_longest() {
        let passed = BuildState::Finished(BuildOutcome::Passed);
        let builds = [
            (1, passed, Duration::from_secs(10)),
            (2, BuildState::Running, Duration::ZERO),
            (3, passed, Duration::from_secs(5)),
        ];
        let bars = super::bars(&builds);
        let places: Vec<_> = bars
            .iter()
            .map(|bar| (bar.x, bar.y, bar.height, bar.class))
            .collect();
        assert_eq!(
            places,
            [(0, 0, 20, "ok"), (6, 16, 4, "run"), (12, 8, 12, "ok")]
        );
        assert_eq!(bars[0].title, "#1 passed (10 s)");
        assert!(super::bars(&[]).is_empty());
    }
}
