//! What the tests of an attempt said, as server and runner speak of it: totals, cases, and the files that could not be read.
//!
//! Every bound of it is here. The side that makes it keeps them by [`TestReport::push`], and the side that stores it does not
//! believe that: [`TestReport::bounded`].

use serde::{Deserialize, Serialize};

/// The most cases that are kept of an attempt, each with its result; of the others their number is known.
const LISTED_CASES: usize = 10_000;

/// The most failures that are kept with their message and output, as at Bitbucket.
pub const FAILURES_WITH_OUTPUT: usize = 100;

/// The most characters of a message or an output, as at Bitbucket.
const OUTPUT_CHARACTERS: usize = 2000;

/// The most characters of a name, a suite or a file's path.
const NAME_CHARACTERS: usize = 500;

/// The most files that are named of those that could not be read.
const UNREAD_NAMED: usize = 20;

/// What the test reports of an attempt said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// Of all cases, also of those that are not listed.
    pub totals: TestTotals,
    /// How many files were read.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
    /// The first 20 of the files that were found and could not be read.
    pub unread: Vec<UnreadReport>,
    /// How many files could not be read.
    pub unread_files: u64,
    /// At most 10,000; what failed is among them first.
    pub cases: Vec<TestCase>,
}

/// Numbers of cases, and the time they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestTotals {
    /// Passed, also those that passed when they were tried again.
    pub passed: u64,
    /// An assertion did not hold.
    pub failed: u64,
    /// They broke before or beside an assertion.
    pub errored: u64,
    /// Not run.
    pub skipped: u64,
    /// Microseconds of all together.
    pub micros: u64,
}

/// A case and its result. Every text is from a file that a step wrote: hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// The class or suite that it belongs to; empty where the report names none.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// The file that holds it, where the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How it ended.
    pub state: TestState,
    /// Whether it failed and passed in the same run of the tests.
    #[serde(default)]
    pub is_flaky: bool,
    /// Microseconds.
    pub micros: u64,
    /// One line that says why it did not pass; empty where none is given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it printed, and where it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    /// As it should.
    Passed,
    /// An assertion did not hold.
    Failed,
    /// It broke before or beside an assertion.
    Errored,
    /// It was not run.
    Skipped,
}

/// A report that was found and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadReport {
    /// Its path below the clone directory.
    pub path: String,
    /// What is wrong with it: a fragment to follow its name.
    pub why: String,
}

impl TestState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Skipped => "skipped",
        }
    }

    /// True where the case ran and did not pass.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }
}

impl TryFrom<String> for TestState {
    type Error = UnknownTestState;

    fn try_from(word: String) -> Result<Self, UnknownTestState> {
        [Self::Passed, Self::Failed, Self::Errored, Self::Skipped]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(UnknownTestState(word))
    }
}

/// A word that names no result of a test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a result of a test; it was written by a newer version")]
pub struct UnknownTestState(pub String);

impl TestTotals {
    /// Counts a case.
    pub const fn count(&mut self, state: TestState, micros: u64) {
        let number = match state {
            TestState::Passed => &mut self.passed,
            TestState::Failed => &mut self.failed,
            TestState::Errored => &mut self.errored,
            TestState::Skipped => &mut self.skipped,
        };
        *number = number.saturating_add(1);
        self.micros = self.micros.saturating_add(micros);
    }

    /// Takes in what another said.
    pub const fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.errored = self.errored.saturating_add(other.errored);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.micros = self.micros.saturating_add(other.micros);
    }

    /// How many cases there are.
    pub const fn all(&self) -> u64 {
        self.passed
            .saturating_add(self.failed)
            .saturating_add(self.errored)
            .saturating_add(self.skipped)
    }

    /// How many did not pass.
    pub const fn failures(&self) -> u64 {
        self.failed.saturating_add(self.errored)
    }
}

impl TestReport {
    /// True where nothing was found that looks like a report.
    pub const fn is_empty(&self) -> bool {
        self.files == 0 && self.unread_files == 0
    }

    /// Counts a case, and keeps it where there is room: a failure takes the place of one that did not fail.
    pub fn push(&mut self, case: TestCase) {
        self.totals.count(case.state, case.micros);
        if self.cases.len() < LISTED_CASES {
            self.cases.push(case);
        } else if case.state.is_failure()
            // Else all of them are failures.
            && self.totals.failures() <= LISTED_CASES as u64
            && let Some(place) = self
                .cases
                .iter_mut()
                .rev()
                .find(|known| !known.state.is_failure())
        {
            *place = case;
        }
    }

    /// Notes a file that could not be read.
    pub fn push_unread(&mut self, path: &str, why: &str) {
        self.unread_files = self.unread_files.saturating_add(1);
        if self.unread.len() < UNREAD_NAMED {
            self.unread.push(UnreadReport {
                path: path.to_owned(),
                why: why.to_owned(),
            });
        }
    }

    /// Cuts whatever is longer than its bound, leaves out characters that cannot be shown, and gives cases of one name a
    /// number each. Doing it twice changes nothing more.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.unread.truncate(UNREAD_NAMED);
        for unread in &mut self.unread {
            tidy(&mut unread.path, NAME_CHARACTERS, false);
            tidy(&mut unread.why, NAME_CHARACTERS, false);
        }
        self.cases.truncate(LISTED_CASES);
        let mut with_output = 0;
        let mut known = std::collections::HashMap::new();
        for case in &mut self.cases {
            tidy(&mut case.suite, NAME_CHARACTERS, false);
            tidy(&mut case.name, NAME_CHARACTERS, false);
            if let Some(file) = &mut case.file {
                tidy(file, NAME_CHARACTERS, false);
            }
            let keeps = (case.state.is_failure() || case.is_flaky || !case.message.is_empty())
                && (with_output < FAILURES_WITH_OUTPUT || case.state == TestState::Skipped);
            if keeps {
                tidy(&mut case.message, OUTPUT_CHARACTERS, true);
                tidy(&mut case.output, OUTPUT_CHARACTERS, true);
                with_output += usize::from(case.state != TestState::Skipped);
            } else {
                case.message.clear();
                case.output.clear();
            }
            let times = known
                .entry((case.suite.clone(), case.name.clone()))
                .or_insert(0_u32);
            *times += 1;
            if *times > 1 {
                // A name that ends like this already, of a report that was bounded before, stays another one.
                let number = format!(" #{times}");
                let room = NAME_CHARACTERS.saturating_sub(number.len());
                tidy(&mut case.name, room, false);
                case.name.push_str(&number);
            }
        }
        self
    }
}

/// Cuts a text to so many characters, an ellipsis among them, and leaves out control characters but, in a text of several
/// lines, line ends and tabs.
fn tidy(text: &mut String, most: usize, has_lines: bool) {
    let is_shown = |character: char| {
        !character.is_control() || (has_lines && matches!(character, '\n' | '\t'))
    };
    if text.len() <= most && text.chars().all(is_shown) {
        return;
    }
    let mut shown = text.chars().filter(|character| is_shown(*character));
    let mut cut: String = shown.by_ref().take(most).collect();
    if shown.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    *text = cut;
}

#[cfg(test)]
mod tests {
    use super::{
        FAILURES_WITH_OUTPUT, LISTED_CASES, NAME_CHARACTERS, OUTPUT_CHARACTERS, TestCase,
        TestReport, TestState, UNREAD_NAMED,
    };

    fn case(name: &str, state: TestState) -> TestCase {
        TestCase {
            suite: "suite".to_owned(),
            name: name.to_owned(),
            file: None,
            line: None,
            state,
            is_flaky: false,
            micros: 10,
            message: String::new(),
            output: String::new(),
        }
    }

    #[test]
    fn a_failure_has_room_though_the_list_is_full() {
        let mut report = TestReport::default();
        for number in 0..LISTED_CASES + 5 {
            report.push(case(&number.to_string(), TestState::Passed));
        }
        report.push(case("last", TestState::Failed));
        assert_eq!(report.cases.len(), LISTED_CASES);
        assert_eq!(report.totals.all(), LISTED_CASES as u64 + 6);
        assert_eq!(report.totals.failures(), 1);
        assert!(report.cases.iter().any(|case| case.name == "last"));
    }

    #[test]
    fn every_bound_holds_whatever_a_runner_says() {
        let long = "ü\u{0}\u{1b}[31m\u{202e}".repeat(5000);
        let mut report = TestReport::default();
        for number in 0..FAILURES_WITH_OUTPUT + 3 {
            report.cases.push(TestCase {
                suite: long.clone(),
                file: Some(long.clone()),
                message: long.clone(),
                output: format!("line\n\tmore\r\n{long}"),
                ..case(&format!("{number}{long}"), TestState::Errored)
            });
        }
        for _ in 0..UNREAD_NAMED + 3 {
            report.push_unread(&long, &long);
        }
        assert_eq!(report.unread_files, UNREAD_NAMED as u64 + 3);
        let bounded = report.bounded();
        assert_eq!(bounded.unread.len(), UNREAD_NAMED);
        for (number, case) in bounded.cases.iter().enumerate() {
            for text in [&case.suite, &case.name, case.file.as_ref().expect("a file")] {
                assert!(text.chars().count() <= NAME_CHARACTERS);
                assert!(!text.chars().any(char::is_control));
            }
            assert!(case.output.chars().count() <= OUTPUT_CHARACTERS);
            assert_eq!(case.output.is_empty(), number >= FAILURES_WITH_OUTPUT);
            assert!(case.output.is_empty() || case.output.starts_with("line\n\tmore\n"));
        }
        assert_eq!(bounded.clone().bounded(), bounded);
    }

    #[test]
    fn cases_of_one_name_are_told_apart() {
        let mut report = TestReport::default();
        for name in ["same", "other", "same", "same"] {
            report.push(case(name, TestState::Passed));
        }
        let bounded = report.bounded();
        let names: Vec<_> = bounded
            .cases
            .iter()
            .map(|case| case.name.as_str())
            .collect();
        assert_eq!(names, ["same", "other", "same #2", "same #3"]);
    }

    #[test]
    fn what_passed_keeps_no_output_and_what_was_skipped_its_reason() {
        let mut report = TestReport::default();
        report.push(TestCase {
            output: "much".to_owned(),
            ..case("passed", TestState::Passed)
        });
        report.push(TestCase {
            message: "not here".to_owned(),
            ..case("skipped", TestState::Skipped)
        });
        let bounded = report.bounded();
        assert_eq!(bounded.cases[0].output, "");
        assert_eq!(bounded.cases[1].message, "not here");
    }
}
