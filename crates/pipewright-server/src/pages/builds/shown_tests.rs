//! Tests of a build as its page shows them: totals, ways to narrow the list, one test, and one of the slowest.

use std::collections::HashSet;

use pipewright_core::ids::TestCaseId;
use pipewright_core::wire::{TestState, TestTotals};
use pipewright_store::test_reports::{CaseRow, StepTests};

use super::cases::{self, CaseBars, History};
use super::head::{Head, Looked};

/// Tests on a page of a narrowed list.
pub(super) const LISTED: i64 = 100;

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

/// One number.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Stat {
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) value: String,
    /// `bad`, `wait` or nothing.
    pub(in crate::pages) class: &'static str,
    pub(in crate::pages) note: String,
}

/// One way to narrow the list.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Chip {
    pub(in crate::pages) label: String,
    pub(in crate::pages) count: Option<u64>,
    pub(in crate::pages) query: String,
    pub(in crate::pages) is_current: bool,
}

/// Tests under one title.
#[derive(Debug, Clone)]
pub(in crate::pages) struct CaseList {
    pub(in crate::pages) title: String,
    /// How many.
    pub(in crate::pages) count: String,
    pub(in crate::pages) note: String,
    pub(in crate::pages) cases: Vec<ShownCase>,
}

/// A test, as it is shown.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownCase {
    pub(in crate::pages) name: String,
    /// The picture beside it, as beside a step.
    pub(in crate::pages) icon: &'static str,
    /// The word for it.
    pub(in crate::pages) word: &'static str,
    /// Class and words of what is said beside it.
    pub(in crate::pages) badge: Option<(&'static str, String)>,
    /// The step, and the file.
    pub(in crate::pages) place: String,
    pub(in crate::pages) bars: CaseBars,
    pub(in crate::pages) took: String,
    pub(in crate::pages) message: String,
    pub(in crate::pages) output: String,
    /// Whether it is open at first.
    pub(in crate::pages) is_open: bool,
    pub(in crate::pages) history: String,
    /// Where the log of its attempt is searched for it.
    pub(in crate::pages) log: String,
    /// Its file at Bitbucket, with its name.
    pub(in crate::pages) file: Option<(String, String)>,
}

/// One of the slowest tests.
#[derive(Debug, Clone)]
pub(in crate::pages) struct SlowCase {
    pub(in crate::pages) name: String,
    pub(in crate::pages) history: String,
    pub(in crate::pages) step: String,
    pub(in crate::pages) took: String,
    /// Of the slowest, in percent.
    pub(in crate::pages) share: u64,
    /// Class and words.
    pub(in crate::pages) median: (&'static str, String),
    pub(in crate::pages) bars: CaseBars,
}

/// The same as it stands in the page's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pages) struct Narrowed {
    pub(in crate::pages) show: &'static str,
    pub(in crate::pages) step: Option<i64>,
    pub(in crate::pages) q: String,
}

impl Narrowed {
    /// What is asked for, as far as it makes sense.
    pub(super) fn of(show: &str, step: Option<i64>, q: &str) -> Self {
        let words = ["failed", "flaky", "skipped", "passed", "all"];
        Self {
            show: words
                .into_iter()
                .find(|word| *word == show)
                .unwrap_or_default(),
            step: step.filter(|step| *step > 0),
            q: q.trim().chars().take(LONGEST_SEARCH).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn query(&self, from: Option<i64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.show.is_empty() {
            query.append_pair("show", self.show);
        }
        if let Some(step) = self.step {
            query.append_pair("step", &step.to_string());
        }
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        if let Some(from) = from {
            query.append_pair("from", &from.to_string());
        }
        query.finish()
    }

    pub(super) fn state(&self) -> Option<TestState> {
        match self.show {
            "failed" => Some(TestState::Failed),
            "skipped" => Some(TestState::Skipped),
            "passed" => Some(TestState::Passed),
            _ => None,
        }
    }
}

/// What tests are drawn with.
pub(super) struct Drawing<'a> {
    pub(super) looked: &'a Looked,
    pub(super) head: &'a Head,
    pub(super) history: History,
    /// Tests that failed and passed on the build's commit.
    pub(super) flaky: HashSet<TestCaseId>,
}

impl Drawing<'_> {
    pub(super) fn lists(
        &self,
        narrowed: &Narrowed,
        listed: &[CaseRow],
        flaky: &[CaseRow],
        totals: &TestTotals,
    ) -> Vec<CaseList> {
        let shown = |rows: &[CaseRow], opens: bool| -> Vec<ShownCase> {
            let mut cases: Vec<_> = rows
                .iter()
                .take(LISTED as usize)
                .map(|row| self.case(row))
                .collect();
            if let Some(first) = cases.first_mut().filter(|_| opens) {
                first.is_open = true;
            }
            cases
        };
        if !narrowed.is_empty() {
            return vec![CaseList {
                title: "Tests".to_owned(),
                count: String::new(),
                note: "what failed first, then what took longest".to_owned(),
                cases: shown(listed, false),
            }];
        }
        let failed = CaseList {
            title: "Failed".to_owned(),
            count: totals.failures().to_string(),
            note: if totals.failures() > listed.len() as u64 {
                format!("the first {} of them", listed.len())
            } else {
                String::new()
            },
            cases: shown(listed, true),
        };
        let flaky = CaseList {
            title: "Flaky".to_owned(),
            count: flaky.len().to_string(),
            note: "failed and passed on this commit".to_owned(),
            cases: shown(flaky, false),
        };
        [failed, flaky]
            .into_iter()
            .filter(|list| !list.cases.is_empty())
            .collect()
    }

    fn case(&self, row: &CaseRow) -> ShownCase {
        let past = self.history.past(row.id);
        let is_flaky = self.flaky.contains(&row.id);
        let badge = if is_flaky {
            Some(("wait", cases::flaky_words(&past)))
        } else {
            cases::since(&past).map(|words| ("bad", words))
        };
        let place = cases::place(&row.file, row.line);
        let build = &self.looked.build;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("step", &(row.step + 1).to_string())
            .append_pair("attempt", &row.attempt.to_string())
            .append_pair("find", &cases::needle(row))
            .finish();
        ShownCase {
            name: cases::title(&row.suite, &row.name),
            icon: cases::icon(row.state, is_flaky),
            word: cases::pill(row.state).label,
            badge,
            place: if place.is_empty() {
                row.step_name.clone()
            } else {
                format!("{} · {place}", row.step_name)
            },
            bars: cases::bars(&past),
            took: cases::took(u64::try_from(row.micros).unwrap_or(0)),
            message: row.message.clone(),
            output: row.output.clone(),
            is_open: false,
            history: self.history_path(row),
            log: format!("{}?{query}", self.head.path),
            file: cases::at_bitbucket(&build.web_url, build.commit.as_str(), &row.file, row.line)
                .map(|url| (url, cases::place(&row.file, 0))),
        }
    }

    fn history_path(&self, row: &CaseRow) -> String {
        format!("{}/tests/{}", self.head.application_path, row.id)
    }

    pub(super) fn slow(&self, row: &CaseRow, all: &[CaseRow]) -> SlowCase {
        let past = self.history.past(row.id);
        let micros = u64::try_from(row.micros).unwrap_or(0);
        let longest = all.iter().map(|row| row.micros).max().unwrap_or(0).max(1);
        SlowCase {
            name: cases::title(&row.suite, &row.name),
            history: self.history_path(row),
            step: row.step_name.clone(),
            took: cases::took(micros),
            share: u64::try_from(i128::from(row.micros) * 100 / i128::from(longest)).unwrap_or(0),
            median: cases::against_median(&past, micros),
            bars: cases::bars(&past),
        }
    }

    pub(super) fn stats(
        &self,
        totals: &TestTotals,
        compared: Option<(i64, TestTotals)>,
        listed: &[CaseRow],
        is_overview: bool,
    ) -> Vec<Stat> {
        let against = |now: u64, then: fn(&TestTotals) -> u64| {
            compared
                .as_ref()
                .map_or_else(String::new, |(number, before)| {
                    let before = then(before);
                    match now.cmp(&before) {
                        std::cmp::Ordering::Equal => format!("as in #{number}"),
                        std::cmp::Ordering::Greater => {
                            format!("{} more than in #{number}", now - before)
                        }
                        std::cmp::Ordering::Less => {
                            format!("{} fewer than in #{number}", before - now)
                        }
                    }
                })
        };
        let new = listed
            .iter()
            .filter(|row| cases::since(&self.history.past(row.id)).as_deref() == Some("new"))
            .count();
        let failed = if is_overview && new > 0 {
            format!("{new} new")
        } else {
            against(totals.failures(), TestTotals::failures)
        };
        let time = compared
            .as_ref()
            .map_or_else(String::new, |(number, before)| {
                let difference = cases::took(totals.micros.abs_diff(before.micros));
                let word = if totals.micros < before.micros {
                    "less"
                } else {
                    "more"
                };
                format!("{difference} {word} than in #{number}")
            });
        let stat = |name, value, class, note| Stat {
            name,
            value,
            class,
            note,
        };
        let marked = |number: u64, class| if number > 0 { class } else { "" };
        let flaky = self.flaky.len() as u64;
        vec![
            stat(
                "Tests",
                totals.all().to_string(),
                "",
                against(totals.all(), TestTotals::all),
            ),
            stat(
                "Failed",
                totals.failures().to_string(),
                marked(totals.failures(), "bad"),
                failed,
            ),
            stat(
                "Flaky",
                flaky.to_string(),
                marked(flaky, "wait"),
                if flaky > 0 {
                    "failed and passed on this commit".to_owned()
                } else {
                    String::new()
                },
            ),
            stat(
                "Skipped",
                totals.skipped.to_string(),
                "",
                against(totals.skipped, |totals| totals.skipped),
            ),
            stat("Time in tests", cases::took(totals.micros), "", time),
        ]
    }

    pub(super) fn chips(
        &self,
        narrowed: &Narrowed,
        steps: &[StepTests],
        totals: &TestTotals,
    ) -> Vec<Chip> {
        let chip = |label: &str, count: Option<u64>, target: Narrowed| Chip {
            label: label.to_owned(),
            count,
            query: target.query(None),
            is_current: (target.show, target.step) == (narrowed.show, narrowed.step)
                && (narrowed.q.is_empty() || !target.is_empty()),
        };
        let of = |show| Narrowed {
            show,
            ..Narrowed::default()
        };
        let mut chips = vec![chip("Overview", None, of(""))];
        for (label, show, count) in [
            ("All", "all", totals.all()),
            ("Failed", "failed", totals.failures()),
            ("Flaky", "flaky", self.flaky.len() as u64),
            ("Skipped", "skipped", totals.skipped),
        ] {
            if count > 0 {
                chips.push(chip(label, Some(count), of(show)));
            }
        }
        if steps.len() > 1 {
            for said in steps {
                let step = self
                    .looked
                    .steps
                    .iter()
                    .find(|step| step.position == said.step);
                let target = Narrowed {
                    step: Some(said.step + 1),
                    ..Narrowed::default()
                };
                chips.push(chip(step.map_or("", |step| &step.name), None, target));
            }
        }
        chips
    }
}
