//! A JUnit report → its cases. There is no one format: what Surefire, pytest, jest, go-junit-report, nextest, PHPUnit and others
//! write is read alike.
//!
//! A report comes from a script and is read as hostile. Nothing is fetched or expanded (a document type is refused, entities other
//! than XML's own five stay as they are written), what is nested too deeply or has too many cases is refused, and of a text only
//! its beginning is kept.

use pipewright_core::wire::{TestCase, TestState};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::decode::text;

/// How deep elements may stand in one another.
const DEEPEST: usize = 64;

/// The most cases of one file.
const MOST_CASES: usize = 100_000;

/// The most attributes of an element that are looked at.
const MOST_ATTRIBUTES: usize = 64;

/// How much of one text is kept to be masked and cut, in bytes: much more than is stored, because a mask makes it shorter.
pub(super) const CAPTURED: usize = 64 << 10;

/// The longest time of one case that is believed, in seconds: thirty days.
const LONGEST: f64 = 2_592_000.0;

/// What a case without a name is called.
const NAMELESS: &str = "(no name)";

/// Why a file is not read. Each is a fragment that follows the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Some other XML.
    #[error("is no JUnit report: its root is <{0}>")]
    Other(String),
    /// No XML.
    #[error("is no JUnit report: it is not XML")]
    NoXml,
    /// Cut off.
    #[error("ends in line {line} inside <{element}>")]
    CutOff {
        /// The last line.
        line: usize,
        /// What is open there.
        element: String,
    },
    /// Broken.
    #[error("is not well-formed XML in line {line}: {what}")]
    Broken {
        /// Where.
        line: usize,
        /// What the parser says of it.
        what: String,
    },
    /// It could refer to files, or grow when it is read.
    #[error("has a document type (<!DOCTYPE>), which is not accepted")]
    DocumentType,
    /// Deeper than any real report.
    #[error("is nested more than {DEEPEST} elements deep")]
    TooDeep,
    /// More than any real report.
    #[error("has more than {MOST_CASES} tests")]
    TooMany,
}

/// Reads a report.
pub fn parse(bytes: &[u8]) -> Result<Vec<TestCase>, NotRead> {
    let text = text(bytes);
    let text = text.trim_start();
    if text.is_empty() {
        return Err(NotRead::Empty);
    }
    if !text.starts_with('<') {
        return Err(NotRead::NoXml);
    }
    let mut reader = Reader::from_str(text);
    // A shell that writes XML forgets to escape it.
    reader.config_mut().allow_dangling_amp = true;
    let mut reading = Reading::default();
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let line = line_at(text, reader.error_position());
                // What is open at the end is said better than what the parser missed there.
                return Err(match reading.open() {
                    Some(element) if is_cut_off(&error) => NotRead::CutOff { line, element },
                    _ => NotRead::Broken {
                        line,
                        what: error.to_string(),
                    },
                });
            }
        };
        match event {
            Event::Start(start) => reading.begin(&start)?,
            Event::Empty(start) => {
                reading.begin(&start)?;
                reading.end()?;
            }
            Event::End(_) => reading.end()?,
            Event::Text(piece) => {
                if let Ok(piece) = piece.decode() {
                    reading.take(&piece);
                }
            }
            Event::CData(piece) => {
                if let Ok(piece) = piece.decode() {
                    reading.take(&piece);
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap_or_default();
                match reference.resolve_char_ref() {
                    Ok(Some(character)) => reading.take(character.encode_utf8(&mut [0; 4])),
                    _ => match resolve_predefined_entity(&name) {
                        Some(meant) => reading.take(meant),
                        None => reading.take(&format!("&{name};")),
                    },
                }
            }
            Event::DocType(_) => return Err(NotRead::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match reading.open() {
        Some(element) => Err(NotRead::CutOff {
            line: text.lines().count(),
            element,
        }),
        None if !reading.has_root => Err(NotRead::NoXml),
        None => Ok(reading.cases),
    }
}

fn is_cut_off(error: &quick_xml::Error) -> bool {
    matches!(error, quick_xml::Error::Syntax(_))
}

/// The line of a place in the text, from 1.
fn line_at(text: &str, place: u64) -> usize {
    let place = text.floor_char_boundary(usize::try_from(place).unwrap_or(usize::MAX));
    1 + text[..place].matches('\n').count()
}

/// What an open element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Suites,
    Suite,
    Case,
    /// An element of a case, or a suite, that says that it failed.
    Problem,
    /// What a case printed.
    Output,
    /// Nothing that we read; what is in it may belong to what it stands in.
    Other,
    /// Nothing that we read, nor is anything in it.
    Ignored,
}

/// Which text the characters of an element belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belongs {
    Nowhere,
    Problem,
    Output,
}

#[derive(Debug)]
struct Open {
    name: String,
    kind: Kind,
    belongs: Belongs,
    /// Whether a case ends with it.
    ends_case: bool,
}

/// A suite that is open.
#[derive(Debug, Default)]
struct Suite {
    name: String,
    file: Option<String>,
}

/// A case that is open.
#[derive(Debug)]
struct Case {
    case: TestCase,
    /// What its problems say.
    problem: String,
    /// What it printed.
    output: String,
}

#[derive(Debug, Default)]
struct Reading {
    open: Vec<Open>,
    suites: Vec<Suite>,
    case: Option<Case>,
    cases: Vec<TestCase>,
    has_root: bool,
}

impl Reading {
    /// The name of the innermost open element.
    fn open(&self) -> Option<String> {
        self.open.last().map(|open| open.name.clone())
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), NotRead> {
        if self.open.len() >= DEEPEST {
            return Err(NotRead::TooDeep);
        }
        let local = start.local_name();
        let name = String::from_utf8_lossy(&local.as_ref()[..local.as_ref().len().min(100)]);
        let name = name.into_owned();
        let parent = self.open.last().map(|open| (open.kind, open.belongs));
        let nothing = (Kind::Other, Belongs::Nowhere);
        let mut ends_case = false;
        let (kind, belongs) = match (parent, name.as_str()) {
            (None, "testsuites") => (Kind::Suites, Belongs::Nowhere),
            (None | Some((Kind::Suites | Kind::Suite, _)), "testsuite") => {
                self.suites.push(Suite {
                    name: attribute(start, &["name"]).unwrap_or_default(),
                    file: attribute(start, &["file"]),
                });
                (Kind::Suite, Belongs::Nowhere)
            }
            (None, _) => return Err(NotRead::Other(name)),
            (Some((Kind::Suites | Kind::Suite, _)), "testcase") => {
                self.begin_case(Some(start));
                ends_case = true;
                (Kind::Case, Belongs::Nowhere)
            }
            // A suite that broke before its first case.
            (Some((Kind::Suite, _)), "failure" | "error") => {
                self.begin_case(None);
                ends_case = true;
                self.problem(start, &name);
                (Kind::Problem, Belongs::Problem)
            }
            (Some((Kind::Case, _)), "failure" | "error" | "flakyFailure" | "flakyError") => {
                self.problem(start, &name);
                (Kind::Problem, Belongs::Problem)
            }
            (Some((Kind::Case, _)), "skipped" | "ignored" | "disabled") => {
                self.skipped(start);
                (Kind::Problem, Belongs::Problem)
            }
            (Some((Kind::Case, _)), "system-out" | "system-err") => {
                if let Some(case) = &mut self.case
                    && !case.output.is_empty()
                {
                    append(&mut case.output, "\n");
                }
                (Kind::Output, Belongs::Output)
            }
            (Some((Kind::Case, _)), "rerunFailure" | "rerunError") => {
                (Kind::Ignored, Belongs::Nowhere)
            }
            (Some((Kind::Ignored, _)), _) => (Kind::Ignored, Belongs::Nowhere),
            // `stackTrace` in a `flakyFailure`.
            (Some((Kind::Problem, belongs)), "stackTrace") => (Kind::Other, belongs),
            (Some(_), _) => nothing,
        };
        self.has_root = true;
        self.open.push(Open {
            name,
            kind,
            belongs,
            ends_case,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), NotRead> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        if open.kind == Kind::Suite {
            self.suites.pop();
        }
        if open.ends_case
            && let Some(case) = self.case.take()
        {
            if self.cases.len() >= MOST_CASES {
                return Err(NotRead::TooMany);
            }
            self.cases.push(case.finished());
        }
        Ok(())
    }

    /// Takes characters.
    fn take(&mut self, piece: &str) {
        let (Some(open), Some(case)) = (self.open.last(), &mut self.case) else {
            return;
        };
        match open.belongs {
            Belongs::Nowhere => {}
            Belongs::Problem => append(&mut case.problem, piece),
            Belongs::Output => append(&mut case.output, piece),
        }
    }

    /// Begins a case; one that stands for its suite where no element is its own.
    fn begin_case(&mut self, start: Option<&BytesStart<'_>>) {
        let suite = self.suites.last();
        let of_suite = suite.map(|suite| suite.name.clone()).unwrap_or_default();
        let own = |names: &[&str]| start.and_then(|start| attribute(start, names));
        let state = match own(&["status", "result"]).as_deref() {
            // GoogleTest and others say it so.
            Some("notrun" | "disabled" | "skipped" | "suppressed" | "pending") => {
                TestState::Skipped
            }
            _ => TestState::Passed,
        };
        let name = match start {
            Some(_) => own(&["name"]).unwrap_or_default(),
            None => of_suite.clone(),
        };
        self.case = Some(Case {
            case: TestCase {
                suite: own(&["classname", "class"]).unwrap_or(of_suite),
                name: if name.is_empty() {
                    NAMELESS.to_owned()
                } else {
                    name
                },
                file: own(&["file"]).or_else(|| suite.and_then(|suite| suite.file.clone())),
                line: own(&["line"])
                    .and_then(|line| line.trim().parse().ok())
                    .filter(|line| *line > 0),
                state,
                is_flaky: false,
                micros: own(&["time"]).map_or(0, |time| micros(&time)),
                message: String::new(),
                output: String::new(),
            },
            problem: String::new(),
            output: String::new(),
        });
    }

    fn problem(&mut self, start: &BytesStart<'_>, name: &str) {
        let Some(Case { case, problem, .. }) = &mut self.case else {
            return;
        };
        match name {
            "failure" if case.state != TestState::Errored => case.state = TestState::Failed,
            "error" => case.state = TestState::Errored,
            "flakyFailure" | "flakyError" => case.is_flaky = true,
            _ => {}
        }
        if !problem.is_empty() {
            append(problem, "\n");
        }
        if case.message.is_empty() {
            case.message = attribute(start, &["message"])
                .or_else(|| attribute(start, &["type"]))
                .unwrap_or_default();
        }
    }

    fn skipped(&mut self, start: &BytesStart<'_>) {
        if let Some(Case { case, .. }) = &mut self.case {
            // What failed as well is a failure.
            if !case.state.is_failure() {
                case.state = TestState::Skipped;
            }
            if case.message.is_empty() {
                case.message = attribute(start, &["message"]).unwrap_or_default();
            }
        }
    }
}

impl Case {
    fn finished(self) -> TestCase {
        let Self {
            mut case,
            problem,
            output,
        } = self;
        let (problem, output) = (problem.trim_matches('\n').trim_end(), output.trim());
        if case.message.trim().is_empty() {
            case.message = problem
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or_default()
                .to_owned();
        }
        if case.state.is_failure() || case.is_flaky {
            // Where the first is cut, nothing follows it: what is cut ends the text.
            let output = if is_cut(problem) { "" } else { output };
            case.output = [problem, output]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n\n");
        }
        case
    }
}

/// The first of these attributes that is there and not empty; at most [`CAPTURED`] of it.
fn attribute(start: &BytesStart<'_>, names: &[&str]) -> Option<String> {
    let mut found: Option<(usize, String)> = None;
    // A second attribute of one name is no reason to refuse a file, and looking for it costs.
    let mut attributes = start.attributes();
    for attribute in attributes
        .with_checks(false)
        .flatten()
        .take(MOST_ATTRIBUTES)
    {
        let key = attribute.key.local_name();
        let Some(rank) = names
            .iter()
            .position(|name| name.as_bytes() == key.as_ref())
        else {
            continue;
        };
        if found.as_ref().is_some_and(|(known, _)| *known <= rank) {
            continue;
        }
        let written = String::from_utf8_lossy(&attribute.value);
        let mut value = String::new();
        append(
            &mut value,
            unescape(&written).as_deref().unwrap_or(&written),
        );
        if !value.trim().is_empty() {
            found = Some((rank, value));
        }
    }
    found.map(|(_, value)| value)
}

/// Appends what there is room for.
fn append(text: &mut String, piece: &str) {
    let room = CAPTURED.saturating_sub(text.len());
    text.push_str(&piece[..piece.floor_char_boundary(room)]);
}

/// True where something of the text may be missing at its end.
pub(super) const fn is_cut(text: &str) -> bool {
    text.len() + char::MAX_LEN_UTF8 > CAPTURED
}

/// Seconds, as `0.25`, or with marks between thousands as Surefire writes them, → microseconds.
fn micros(time: &str) -> u64 {
    let seconds: f64 = time.trim().replace(',', "").parse().unwrap_or(0.0);
    if seconds.is_finite() && seconds > 0.0 {
        (seconds.min(LONGEST) * 1e6).round() as u64
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
