//! The arguments, and the order of a run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use pipewright_core::CommitHash;
use pipewright_git::LocalRepository;
use pipewright_runner::executor::{EitherExecutor, Executor as _, StepLimits};
use pipewright_spec::{
    Capabilities, Diagnostic, Feature, FileText, NeededImport, Parsed, PipelineFile, Planned,
    Trigger, parse, render_coloured_of, render_text_of,
};

use super::artifacts::RunArtifacts;
use super::attempt::Means;
use super::build::{self, Settings};
use super::display::Display;
use super::env_file::{self, EnvFile};
use super::machine::Machine;
use super::result::STOPPED;
use super::signals::Signals;
use super::steps::{self, Chosen};
use super::variables::Defaults;
use super::workspace::Workspaces;
use super::{caches, conditions, merge, notices, summary, trigger};
use crate::commands::checkout;
use crate::commands::files::FILE_NAME;
use crate::commands::imports::{self, Brought, Imports};
use crate::commands::shown::shown;
use crate::commands::which::Which;

/// More than any pipeline file; the check says that such a file is too large.
const READ_LIMIT: usize = 16 << 20;

/// The file that is read where no other is named.
const USUAL_ENV_FILE: &str = ".env";

/// What `--help` says of the exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  passed, also where it ended before a manual step (see --yes)
  1  a step failed or could not be run
  2  nothing was run: the file cannot run, has nothing for this, or the command line is wrong
  3  stopped by a signal";

/// What `--help` says of how it is used.
const EXAMPLES: &str = "\
Examples:
  pipewright run                           what a push of the branch checked out would run
  pipewright run --dirty --step 2          the second step, with what is not committed yet
  pipewright run deploy --yes              a custom pipeline, its manual steps too
  pipewright run --json > result.json      the result for programs; the log goes to standard error";

/// Arguments of `pipewright run`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXIT_CODES}\n\n{EXAMPLES}"))]
pub(crate) struct Run {
    /// A custom pipeline, or a branch: what a push of this checkout to it would run. Without it, the branch checked out.
    #[arg(value_name = "CUSTOM-OR-BRANCH", conflicts_with = "trigger")]
    target: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Run this step only: its number in `pipewright plan`, or its name.
    #[arg(long, value_name = "STEP", conflicts_with = "from")]
    step: Option<String>,
    /// Run this step and those after it.
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// Run the work tree as it is: tracked files and new ones that are not ignored, instead of HEAD.
    #[arg(long)]
    dirty: bool,
    /// Variables for the steps; .env beside the pipeline file where it exists.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(flatten)]
    imports: Imports,
    /// Run manual steps too, without stopping before them.
    #[arg(long)]
    yes: bool,
    /// Keep the directories that the steps worked in.
    #[arg(long)]
    keep: bool,
    /// Also put the files that steps leave as artifacts here, in a directory for each step.
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Neither use nor keep caches.
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    machine: Machine,
    /// How many steps of a parallel group run at the same time; as many as there are processors unless said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print one JSON object at the end; everything else goes to standard error.
    #[arg(long)]
    json: bool,
}

/// Everything that is settled before the first step.
struct Prepared {
    executor: EitherExecutor,
    title: String,
    reason: String,
    chosen: Chosen,
    workspaces: Workspaces,
    defaults: Defaults,
    env_file: EnvFile,
    changed: Option<Vec<String>>,
}

impl Run {
    /// Runs the pipeline to its end.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the async runtime cannot be started")?;
        let done = runtime.block_on(async {
            let mut signals = Signals::listen().context("signals cannot be listened for")?;
            let prepared = tokio::select! {
                prepared = self.prepare() => prepared,
                () = signals.next() => return Ok(ExitCode::from(STOPPED)),
            };
            match prepared {
                Ok(prepared) => self.execute(prepared, signals).await,
                Err(error) => {
                    writeln!(anstream::stderr(), "pipewright run: {error:#}")?;
                    Ok(ExitCode::from(2))
                }
            }
        });
        if done.is_ok() {
            // Files of steps that are still being removed go with the rest.
            runtime.shutdown_background();
        }
        done
    }

    /// Reads everything and decides what runs. An error means that nothing was run.
    async fn prepare(&self) -> anyhow::Result<Prepared> {
        let here = std::env::current_dir()
            .context("the current directory no longer exists; change to another")?;
        let repository = checkout::find(&here).await?;
        let repository = repository.with_context(|| {
            format!("{} is not in a git checkout; change to one", here.display())
        })?;
        let executor = self.machine.executor().await?;
        let home = std::env::home_dir();
        let head = repository.head().await?;
        let commit = head
            .commit
            .clone()
            .context("nothing was committed here yet; make a first commit")?;
        let bytes = self.pipeline_file(&repository, &commit).await?;
        let Parsed {
            pipeline_file,
            diagnostics,
            source,
            ..
        } = parse(FILE_NAME, &bytes);
        let mut texts = Texts {
            source,
            brought: Brought::default(),
        };
        let Some(mut file) = pipeline_file else {
            return Err(refused(&diagnostics, &texts));
        };
        let trigger = trigger::settle(
            self.target.as_deref(),
            &self.which,
            &repository,
            &head,
            &file,
        )
        .await?;
        let env_file = self.env_file(repository.top())?;
        let defaults = Defaults::of(&repository, &trigger, &commit, head.branch.as_ref()).await?;
        let mut values = defaults.as_values();
        values.extend(env_file.plain());
        let mut planned = file.plan_with(&trigger, &values);
        if let Planned::Needs(needed) = planned {
            texts.brought = self
                .import(&mut file, *needed, &repository, &commit)
                .await?;
            planned = file.plan_with(&trigger, &values);
        }
        let (plan, mut warnings) = match planned {
            Planned::Plan(plan, warnings) => (*plan, warnings),
            Planned::Nothing { reason } => bail!("nothing runs: {reason}"),
            Planned::Invalid(problems) | Planned::Unsupported(problems) => {
                return Err(refused(&problems, &texts));
            }
            Planned::Needs(needed) => {
                let mut problems = texts.brought.problems.clone();
                if problems.is_empty() {
                    problems.push(imports::unnamed(&needed));
                }
                return Err(refused(&problems, &texts));
            }
        };
        let left_out = {
            let word = self.step.as_deref().or(self.from.as_deref());
            notices::left_by_others(&plan, word, self.step.is_some())
        };
        let mut chosen = steps::choose(plan, self.step.as_deref(), self.from.as_deref())?;
        if self.yes {
            chosen.open_gates();
        }
        // Whatever the host executor learns must be done here as well as on the server.
        // This machine takes the place of every runner.
        let capabilities = match executor.engine() {
            Some(engine) => Capabilities::engine(engine.docker_service.is_some()),
            None => Capabilities::host(),
        };
        let capabilities = capabilities
            .with(Feature::RunsOn)
            .without(Feature::Triggers)
            // No server signs a token here.
            .without(Feature::Oidc);
        let numbers = chosen.numbers();
        let held = file.hold_against(&trigger, &values, &capabilities, &mut chosen.plan, &numbers);
        warnings.extend(held.diagnostics);
        if warnings.iter().any(Diagnostic::is_fatal) {
            return Err(refused(&warnings, &texts));
        }
        talk(&render(&warnings, &texts))?;
        for notice in notices::other_runners(&chosen).into_iter().chain(left_out) {
            talk(&notice)?;
        }
        let changed = if chosen.plan.has_changeset_conditions() {
            self.changed_files(&repository, &trigger, &commit, home.as_deref())
                .await
        } else {
            None
        };
        let workspaces = Workspaces::new(
            repository,
            commit,
            defaults.branch().cloned(),
            defaults.url().map(str::to_owned),
            self.keep,
        )?;
        let (merge, notice) = merge::of(workspaces.repository(), &trigger, self.dirty).await?;
        if let Some(notice) = notice {
            talk(&notice)?;
        }
        let workspaces = self
            .take_files(workspaces.merging(merge), home.as_deref())
            .await?;
        let title = chosen.plan.pipeline.clone();
        let reason = file
            .selection(&trigger)
            .map(|selection| selection.reason)
            .unwrap_or_default();
        Ok(Prepared {
            executor,
            title,
            reason,
            chosen,
            workspaces,
            defaults,
            env_file,
            changed,
        })
    }

    /// The files that changed; what is not committed counts where it takes part.
    async fn changed_files(
        &self,
        repository: &LocalRepository,
        trigger: &Trigger,
        commit: &CommitHash,
        home: Option<&Path>,
    ) -> Option<Vec<String>> {
        if !self.dirty {
            return conditions::changed_files(repository, trigger, commit).await;
        }
        let env_file = self.env_file_inside(repository.top());
        conditions::changed_files_and_work_tree(
            repository,
            trigger,
            commit,
            home,
            env_file.as_deref(),
        )
        .await
    }

    /// Where the env file is in the work tree, if it is in it.
    fn env_file_inside(&self, top: &Path) -> Option<PathBuf> {
        let file = self
            .env_file
            .clone()
            .unwrap_or_else(|| top.join(USUAL_ENV_FILE));
        file.canonicalize()
            .ok()?
            .strip_prefix(top)
            .map(Path::to_owned)
            .ok()
    }

    /// Brings the file that the pipeline is imported from: of this repository as the run takes its files, of another where
    /// a checkout was named.
    async fn import(
        &self,
        file: &mut PipelineFile,
        needed: NeededImport,
        repository: &LocalRepository,
        commit: &CommitHash,
    ) -> anyhow::Result<Brought> {
        let path = needed.source.path().to_owned();
        let committed = if self.dirty {
            None
        } else {
            repository.show_file(commit, &path, READ_LIMIT).await?
        };
        let own = |path: &str| {
            if self.dirty {
                return Ok(imports::below(repository.top(), path)?
                    .map(|(_, bytes)| (path.to_owned(), bytes)));
            }
            Ok(committed.clone().map(|bytes| (path.to_owned(), bytes)))
        };
        Ok(self.imports.bring(file, vec![needed], &own))
    }

    async fn pipeline_file(
        &self,
        repository: &LocalRepository,
        commit: &CommitHash,
    ) -> anyhow::Result<Vec<u8>> {
        let path = repository.top().join(FILE_NAME);
        if self.dirty {
            return std::fs::read(&path)
                .with_context(|| format!("{} cannot be read", path.display()));
        }
        let committed = repository.show_file(commit, FILE_NAME, READ_LIMIT).await?;
        committed.with_context(|| {
            if path.exists() {
                format!("{FILE_NAME} is not committed; commit it, or run the work tree as it is with --dirty")
            } else {
                format!("there is no {FILE_NAME} in {}", repository.top().display())
            }
        })
    }

    fn env_file(&self, top: &Path) -> anyhow::Result<EnvFile> {
        let usual = top.join(USUAL_ENV_FILE);
        let path = match &self.env_file {
            Some(path) => path,
            None if usual.is_file() => &usual,
            None => return Ok(EnvFile::default()),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let read = env_file::parse(&text, &|name| std::env::var(name).ok());
        let file = read.with_context(|| {
            format!(
                "{}; leave the file out with --env-file /dev/null",
                path.display()
            )
        })?;
        if let Some(words) = file.summary() {
            talk(&format!(
                "{}: {words}\n",
                path.strip_prefix(top).unwrap_or(path).display()
            ))?;
        }
        Ok(file)
    }

    /// Takes the work tree's files along, or says how many are left out. The env file stands for what Bitbucket keeps
    /// outside of the repository, so it is in neither, unless it is committed.
    async fn take_files(
        &self,
        workspaces: Workspaces,
        home: Option<&Path>,
    ) -> anyhow::Result<Workspaces> {
        let top = workspaces.repository().top();
        let env_file = match self.env_file_inside(top) {
            Some(file) if !workspaces.is_committed(&file).await? => Some(file),
            _ => None,
        };
        if self.dirty {
            let (workspaces, skipped) =
                workspaces.with_work_tree(home, env_file.as_deref()).await?;
            if skipped > 0 {
                talk(&format!(
                    "{skipped} submodules or repositories inside the work tree are left out; their directories are empty\n"
                ))?;
            }
            return Ok(workspaces);
        }
        let changes = workspaces.repository().changes(home).await?;
        let changes = changes
            .iter()
            .filter(|change| Some(*change) != env_file.as_ref())
            .count();
        if changes > 0 {
            let files = if changes == 1 {
                "changed file is"
            } else {
                "changed files are"
            };
            talk(&format!(
                "{changes} {files} not committed and left out; --dirty includes them\n"
            ))?;
        }
        Ok(workspaces)
    }

    async fn execute(&self, prepared: Prepared, signals: Signals) -> anyhow::Result<ExitCode> {
        let Prepared {
            executor,
            title,
            reason,
            chosen,
            workspaces,
            defaults,
            env_file,
            changed,
        } = prepared;
        let at_once = self.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(2, usize::from),
            usize::from,
        );
        let out: Box<dyn Write + Send> = if self.json {
            Box::new(anstream::stderr())
        } else {
            Box::new(anstream::stdout())
        };
        let mut display = Display::new(out, &chosen, at_once);
        let commit = workspaces.commit().short().to_owned();
        let what = if self.dirty {
            "the work tree on"
        } else {
            "commit"
        };
        display.headline(
            &format!("{} for {what} {commit}", shown(&title, 80)),
            &reason,
        )?;
        let root = workspaces.root().to_owned();
        let caches = if self.no_cache {
            None
        } else {
            caches::of(&workspaces, &defaults)
        };
        let artifacts = RunArtifacts::new(&root, self.artifacts.clone())?;
        let means = Arc::new(Means {
            executor,
            workspaces,
            defaults,
            env_file,
            limits: StepLimits::default(),
            keep: self.keep,
            artifacts,
            changed,
            caches,
        });
        let settings = Settings {
            at_once,
            yes: self.yes,
        };
        let end = build::run(&chosen, Arc::clone(&means), settings, &mut display, signals).await;
        means.executor.leave().await;
        let end = end?;
        summary::write(&mut display, &end, &chosen)?;
        if self.json {
            let object = summary::as_json(&end, &chosen, &means.workspaces)?;
            writeln!(anstream::stdout(), "{object}")?;
        }
        if let Some(directory) = &self.artifacts {
            let files = means.artifacts.files_for_person();
            let words = if files == 1 {
                "1 file of artifacts is".to_owned()
            } else {
                format!("{files} files of artifacts are")
            };
            talk(&format!("{words} in {}\n", directory.display()))?;
        }
        if self.keep {
            talk(&format!(
                "The steps' directories are kept in {}\n",
                root.display()
            ))?;
        }
        means.workspaces.close(self.keep).await;
        Ok(ExitCode::from(end.ending().exit_code()))
    }
}

/// The texts that problems are drawn with.
struct Texts {
    source: String,
    brought: Brought,
}

/// The error of a file that cannot run: its problems go to standard error as they are everywhere.
fn refused(problems: &[Diagnostic], texts: &Texts) -> anyhow::Error {
    let fatal = problems.iter().filter(|problem| problem.is_fatal()).count();
    let problem_s = if fatal == 1 { "problem" } else { "problems" };
    let summary = format!("{FILE_NAME} cannot run here: {fatal} {problem_s}");
    match talk(&render(problems, texts)) {
        Ok(()) => anyhow::anyhow!(summary),
        Err(error) => error.into(),
    }
}

fn render(problems: &[Diagnostic], texts: &Texts) -> String {
    let render = if crate::config::colours::wanted(&std::io::stderr()) {
        render_coloured_of
    } else {
        render_text_of
    };
    render(
        problems,
        FileText {
            name: FILE_NAME,
            text: &texts.source,
        },
        &texts.brought.texts(),
    )
}

/// Says something beside the data.
fn talk(text: &str) -> std::io::Result<()> {
    anstream::stderr().lock().write_all(text.as_bytes())
}
