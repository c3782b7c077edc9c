//! The lane that plans: one build of a repository at a time.

use pipewright_core::Plan;
use pipewright_core::build::{BuildEvent, BuildOutcome};
use pipewright_core::ids::{BuildId, RepositoryId};
use pipewright_spec::Diagnostic;
use pipewright_store::builds::{self, CommitText, PushedCommits, ToPlan, TriggerDetail};
use pipewright_store::{StoreError, repositories, steps};

use super::changes::changed_files;
use super::destination::{destination_of, request_of, with_merged};
use super::fetch::{FetchError, fetch};
use super::imports::{Brought, bring};
use super::judge::{Judged, Readable, read as read_file};
use super::pushed::pushed_commits;
use super::rules::{Rules, may_fire};
use crate::app::App;
use crate::ground::{Aftermath, Lane, backoff};
use crate::live::Part;
use crate::scheduler::{AdvanceError, advance, lacking};
use crate::variables::template_values;

/// How often reading the file is tried before the build is errored: with [`backoff`], for about half a minute.
const TRIES: i64 = 5;

/// The pause after this machine had no room to read the file.
const MACHINE_PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(crate) struct PlanLane(pub(crate) App);

/// What is stored of planning.
struct Found<'a> {
    plan: Option<&'a Plan>,
    changed: Option<&'a [String]>,
    /// The trigger, where more is known of it now.
    detail: Option<&'a TriggerDetail>,
    file: Option<&'a [u8]>,
    diagnostics: &'a [Diagnostic],
    text: Option<&'a CommitText>,
    pushed: Option<&'a PushedCommits>,
    event: BuildEvent,
    message: Option<&'a str>,
    /// What the file's rules start, and of which build.
    rules: Option<(&'a ToPlan, &'a Rules)>,
}

impl Lane for PlanLane {
    type Key = RepositoryId;
    type Unit = ToPlan;
    type Id = BuildId;

    const PART: Part = Part::Planning;
    const SIDE_BY_SIDE: usize = 8;

    async fn waiting(&self, limit: i64) -> Result<Vec<RepositoryId>, StoreError> {
        builds::repositories_to_plan(&self.0.db, self.0.clock.now(), limit).await
    }

    async fn next(&self, key: RepositoryId) -> Result<Option<ToPlan>, StoreError> {
        builds::next_to_plan(&self.0.db, key, self.0.clock.now()).await
    }

    fn id(unit: &ToPlan) -> BuildId {
        unit.id
    }

    async fn step(&self, build: ToPlan) -> Result<(), StoreError> {
        let app = &self.0;
        let read = match fetch(app, build.repository_id, &build.ref_name, &build.commit).await {
            Ok(read) => read,
            // The one failure that trying again cannot mend, and that the commit's text is known of all the same.
            Err(FetchError::FileTooLarge(text)) => {
                let message = sentence(&FetchError::FileTooLarge(text.clone()).to_string());
                let event = BuildEvent::NotPlanned(BuildOutcome::Invalid);
                return store(
                    app,
                    build.id,
                    &Found {
                        text: Some(&text),
                        message: Some(&message),
                        event,
                        ..Found::nothing()
                    },
                )
                .await;
            }
            Err(error) => return self.again(&build, error).await,
        };
        let file = read.file.as_deref();
        let (judged, rules) = match self.judged(&build, file, &read.text.message).await {
            Ok(judged) => judged,
            Err(error) => return self.again(&build, error).await,
        };
        // Of the page alone: what fails here leaves it out and never holds a build back.
        let pushed = pushed_commits(app, &build, &read.parents).await;
        let found = Found {
            file,
            text: Some(&read.text),
            pushed: pushed.as_ref(),
            rules: Some((&build, &rules)),
            ..Found::nothing()
        };
        match judged {
            Judged::Plan(plan, mut diagnostics) => {
                diagnostics.extend(rules.problems.iter().cloned());
                // Fixed now, so that every attempt of the build merges the same commit, however the destination moves.
                let merged = match request_of(&build) {
                    None => None,
                    Some(request) => match destination_of(app, &build, request).await {
                        Ok(commit) => Some(commit),
                        Err(error) => return self.again(&build, error).await,
                    },
                };
                let changed = changed_files(app, &build, &plan, merged.as_ref()).await;
                let detail = merged.map(|merged| with_merged(&build, merged));
                let (plan, changed, event) =
                    (Some(plan.as_ref()), changed.as_deref(), BuildEvent::Planned);
                store(
                    app,
                    build.id,
                    &Found {
                        plan,
                        changed,
                        detail: detail.as_ref(),
                        diagnostics: &diagnostics,
                        event,
                        ..found
                    },
                )
                .await
            }
            Judged::NotPlanned {
                outcome,
                sentence,
                mut diagnostics,
            } => {
                diagnostics.extend(rules.problems.iter().cloned());
                let event = BuildEvent::NotPlanned(outcome);
                store(
                    app,
                    build.id,
                    &Found {
                        diagnostics: &diagnostics,
                        event,
                        message: Some(&sentence),
                        ..found
                    },
                )
                .await
            }
        }
    }

    async fn panicked(&self, id: BuildId) -> Result<(), StoreError> {
        self.errored(
            id,
            "A bug in Pipewright stopped this build from being planned; the server's log has the details.",
        )
        .await
    }
}

impl PlanLane {
    /// Reads the file, and answers what the build does and what its rules start.
    async fn judged(
        &self,
        build: &ToPlan,
        file: Option<&[u8]>,
        message: &str,
    ) -> Result<(Judged, Rules), FetchError> {
        let app = &self.0;
        let set = template_values(app, build.account_id, build.application_id).await?;
        let file = match read_file(
            file,
            message,
            build.trigger,
            &build.ref_name,
            &build.detail,
            set,
        ) {
            Ok(file) => file,
            Err(judged) => return Ok((judged, Rules::default())),
        };
        let repository = if may_fire(file.pipelines(), build) {
            repositories::get(&app.db, build.repository_id).await?
        } else {
            None
        };
        let rules = repository
            .map(|repository| Rules::evaluate(file.pipelines(), build, &repository))
            .unwrap_or_default();
        Ok((self.plan(build, file).await?, rules))
    }

    /// Judges the file, and reads the one that its pipeline is imported from where it is.
    async fn plan(&self, build: &ToPlan, mut file: Readable) -> Result<Judged, FetchError> {
        let app = &self.0;
        let capabilities = app.config.capabilities();
        let needed = match file.judge(&capabilities) {
            Ok(judged) => return Ok(judged),
            Err(needed) => needed,
        };
        match bring(app, build, &needed).await? {
            Brought::File(bytes, commit) => file.bring(&needed, &bytes, commit),
            Brought::Refused(reason, help) => return Ok(file.without(&needed, &reason, help)),
        }
        // What is imported may not import, so nothing is asked for twice.
        Ok(file
            .judge(&capabilities)
            .unwrap_or_else(|again| file.without(&again, "it is asked for again", "")))
    }

    /// Tries again where that may help, and ends the build where it does not. A database that does not answer is no try: the
    /// lane goes on until it does.
    async fn again(&self, build: &ToPlan, error: FetchError) -> Result<(), StoreError> {
        let error = match error.into_store() {
            Ok(error) => return Err(error),
            Err(error) => error,
        };
        let app = &self.0;
        // No fault of the repository's, and so no try of reading it either.
        if error.is_of_machine()
            || lacking(&app.config.data_directory, &app.config.floors).is_some()
        {
            let mut tx = app.db.begin().await?;
            let at = app.clock.now() + MACHINE_PAUSE;
            builds::postpone_planning(&mut tx, build.id, at, &error.to_string()).await?;
            return tx.commit().await;
        }
        if error.is_retryable() && build.tries + 1 < TRIES {
            return self.later(build, &error).await;
        }
        self.errored(
            build.id,
            &format!("The repository cannot be read: {error}."),
        )
        .await
    }

    /// Tries again after a while, and says why.
    async fn later(&self, build: &ToPlan, error: &FetchError) -> Result<(), StoreError> {
        let app = &self.0;
        let mut tx = app.db.begin().await?;
        let at = app.clock.now() + backoff(build.tries);
        builds::retry_planning(&mut tx, build.id, at, &format!("{error}")).await?;
        tx.commit().await
    }

    async fn errored(&self, id: BuildId, message: &str) -> Result<(), StoreError> {
        let event = BuildEvent::NotPlanned(BuildOutcome::Errored);
        store(
            &self.0,
            id,
            &Found {
                message: Some(message),
                event,
                ..Found::nothing()
            },
        )
        .await
    }
}

impl Found<'_> {
    const fn nothing() -> Self {
        Self {
            plan: None,
            changed: None,
            detail: None,
            file: None,
            diagnostics: &[],
            text: None,
            pushed: None,
            event: BuildEvent::NotPlanned(BuildOutcome::Errored),
            message: None,
            rules: None,
        }
    }
}

/// Stores what planning found and moves the build, in one transaction. A build that was stopped or planned meanwhile
/// stays as it is.
async fn store(app: &App, id: BuildId, found: &Found<'_>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(mut stored) = builds::load_run(&mut tx, id).await? else {
        return tx.rollback().await;
    };
    if stored.run.state != pipewright_core::build::BuildState::Queued {
        return tx.rollback().await;
    }
    let diagnostics = serde_json::to_value(found.diagnostics).unwrap_or_default();
    builds::set_plan(&mut tx, id, found.plan, found.file, &diagnostics, now).await?;
    if let Some(text) = found.text {
        builds::set_commit_text(&mut tx, id, text).await?;
    }
    if let Some(pushed) = found.pushed {
        builds::set_pushed(&mut tx, id, pushed).await?;
    }
    if let Some(detail) = found.detail {
        builds::set_detail(&mut tx, id, detail).await?;
        stored.context.detail = detail.clone();
    }
    if let Some(changed) = found.changed {
        builds::set_changed_files(&mut tx, id, changed).await?;
    }
    if let Some(plan) = found.plan {
        steps::insert_all(&mut tx, id, plan).await?;
        stored.plan = Some(plan.clone());
        stored.context.planned_at = Some(now);
    }
    let mut aftermath = Aftermath::default();
    let started = match found.rules {
        Some((build, rules)) => rules.start(&mut tx, build, now, &mut aftermath).await?,
        None => None,
    };
    // Where only rules have an answer to a push, that it ran nothing itself is no more than half of the truth.
    let message = match (found.message, &started) {
        (Some(message), Some(started)) => Some(format!("{message} {started}")),
        (message, _) => message.map(str::to_owned),
    };
    match advance(
        app,
        &mut tx,
        &mut stored,
        found.event,
        message.as_deref(),
        now,
        &mut aftermath,
    )
    .await
    {
        Ok(()) => {}
        Err(AdvanceError::Store(error)) => return Err(error),
        Err(AdvanceError::Refused(refused)) => {
            tracing::error!(build = %id, %refused, "a queued build refuses its plan");
            return tx.rollback().await;
        }
    }
    tx.commit().await?;
    aftermath.announce(app);
    Ok(())
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    format!("{}.", fragment.trim_end_matches('.'))
}
