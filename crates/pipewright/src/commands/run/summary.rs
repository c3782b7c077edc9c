//! The end of a run: a table of the steps with their times, or one JSON object.

use std::io;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::display::{Display, duration, outcome_words};
use super::result::{BuildEnd, Ending};
use super::steps::Chosen;
use super::tests_said as tests;
use super::workspace::Workspaces;
use crate::commands::shown::shown;

const BOLD: Style = Style::new().bold();
const NAME_WIDTH: usize = 40;

/// Writes the table and the last line.
pub(super) fn write(display: &mut Display, end: &BuildEnd, chosen: &Chosen) -> io::Result<()> {
    let out = display.lines()?;
    let names: Vec<String> = chosen
        .plan
        .steps()
        .map(|step| shown(&step.name, NAME_WIDTH))
        .collect();
    let widest = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    writeln!(out)?;
    for ((name, place), result) in names.iter().zip(&chosen.places).zip(&end.steps) {
        let (style, words) = outcome_words(result);
        let time = result.elapsed.map(duration).unwrap_or_default();
        writeln!(
            out,
            "{:>3}  {name:widest$}  {time:>12}  {style}{words}{style:#}",
            place.number
        )?;
    }
    tests::write(out, end)?;
    let (style, words) = verdict(end);
    // The table's colours say what ran; the verdict says what it did not run with.
    let without = end
        .qualification()
        .map_or_else(String::new, |without| format!(", {}", shown(&without, 200)));
    writeln!(
        out,
        "{BOLD}{style}{words}{without}{style:#}{BOLD:#} · {} · {}",
        shown(&chosen.plan.pipeline, 80),
        duration(end.elapsed)
    )?;
    out.flush()
}

fn verdict(end: &BuildEnd) -> (Style, &'static str) {
    let (colour, words) = match end.ending() {
        Ending::Passed => (AnsiColor::Green, "Passed"),
        Ending::Waiting => (AnsiColor::Yellow, "Waiting, passed up to a manual step"),
        Ending::Stopped => (AnsiColor::Yellow, "Stopped"),
        Ending::Errored => (AnsiColor::Red, "Could not be run"),
        Ending::Failed => (AnsiColor::Red, "Failed"),
    };
    (colour.on_default(), words)
}

/// The same for programs. Times are seconds.
pub(super) fn as_json(
    end: &BuildEnd,
    chosen: &Chosen,
    workspaces: &Workspaces,
) -> serde_json::Result<String> {
    let steps =
        chosen
            .plan
            .steps()
            .zip(&chosen.places)
            .zip(&end.steps)
            .map(|((step, place), result)| {
                json!({
                    "number": place.number,
                    "name": step.name,
                    "outcome": result.word(),
                    "exit_code": result.exit_code,
                    "attempts": result.attempts,
                    "seconds": result.elapsed.map(|elapsed| elapsed.as_secs_f64()),
                    "message": result.message,
                    "qualification": result.qualification,
                    "tests": result.tests.as_deref().map(tests::of_step),
                })
            });
    let object = json!({
        "pipeline": chosen.plan.pipeline,
        "commit": workspaces.commit(),
        "merged": workspaces.merged().map(|merge| &merge.commit),
        "outcome": end.ending().word(),
        "qualification": end.qualification(),
        "tests": tests::of_run(end),
        "waits_at": end.waits_at.map(|step| chosen.places[step].number),
        "seconds": end.elapsed.as_secs_f64(),
        "exit_code": end.ending().exit_code(),
        "steps": steps.collect::<Value>(),
    });
    serde_json::to_string(&object)
}
