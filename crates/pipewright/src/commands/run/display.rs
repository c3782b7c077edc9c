//! What a person sees of a run: a line when a step begins, its output as it comes, a line when it ends.
//!
//! The text is the same with and without a terminal; the stream underneath leaves colours out where there is none. Steps
//! that run together have their name in front of each line, and are shown by whole lines.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use pipewright_core::build::{AttemptOutcome, StepOutcome, StepState};

use super::result::{HeldBack, StepResult};
use super::steps::Chosen;
use crate::commands::shown::shown;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WAIT: Style = AnsiColor::Yellow.on_default();

/// Names in front of lines, one colour a step.
const LANES: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Yellow,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
];

/// The mark before a command's text in a log.
const COMMAND: u8 = 0x1d;

/// A longer line of a step that runs beside others is shown in pieces.
const LINE_LIMIT: usize = 64 << 10;

/// Longer names are cut.
const NAME_WIDTH: usize = 60;
const LANE_WIDTH: usize = 24;

/// Longer reasons are cut.
const MESSAGE_WIDTH: usize = 400;

/// A stream that may go away, as a pipe to `head` does: from then on what is written is dropped.
struct Stream {
    out: Box<dyn Write + Send>,
    is_gone: bool,
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_gone && self.out.write_all(bytes).is_err() {
            self.is_gone = true;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.is_gone && self.out.flush().is_err() {
            self.is_gone = true;
        }
        Ok(())
    }
}

/// Writes the progress of a run.
pub(super) struct Display {
    out: Stream,
    steps: Vec<Shown>,
    total: usize,
    /// The last byte written ended a line.
    at_line_start: bool,
    /// Inside the first line of a command's text.
    in_command: bool,
}

/// A step as it is shown.
struct Shown {
    number: usize,
    name: String,
    /// In front of every line, where others may run beside it.
    lane: Option<(Style, String)>,
    /// A line that is not whole yet.
    pending: Vec<u8>,
}

impl Display {
    /// Writes to `out`. A step whose group runs several at a time gets its name in front of its lines.
    pub(super) fn new(out: Box<dyn Write + Send>, chosen: &Chosen, at_once: usize) -> Self {
        let together = chosen.plan.groups.iter().flat_map(|group| {
            let beside = matches!(
                group.kind,
                pipewright_core::plan::GroupKind::Parallel { .. }
            ) && group.steps.len() > 1
                && at_once > 1;
            group.steps.iter().map(move |step| (step, beside))
        });
        let steps =
            together
                .zip(&chosen.places)
                .enumerate()
                .map(|(index, ((step, beside), place))| {
                    let lane = beside.then(|| {
                        (
                            LANES[index % LANES.len()].on_default(),
                            shown(&step.name, LANE_WIDTH),
                        )
                    });
                    Shown {
                        number: place.number,
                        name: shown(&step.name, NAME_WIDTH),
                        lane,
                        pending: Vec::new(),
                    }
                });
        Self {
            steps: steps.collect(),
            out: Stream {
                out,
                is_gone: false,
            },
            total: chosen.total,
            at_line_start: true,
            in_command: false,
        }
    }

    /// True once nobody reads any more.
    pub(super) const fn is_gone(&self) -> bool {
        self.out.is_gone
    }

    /// What runs, and why that.
    pub(super) fn headline(&mut self, what: &str, reason: &str) -> io::Result<()> {
        writeln!(
            self.out,
            "{BOLD}{what}{BOLD:#}\n{DIM}because {reason}{DIM:#}"
        )
    }

    /// A step begins.
    pub(super) fn begins(&mut self, step: usize, attempt: u32) -> io::Result<()> {
        let words = if attempt > 1 {
            format!("running again, attempt {attempt}")
        } else {
            "running".to_owned()
        };
        self.state_line(step, Style::new(), &words)
    }

    /// A step printed this.
    pub(super) fn output(&mut self, step: usize, bytes: &[u8]) -> io::Result<()> {
        let shown = &mut self.steps[step];
        if shown.lane.is_none() {
            self.write_raw(bytes)?;
            return self.out.flush();
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.steps[step].pending.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            self.lane_line(step)?;
        }
        self.steps[step].pending.extend_from_slice(rest);
        if self.steps[step].pending.len() > LINE_LIMIT {
            self.lane_line(step)?;
        }
        self.out.flush()
    }

    /// An attempt ended.
    pub(super) fn ended(&mut self, step: usize, result: &StepResult) -> io::Result<()> {
        if !self.steps[step].pending.is_empty() {
            self.lane_line(step)?;
        }
        let (style, mut words) = outcome_words(result);
        if !result.state.is_finished() {
            words.push_str(", is tried again");
        }
        if let Some(elapsed) = result.elapsed {
            words.push_str(" · ");
            words.push_str(&duration(elapsed));
        }
        // The log of an attempt says what happened; where there was none, only this does.
        if let (None, Some(message)) = (result.outcome, &result.message) {
            words = shown(message, MESSAGE_WIDTH);
        }
        self.state_line(step, style, &words)
    }

    /// The build stops before this manual step.
    pub(super) fn waits(&mut self, step: usize) -> io::Result<()> {
        let number = self.steps[step].number;
        self.state_line(
            step,
            WAIT,
            &format!("is manual and waits; run it with --yes or --from {number}"),
        )
    }

    /// A line of our own.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        self.end_line()?;
        writeln!(self.out, "{WAIT}{text}{WAIT:#}")?;
        self.out.flush()
    }

    /// The writer, at the beginning of a line.
    pub(super) fn lines(&mut self) -> io::Result<&mut dyn Write> {
        self.end_line()?;
        Ok(&mut self.out)
    }

    fn state_line(&mut self, step: usize, style: Style, words: &str) -> io::Result<()> {
        self.end_line()?;
        let Shown { number, name, .. } = &self.steps[step];
        writeln!(
            self.out,
            "{BOLD}── {number}/{} {name}{BOLD:#} · {style}{words}{style:#}",
            self.total
        )?;
        self.out.flush()
    }

    fn lane_line(&mut self, step: usize) -> io::Result<()> {
        let pending = std::mem::take(&mut self.steps[step].pending);
        let line = pending.strip_suffix(b"\r").unwrap_or(&pending);
        // A progress bar draws over itself; what it drew last is what is left of it.
        let line = line
            .rsplit(|byte| *byte == b'\r')
            .next()
            .unwrap_or_default();
        if line.is_empty() {
            return Ok(());
        }
        self.end_line()?;
        if let Some((style, name)) = &self.steps[step].lane {
            write!(self.out, "{style}{name}{style:#} | ")?;
        }
        self.write_raw(line)?;
        self.end_line()
    }

    /// Writes output as it is, but the mark of a command, which becomes bold type.
    fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| matches!(*byte, b'\n' | COMMAND)) {
            let text = piece.strip_suffix(&[COMMAND]).unwrap_or(piece);
            let (line, ended) = text
                .strip_suffix(b"\n")
                .map_or((text, false), |line| (line, true));
            self.out.write_all(line)?;
            if ended {
                if std::mem::take(&mut self.in_command) {
                    write!(self.out, "{BOLD:#}")?;
                }
                self.out.write_all(b"\n")?;
            }
            if !text.is_empty() {
                self.at_line_start = ended;
            }
            if text.len() < piece.len() && self.at_line_start {
                write!(self.out, "{BOLD}")?;
                self.in_command = true;
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.in_command) {
            write!(self.out, "{BOLD:#}")?;
        }
        if !std::mem::replace(&mut self.at_line_start, true) {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// How the last attempt of a step ended, or why there was none.
pub(super) fn outcome_words(result: &StepResult) -> (Style, String) {
    if result.held_back == Some(HeldBack::ForAPerson) {
        return (WAIT, "waiting for a person".to_owned());
    }
    let words = match (result.state, result.outcome, result.exit_code) {
        // The script passed, and what it left did not.
        (_, Some(AttemptOutcome::Failed), Some(0)) => "failed".to_owned(),
        (_, Some(AttemptOutcome::Failed), Some(code)) => format!("failed with exit code {code}"),
        (_, Some(AttemptOutcome::TimedOut), _) => "ran out of time".to_owned(),
        (_, Some(AttemptOutcome::Errored), _) => "could not be run".to_owned(),
        (
            _,
            Some(AttemptOutcome::Stopped | AttemptOutcome::Lost | AttemptOutcome::Interrupted),
            _,
        ) => "stopped".to_owned(),
        (_, Some(outcome), _) => outcome.as_str().to_owned(),
        (StepState::Finished(StepOutcome::NotRun | StepOutcome::Stopped), None, _) => {
            "not run".to_owned()
        }
        (state, None, _) => state.as_str().to_owned(),
    };
    match result.state {
        StepState::Finished(StepOutcome::Passed) => (GOOD, words),
        StepState::Finished(StepOutcome::FailedIgnored) => {
            (WAIT, format!("{words}, which is ignored"))
        }
        StepState::Finished(StepOutcome::Failed | StepOutcome::Errored) => (BAD, words),
        StepState::Finished(StepOutcome::Skipped | StepOutcome::NotRun) => (DIM, words),
        _ => (WAIT, words),
    }
}

/// `0.4 s`, `12 s`, `3 min 20 s`.
pub(super) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use pipewright_spec::{Planned, Trigger, parse};

    use super::{Display, duration};
    use crate::commands::run::steps::choose;

    /// What was written, to look at.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        /// Everything so far, bold type as `<…>` and other styles left out.
        fn text(&self) -> String {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let marked = String::from_utf8_lossy(&bytes)
                .replace("\u{1b}[1m", "<")
                .replace("\u{1b}[0m", ">");
            anstream::adapter::strip_str(&marked).to_string()
        }
    }

    fn display(paper: &Paper, at_once: usize) -> Display {
        let text = "pipelines: {default: [{step: {name: one, script: [a]}}, {parallel: [{step: {name: left, script: [a]}}, {step: {name: right, script: [a]}}]}]}";
        let file = parse("f", text.as_bytes()).pipeline_file.expect("a file");
        let Planned::Plan(plan, _) = file.plan(&Trigger::Branch {
            name: "main".to_owned(),
        }) else {
            panic!("a plan")
        };
        Display::new(
            Box::new(paper.clone()),
            &choose(*plan, None, None).expect("all"),
            at_once,
        )
    }

    #[test]
    fn output_comes_as_it_is_and_commands_stand_out() -> io::Result<()> {
        let paper = Paper::default();
        let mut display = display(&paper, 2);
        display.output(0, b"\x1d+ ls\nfile\npass")?;
        assert_eq!(
            paper.text(),
            "<+ ls>\nfile\npass",
            "a prompt is seen at once"
        );
        display.output(0, b"word: \x1d\n\x1d+ two")?;
        display.note("Stopping")?;
        assert_eq!(
            paper.text(),
            "<+ ls>\nfile\npassword: \n<+ two>\nStopping>\n"
        );
        Ok(())
    }

    #[test]
    fn steps_side_by_side_are_shown_by_whole_lines() -> io::Result<()> {
        let paper = Paper::default();
        let mut beside = display(&paper, 2);
        beside.output(1, b"be")?;
        beside.output(2, b"10%\r50%\r100%\n\nrest")?;
        beside.output(1, b"gun\r\n")?;
        assert_eq!(paper.text(), "right> | 100%\nleft> | begun\n");
        let alone = Paper::default();
        display(&alone, 1).output(1, b"be")?;
        assert_eq!(alone.text(), "be");
        Ok(())
    }

    #[test]
    fn times_are_as_exact_as_people_want_them() {
        let said = [430, 12_800, 200_000].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(said, ["0.4 s", "12 s", "3 min 20 s"]);
    }
}
