//! What the tests of a run said: totals and the first failures, as lines or as JSON.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use pipewright_core::wire::{TestCase, TestReport, TestTotals};
use serde_json::{Value, json};

use super::result::BuildEnd;
use crate::commands::shown::shown;

/// The most failures that are named in the text.
const NAMED: usize = 20;

/// The most characters of a test's name, and of what it says, in the text.
const NAME_WIDTH: usize = 100;
const MESSAGE_WIDTH: usize = 120;

const BAD: Style = AnsiColor::Red.on_default();

/// Writes the totals of all steps and the first failures; nothing where no step left a report.
pub(super) fn write(out: &mut dyn Write, end: &BuildEnd) -> io::Result<()> {
    let mut all = TestReport::default();
    let reports = || end.steps.iter().filter_map(|step| step.tests.as_deref());
    for report in reports() {
        all.totals.add(report.totals);
        all.files += report.files;
        all.unread_files += report.unread_files;
    }
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", pipewright_runner::test_reports::summary(&all))?;
    let mut named = 0;
    for case in reports().flat_map(failures).take(NAMED) {
        named += 1;
        let name = shown(&full_name(case), NAME_WIDTH);
        let says = shown(
            case.message.lines().next().unwrap_or_default(),
            MESSAGE_WIDTH,
        );
        let between = if says.is_empty() { "" } else { ": " };
        writeln!(out, "  {BAD}failed{BAD:#}  {name}{between}{says}")?;
    }
    let more = all.totals.failures().saturating_sub(named);
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    Ok(())
}

/// Those of a report that did not pass.
fn failures(report: &TestReport) -> impl Iterator<Item = &TestCase> {
    report.cases.iter().filter(|case| case.state.is_failure())
}

fn full_name(case: &TestCase) -> String {
    if case.suite.is_empty() || case.name.starts_with(&case.suite) {
        case.name.clone()
    } else {
        format!("{} {}", case.suite, case.name)
    }
}

fn totals(totals: &TestTotals) -> Value {
    json!({
        "total": totals.all(),
        "passed": totals.passed,
        "failed": totals.failed,
        "errored": totals.errored,
        "skipped": totals.skipped,
        "seconds": totals.micros as f64 / 1e6,
    })
}

/// What the tests of a step said, for programs. Times are seconds.
pub(super) fn of_step(report: &TestReport) -> Value {
    let mut said = totals(&report.totals);
    let failed = failures(report).map(|case| {
        json!({
            "suite": case.suite,
            "name": case.name,
            "file": case.file,
            "line": case.line,
            "state": case.state.as_str(),
            "seconds": case.micros as f64 / 1e6,
            "message": case.message,
        })
    });
    said["files"] = json!(report.files);
    said["failures"] = failed.collect();
    said["unread"] = json!(report.unread);
    said
}

/// The same of all steps together, without the failures; null where no step left a report.
pub(super) fn of_run(end: &BuildEnd) -> Value {
    let mut reports = end
        .steps
        .iter()
        .filter_map(|step| step.tests.as_deref())
        .peekable();
    if reports.peek().is_none() {
        return Value::Null;
    }
    let mut all = TestTotals::default();
    for report in reports {
        all.add(report.totals);
    }
    totals(&all)
}
