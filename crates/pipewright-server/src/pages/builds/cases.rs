//! A test as pages show it: its name, what became of it, and the little bars of its history.

use std::collections::HashMap;
use std::time::Duration;

use pipewright_core::ids::{BuildId, TestCaseId};
use pipewright_core::wire::TestState;
use pipewright_store::test_reports::{CaseRow, PastBuild, PastResult};

use crate::web::format;
use crate::web::spark::Bar;
use crate::web::states::Pill;

/// Builds whose results a test's bars show.
pub(super) const BARS: i64 = 24;

/// How high a bar is, in pixels: of a failure, of a flaky result, the highest and the lowest of what passed, of nothing.
const FAILED: u64 = 20;
const FLAKY: u64 = 14;
const SLOW: u64 = 13;
const QUICK: u64 = 5;
const ABSENT: u64 = 4;

/// Where a repository stands in a step, as tools write it into their reports.
const CLONE_DIRECTORY: &str = "/opt/atlassian/pipelines/agent/build/";

/// What became of a test in one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) number: i64,
    /// None where the build did not have it.
    pub(super) result: Option<(TestState, u64)>,
    /// Whether it failed and passed in that build.
    pub(super) is_flaky: bool,
}

/// What became of tests in the builds of a branch.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Oldest first.
    builds: Vec<PastBuild>,
    results: HashMap<(TestCaseId, BuildId), Past>,
}

impl History {
    /// `builds` are newest first; of one test in one build, results are in the order of their attempts.
    pub(super) fn of(mut builds: Vec<PastBuild>, results: Vec<PastResult>) -> Self {
        builds.reverse();
        let numbers: HashMap<BuildId, i64> = builds
            .iter()
            .map(|build| (build.id, build.number))
            .collect();
        let mut known: HashMap<(TestCaseId, BuildId), Past> = HashMap::new();
        for one in results {
            let number = numbers.get(&one.build).copied().unwrap_or_default();
            let micros = u64::try_from(one.micros).unwrap_or(0);
            let before = known.get(&(one.case, one.build));
            let changed = before
                .and_then(|past| past.result)
                .is_some_and(|(state, _)| state.is_failure() != one.state.is_failure());
            let past = Past {
                number,
                result: Some((one.state, micros)),
                is_flaky: one.is_flaky || changed || before.is_some_and(|past| past.is_flaky),
            };
            known.insert((one.case, one.build), past);
        }
        Self {
            builds,
            results: known,
        }
    }

    /// What became of a test in each build, oldest first.
    pub(super) fn past(&self, case: TestCaseId) -> Vec<Past> {
        let absent = |number| Past {
            number,
            result: None,
            is_flaky: false,
        };
        self.builds
            .iter()
            .map(|build| {
                self.results
                    .get(&(case, build.id))
                    .copied()
                    .unwrap_or_else(|| absent(build.number))
            })
            .collect()
    }
}

/// The bars of a test, and what they say to whom does not see them.
#[derive(Debug, Clone, Default)]
pub(in crate::pages) struct CaseBars {
    pub(in crate::pages) bars: Vec<Bar>,
    pub(in crate::pages) label: String,
}

/// The bars of what became of a test, oldest first. Heights of what passed compare with the slowest.
pub(super) fn bars(past: &[Past]) -> CaseBars {
    let slowest = past
        .iter()
        .filter_map(|one| one.result)
        .map(|(_, micros)| micros)
        .max()
        .unwrap_or(0)
        .max(1);
    let bar = |(index, one): (usize, &Past)| {
        let (class, height, words) = match one.result {
            None => ("none", ABSENT, "not there".to_owned()),
            Some((TestState::Skipped, _)) => ("none", ABSENT, "skipped".to_owned()),
            Some((_, micros)) if one.is_flaky => {
                ("wait", FLAKY, format!("flaky ({})", took(micros)))
            }
            Some((state, micros)) if state.is_failure() => {
                ("bad", FAILED, format!("failed ({})", took(micros)))
            }
            Some((_, micros)) => {
                let share = u128::from(micros) * u128::from(SLOW - QUICK) / u128::from(slowest);
                let height = QUICK + u64::try_from(share).unwrap_or(0);
                ("off", height, format!("passed ({})", took(micros)))
            }
        };
        Bar {
            x: index as u64 * 6,
            y: FAILED - height,
            height,
            class,
            title: format!("#{} {words}", one.number),
        }
    };
    CaseBars {
        bars: past.iter().enumerate().map(bar).collect(),
        label: bars_label(past),
    }
}

/// `Of the last 24 builds: passed in 19, failed in 5`.
fn bars_label(past: &[Past]) -> String {
    let number = |judge: fn(&Past) -> bool| past.iter().filter(|one| judge(one)).count();
    let failed = |one: &Past| one.result.is_some_and(|(state, _)| state.is_failure());
    let parts = [
        (
            number(|one| {
                !one.is_flaky
                    && one
                        .result
                        .is_some_and(|(state, _)| state == TestState::Passed)
            }),
            "passed in",
        ),
        (
            past.iter()
                .filter(|one| failed(one) && !one.is_flaky)
                .count(),
            "failed in",
        ),
        (number(|one| one.is_flaky), "flaky in"),
        (
            number(|one| {
                one.result
                    .is_none_or(|(state, _)| state == TestState::Skipped)
            }),
            "not run in",
        ),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{words} {number}"))
        .collect();
    format!(
        "Of the last {}: {}",
        format::count(past.len(), "build"),
        said.join(", ")
    )
}

/// What is said beside a test that failed: since when; none where nothing came before.
pub(super) fn since(past: &[Past]) -> Option<String> {
    let (now, before) = past.split_last()?;
    if !now.result?.0.is_failure() || before.is_empty() {
        return None;
    }
    let first = before
        .iter()
        .rev()
        .filter(|one| one.result.is_some())
        .take_while(|one| one.result.is_some_and(|(state, _)| state.is_failure()))
        .last();
    Some(match first {
        None => "new".to_owned(),
        Some(first) => format!("failing since #{}", first.number),
    })
}

/// What is said beside a flaky test.
pub(super) fn flaky_words(past: &[Past]) -> String {
    match past.iter().filter(|one| one.is_flaky).count() {
        0 | 1 => "flaky".to_owned(),
        several => format!("flaky, {several} of the last {}", past.len()),
    }
}

/// How much longer a test took than it usually does, where that is told: its median, without this build.
pub(super) fn against_median(past: &[Past], micros: u64) -> (&'static str, String) {
    let mut times: Vec<u64> = past
        .split_last()
        .map(|(_, before)| before)
        .unwrap_or_default()
        .iter()
        .filter_map(|one| one.result)
        .filter(|(state, _)| *state == TestState::Passed)
        .map(|(_, micros)| micros)
        .collect();
    if times.is_empty() {
        return ("", "new".to_owned());
    }
    times.sort_unstable();
    let median = times[times.len() / 2];
    let difference = micros.abs_diff(median);
    // A fifth, and what a person notices.
    if difference < median / 5 || difference < 50_000 {
        ("", "as usual".to_owned())
    } else if micros > median {
        ("wait", format!("+{}", took(difference)))
    } else {
        ("", format!("−{}", took(difference)))
    }
}

/// How long a test took: `4 ms`, `440 ms`, `10.8 s`, `2 m 02 s`.
pub(super) fn took(micros: u64) -> String {
    match micros {
        0..1_000_000 => format!("{} ms", micros / 1000),
        1_000_000..60_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => format::duration(Duration::from_micros(micros)),
    }
}

/// A test's name with its class or suite, as the language of it would write that.
pub(super) fn title(suite: &str, name: &str) -> String {
    if suite.is_empty() || name.starts_with(suite) {
        return name.to_owned();
    }
    let between = if suite.contains(' ') {
        " › "
    } else if suite.contains("::") {
        "::"
    } else {
        "."
    };
    format!("{suite}{between}{name}")
}

/// How a result is shown.
pub(super) const fn pill(state: TestState) -> Pill {
    let (class, label) = match state {
        TestState::Passed => ("ok", "Passed"),
        TestState::Failed => ("bad", "Failed"),
        TestState::Errored => ("bad", "Broke"),
        TestState::Skipped => ("off", "Skipped"),
    };
    Pill { class, label }
}

/// The picture beside a test, of those that stand beside steps.
pub(super) const fn icon(state: TestState, is_flaky: bool) -> &'static str {
    match state {
        TestState::Failed | TestState::Errored => "failed",
        TestState::Passed if is_flaky => "ignored",
        TestState::Passed => "passed",
        TestState::Skipped => "skipped",
    }
}

/// `tests/refund.rs:118`; empty where the file is not known.
pub(super) fn place(file: &str, line: i64) -> String {
    let file = file.strip_prefix(CLONE_DIRECTORY).unwrap_or(file);
    if line > 0 && !file.is_empty() {
        format!("{file}:{line}")
    } else {
        file.to_owned()
    }
}

/// The file's page at Bitbucket, as it was in this commit; none where the path is not one of the repository.
pub(super) fn at_bitbucket(web_url: &str, commit: &str, file: &str, line: i64) -> Option<String> {
    let file = file.strip_prefix(CLONE_DIRECTORY).unwrap_or(file);
    let file = file.strip_prefix("./").unwrap_or(file);
    let is_below = |part: &str| !part.is_empty() && part != "." && part != "..";
    if file.contains('\\') || !file.split('/').all(is_below) || !file.contains('.') {
        return None;
    }
    let mut url = url::Url::parse(web_url).ok()?;
    let is_datacenter = web_url.ends_with("/browse");
    {
        let mut parts = url.path_segments_mut().ok()?;
        parts.pop_if_empty();
        if !is_datacenter {
            parts.extend(["src", commit]);
        }
        parts.extend(file.split('/'));
    }
    if is_datacenter {
        url.query_pairs_mut().append_pair("at", commit);
    }
    if line > 0 {
        url.set_fragment(Some(&if is_datacenter {
            line.to_string()
        } else {
            format!("lines-{line}")
        }));
    }
    Some(url.into())
}

/// What a person looks for in the log to find a test: the last word of its name.
pub(super) fn needle(row: &CaseRow) -> String {
    row.name
        .rsplit([':', '/', ' '])
        .find(|part| part.chars().count() > 2)
        .unwrap_or(&row.name)
        .chars()
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::{BuildId, TestCaseId};
    use pipewright_core::wire::TestState;
    use pipewright_store::test_reports::{PastBuild, PastResult};
    use uuid::Uuid;

    use super::{
        History, Past, against_median, at_bitbucket, bars, flaky_words, place, since, title, took,
    };

    fn past(states: &[Option<TestState>]) -> Vec<Past> {
        let one = |(state, number): (&Option<TestState>, i64)| Past {
            number,
            result: state.map(|state| (state, 1_000_000)),
            is_flaky: false,
        };
        states.iter().zip(1..).map(one).collect()
    }

    const PASSED: Option<TestState> = Some(TestState::Passed);
    const FAILED: Option<TestState> = Some(TestState::Failed);

    #[test]
    fn a_failure_is_new_or_known() {
        for (states, expected) in [
            (&[FAILED][..], None),
            (&[PASSED, FAILED], Some("new")),
            (&[None, FAILED], Some("new")),
            (&[PASSED, FAILED, None, FAILED], Some("failing since #2")),
            (&[FAILED, FAILED], Some("failing since #1")),
            (&[FAILED, PASSED], None),
            (&[], None),
        ] {
            assert_eq!(since(&past(states)).as_deref(), expected, "{states:?}");
        }
    }

    #[test]
    fn both_results_in_one_build_are_flaky() {
        let (build, case) = (BuildId::new(), TestCaseId::from_uuid(Uuid::nil()));
        let result = |attempt, state| PastResult {
            build,
            case,
            attempt,
            state,
            is_flaky: false,
            micros: 5,
        };
        let history = History::of(
            vec![
                PastBuild {
                    id: build,
                    number: 8,
                },
                PastBuild {
                    id: BuildId::new(),
                    number: 7,
                },
            ],
            vec![
                result(1, TestState::Failed),
                result(2, TestState::Passed),
                result(3, TestState::Passed),
            ],
        );
        let past = history.past(case);
        let shown: Vec<_> = past
            .iter()
            .map(|one| (one.number, one.result.is_some(), one.is_flaky))
            .collect();
        assert_eq!(shown, [(7, false, false), (8, true, true)]);
        assert_eq!(flaky_words(&past), "flaky");
        let drawn = bars(&past);
        assert_eq!(
            drawn.label,
            "Of the last 2 builds: flaky in 1, not run in 1"
        );
        assert_eq!(drawn.bars[1].title, "#8 flaky (0 ms)");
    }

    #[test]
    fn times_compare_with_what_is_usual() {
        let usual = past(&[PASSED, PASSED, FAILED, PASSED]);
        for (micros, expected) in [
            (1_100_000, "as usual"),
            (3_000_000, "+2.0 s"),
            (400_000, "−600 ms"),
        ] {
            assert_eq!(against_median(&usual, micros).1, expected);
        }
        assert_eq!(against_median(&past(&[PASSED]), 1).1, "new");
        assert_eq!(took(122_000_000), "2 m 02 s");
    }

    #[test]
    fn names_and_places_are_said_as_their_language_does() {
        for (suite, name, expected) in [
            ("", "adds", "adds"),
            ("acme::refund", "stale::token", "acme::refund::stale::token"),
            (
                "com.acme.PriceTest",
                "addsTax",
                "com.acme.PriceTest.addsTax",
            ),
            ("cart adds", "cart adds one", "cart adds one"),
            ("the cart", "adds one", "the cart › adds one"),
        ] {
            assert_eq!(title(suite, name), expected);
        }
        assert_eq!(place("tests/a.rs", 7), "tests/a.rs:7");
        assert_eq!(
            place("/opt/atlassian/pipelines/agent/build/a.php", 0),
            "a.php"
        );
        let cloud = "https://bitbucket.org/acme/shop";
        let server = "https://git.acme.example/projects/AC/repos/shop/browse";
        for (web_url, file, line, expected) in [
            (
                cloud,
                "tests/größe 1.rs",
                7,
                Some(
                    "https://bitbucket.org/acme/shop/src/abc/tests/gr%C3%B6%C3%9Fe%201.rs#lines-7",
                ),
            ),
            (
                server,
                "./a/b.py",
                0,
                Some("https://git.acme.example/projects/AC/repos/shop/browse/a/b.py?at=abc"),
            ),
            (cloud, "/etc/passwd.x", 1, None),
            (cloud, "../up.rs", 1, None),
            (cloud, "a//b.rs", 1, None),
            (
                cloud,
                "com.acme",
                0,
                Some("https://bitbucket.org/acme/shop/src/abc/com.acme"),
            ),
            (cloud, "", 1, None),
            ("javascript:alert(1)", "a.rs", 1, None),
        ] {
            assert_eq!(
                at_bitbucket(web_url, "abc", file, line).as_deref(),
                expected,
                "{file}"
            );
        }
    }
}
