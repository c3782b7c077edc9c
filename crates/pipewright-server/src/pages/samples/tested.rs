//! The pages of tests, with ordinary and with hostile contexts.

use pipewright_core::wire::{TestTotals, UnreadReport};

use super::{PILL, head, text};
use crate::pages::builds::{
    CaseBars, CaseHistoryPage, CaseList, Chip, NarrowedTests, ShownCase, ShownResult, SlowCase,
    Stat, StepRow, Tab, TestsPage,
};
use crate::pages::samples::frame::{NOW, check, pages};
use crate::web::spark::Bar;

fn bars() -> CaseBars {
    CaseBars {
        bars: vec![Bar {
            x: 0,
            y: 0,
            height: 20,
            class: "bad",
            title: text(),
        }],
        label: text(),
    }
}

fn case(is_full: bool) -> ShownCase {
    ShownCase {
        name: text(),
        icon: "failed",
        word: "Failed",
        badge: is_full.then(|| ("bad", text())),
        place: text(),
        bars: if is_full { bars() } else { CaseBars::default() },
        took: text(),
        message: if is_full { text() } else { String::new() },
        output: if is_full { text() } else { String::new() },
        is_open: is_full,
        history: text(),
        log: text(),
        file: is_full.then(|| (text(), text())),
    }
}

#[test]
fn every_page_of_tests_renders() {
    for page in pages() {
        for full in [false, true] {
            let stat = Stat {
                name: "Tests",
                value: text(),
                class: if full { "bad" } else { "" },
                note: text(),
            };
            let unread = UnreadReport {
                path: text(),
                why: text(),
            };
            let chip = Chip {
                label: text(),
                count: full.then_some(3),
                query: if full { text() } else { String::new() },
                is_current: full,
            };
            let slow = SlowCase {
                name: text(),
                history: text(),
                step: text(),
                took: text(),
                share: 40,
                median: (if full { "wait" } else { "" }, text()),
                bars: bars(),
            };
            let list = |cases| CaseList {
                title: text(),
                count: text(),
                note: text(),
                cases,
            };
            let tests = TestsPage {
                page: page.clone(),
                head: head(&page, Tab::Tests, full),
                stats: vec![stat],
                source: text(),
                unread: vec![unread],
                unread_words: text(),
                unlisted: text(),
                chips: vec![chip],
                narrowed: NarrowedTests {
                    show: if full { "failed" } else { "" },
                    step: full.then_some(2),
                    q: if full { text() } else { String::new() },
                },
                bars_of: text(),
                lists: vec![list(vec![case(true), case(false)]), list(Vec::new())],
                slowest: vec![slow],
                slowest_words: text(),
                steps: vec![
                    StepRow {
                        name: text(),
                        totals: Some(TestTotals::default()),
                        took: text(),
                    },
                    StepRow {
                        name: text(),
                        totals: None,
                        took: String::new(),
                    },
                ],
                more: full.then(text),
                first: full.then(text),
            };
            check("tests", &tests);
            let nothing = TestsPage {
                stats: Vec::new(),
                ..tests
            };
            check("no tests", &nothing);
            let result = ShownResult {
                number: 412,
                path: text(),
                attempt: text(),
                pill: PILL,
                is_flaky: full,
                ref_name: text(),
                is_tag: full,
                commit: text(),
                took: text(),
                at: NOW,
                message: text(),
                output: text(),
            };
            let history = CaseHistoryPage {
                page: page.clone(),
                application: text(),
                application_path: "/harbor/applications/checkout".to_owned(),
                name: text(),
                place: text(),
                bars: bars(),
                summary: text(),
                results: if full { vec![result] } else { Vec::new() },
            };
            check("history of a test", &history);
        }
    }
}
