//! `pipewright plan [FILE]`: what would run for a branch, a tag, a pull request or a name, and why that.
//!
//! Nothing is run. Of the repository its file and its branch are read, and where a step has a condition what that asks
//! for. Problems are talk and go to standard error; the plan is data. The exit codes are promised: see [`EXIT_CODES`].

mod conditions;
mod tree;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use pipewright_core::Plan;
use pipewright_spec::plan::{NotChosen, Selection};
use pipewright_spec::{
    Capabilities, Diagnostic, FileText, Parsed, PipelineFile, Planned, Trigger, Values, parse,
    render_coloured_of, render_text_of,
};
use serde::Serialize;

use super::checkout;
use super::files::{self, FILE_NAME};
use super::imports::{self, Brought, Imports};
use super::output::{print, say};
use super::which::Which;
use conditions::Expected;

/// What `--help` says of the exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  this would run
  1  the file cannot run, or needs what the executor does not support
  2  the file cannot be read, or the command line is wrong
  3  nothing would run
  4  this would run, but on the executor named without an image that it declares";

/// What `--help` says of how it is used.
const EXAMPLES: &str = "\
Examples:
  pipewright plan                          what a push of the branch checked out would run
  pipewright plan --branch release/1.2     the same of another branch
  pipewright plan --custom deploy          a custom pipeline
  pipewright plan --json | jq .plan        for programs";

/// Arguments of `pipewright plan`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXIT_CODES}\n\n{EXAMPLES}"))]
pub(crate) struct PlanCommand {
    /// The pipeline file, - for standard input. Without it, the one of the checkout you stand in.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// Say what this executor does not support.
    #[arg(long, value_enum)]
    executor: Option<ExecutorName>,
    #[command(flatten)]
    imports: Imports,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The executors that can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExecutorName {
    /// Scripts run directly on the runner's machine, as `pipewright run` and the server do without a container engine.
    Host,
    /// Scripts run in containers, where the machine has an engine.
    Engine,
}

impl ExecutorName {
    pub(super) fn capabilities(self) -> Capabilities {
        match self {
            Self::Host => Capabilities::host(),
            Self::Engine => Capabilities::engine(false),
        }
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    file: &'a str,
    trigger: &'a Trigger,
    /// True where the plan could be run as it is.
    runs: bool,
    /// What the executor that was named does without and every result of it would have to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    qualification: Option<String>,
    #[serde(flatten)]
    selection: Option<&'a Selection>,
    /// Why nothing runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    nothing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a Plan>,
    /// What the conditions of its steps and stages come to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Expected>,
    /// The file's other pipelines, and why each does not run.
    others: Vec<NotChosen>,
    diagnostics: Vec<Diagnostic>,
}

impl PlanCommand {
    /// Plans and draws.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        self.answer().or_else(|error| {
            say(&format!("pipewright plan: {error:#}\n"))?;
            Ok(ExitCode::from(2))
        })
    }

    fn answer(&self) -> anyhow::Result<ExitCode> {
        let (name, bytes, directory) = self.read()?;
        let trigger = match self.which.trigger()? {
            Some(trigger) => trigger,
            None => Trigger::Branch {
                name: branch_checked_out(&directory)?,
            },
        };
        let Parsed {
            mut pipeline_file,
            diagnostics,
            source,
            ..
        } = parse(&name, &bytes);
        let (mut planned, brought) = match &mut pipeline_file {
            None => (Planned::Invalid(diagnostics), Brought::default()),
            Some(file) => self.planned(file, &trigger, &directory),
        };
        let mut answer = Answer {
            file: &name,
            trigger: &trigger,
            runs: false,
            qualification: None,
            selection: None,
            nothing: None,
            plan: None,
            conditions: Vec::new(),
            others: pipeline_file
                .as_ref()
                .map(|file| file.not_chosen(&trigger))
                .unwrap_or_default(),
            diagnostics: Vec::new(),
        };
        let selection = pipeline_file
            .as_ref()
            .and_then(|file| file.selection(&trigger).ok());
        let code = match &mut planned {
            Planned::Plan(plan, warnings) => {
                answer.conditions = conditions::of(plan, &trigger, &directory)?;
                answer.diagnostics.clone_from(warnings);
                let lacking = self.hold(pipeline_file.as_ref(), &trigger, plan);
                answer.runs = !lacking.iter().any(Diagnostic::is_fatal);
                for problem in lacking {
                    if !answer.diagnostics.contains(&problem) {
                        answer.diagnostics.push(problem);
                    }
                }
                answer.qualification = plan.qualification();
                (answer.selection, answer.plan) = (selection.as_ref(), Some(&**plan));
                match (answer.runs, &answer.qualification) {
                    (false, _) => 1,
                    (true, None) => 0,
                    (true, Some(_)) => 4,
                }
            }
            Planned::Nothing { reason } => {
                answer.nothing = Some(reason);
                3
            }
            Planned::Needs(needed) => {
                answer.selection = selection.as_ref();
                answer.diagnostics = vec![imports::unnamed(needed)];
                1
            }
            Planned::Invalid(problems) | Planned::Unsupported(problems) => {
                answer.selection = selection.as_ref();
                answer.diagnostics.clone_from(problems);
                1
            }
        };
        let mut text = Vec::new();
        if self.json {
            writeln!(text, "{}", serde_json::to_string(&answer)?)?;
        } else {
            tree::draw(&mut text, &answer)?;
        }
        print(&text)?;
        if !self.json {
            talk(&answer, &source, &brought)?;
        }
        Ok(ExitCode::from(code))
    }

    /// The file's name, its bytes, and the directory whose branch counts.
    fn read(&self) -> anyhow::Result<(String, Vec<u8>, PathBuf)> {
        let here = PathBuf::from(".");
        let path = match &self.file {
            Some(path) => path.clone(),
            None if here.join(FILE_NAME).exists() => PathBuf::from(FILE_NAME),
            None => match checkout::top_of(&here)? {
                Some(top) if top.join(FILE_NAME).exists() => top.join(FILE_NAME),
                _ => bail!(
                    "there is no {FILE_NAME} here; name the file, or change to a checkout that has one"
                ),
            },
        };
        let mut sources = files::expand(&path);
        if sources.len() > 1 {
            bail!(
                "{} holds {} pipeline files; name one",
                path.display(),
                sources.len()
            );
        }
        let source = sources.remove(0);
        let bytes = source
            .place
            .and_then(|place| files::read(&place))
            .map_err(anyhow::Error::msg)
            .with_context(|| source.name.clone())?;
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or(here, Path::to_owned);
        Ok((source.name, bytes, directory))
    }

    /// The plan, with what it imports from the checkout and from those that were named.
    fn planned(
        &self,
        file: &mut PipelineFile,
        trigger: &Trigger,
        directory: &Path,
    ) -> (Planned, Brought) {
        let planned = file.plan_with(trigger, &Values::new());
        let Planned::Needs(needed) = planned else {
            return (planned, Brought::default());
        };
        let brought = self
            .imports
            .bring(file, vec![*needed], &|path| imports::below(directory, path));
        if brought.problems.is_empty() {
            return (file.plan_with(trigger, &Values::new()), brought);
        }
        (
            Planned::Invalid(
                file.diagnostics()
                    .iter()
                    .chain(&brought.problems)
                    .cloned()
                    .collect(),
            ),
            brought,
        )
    }

    /// What the executor that was named lacks; marks the steps of the plan with it.
    fn hold(
        &self,
        file: Option<&PipelineFile>,
        trigger: &Trigger,
        plan: &mut Plan,
    ) -> Vec<Diagnostic> {
        let (Some(file), Some(executor)) = (file, self.executor) else {
            return Vec::new();
        };
        let numbers: Vec<usize> = (0..plan.len()).collect();
        let capabilities = executor.capabilities();
        file.hold_against(trigger, &Values::new(), &capabilities, plan, &numbers)
            .diagnostics
    }
}

fn branch_checked_out(directory: &Path) -> anyhow::Result<String> {
    checkout::branch_of(directory)?
        .context("no branch is checked out here; say which one with --branch NAME")
}

/// Problems, for people.
fn talk(answer: &Answer<'_>, source: &str, brought: &Brought) -> anyhow::Result<()> {
    let render = if crate::config::colours::wanted(&std::io::stderr()) {
        render_coloured_of
    } else {
        render_text_of
    };
    let mut words = render(
        &answer.diagnostics,
        FileText {
            name: answer.file,
            text: source,
        },
        &brought.texts(),
    );
    if let Some(qualification) = &answer.qualification {
        words.push_str(qualification);
        words.push('\n');
    }
    say(&words)?;
    Ok(())
}
