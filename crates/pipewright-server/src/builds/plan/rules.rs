//! `triggers`: what a push or a pull request starts beside its own pipeline, by the rules of the file at its commit.
//!
//! Every rule that is true starts each of its custom pipelines as a build of its own, in the transaction that stores the
//! plan of the build that found it. What is found twice is made once: a build is unique for its trigger, ref, commit and
//! pipeline. Other events (a merged pull request, a build that ended) start nothing yet; the file's diagnostics say so.

use pipewright_core::ids::{BuildId, DeliveryId};
use pipewright_core::{Timestamp, TriggerKind};
use pipewright_spec::plan::{Fired, RuleError, TriggerEvent};
use pipewright_spec::{Diagnostic, has_skip_marker, parse};
use pipewright_store::builds::{self, Created, NewBuild, RuleDetail, ToPlan, TriggerDetail};
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::repositories::Repository;
use pipewright_store::{StoreError, Tx};

use super::fetch::FILE_NAME;
use crate::scheduler::Aftermath;

/// The most builds that the rules of one push start.
const MOST_FIRED: usize = 20;

/// In a delivery's list, what rules started stands after every change.
const AFTER_CHANGES: i64 = 1_000_000;

/// What the rules say of a build.
#[derive(Debug, Default)]
pub(super) struct Rules {
    fired: Vec<(TriggerEvent, Fired)>,
    /// Rules that have no answer, and what is left out.
    pub(super) problems: Vec<Diagnostic>,
}

impl Rules {
    /// False for a file that has no rules for certain, so that most files cost nothing here.
    pub(super) fn may_be_in(file: &[u8]) -> bool {
        std::str::from_utf8(file).map_or(true, |text| text.contains("triggers"))
    }

    /// Evaluates the rules of a file for a build that a push or a pull request started. No I/O.
    pub(super) fn evaluate(file: &[u8], message: &str, build: &ToPlan, repository: &Repository) -> Self {
        let events = events(build);
        if events.is_empty() || has_skip_marker(message) {
            return Self::default();
        }
        let Some(pipelines) = parse(FILE_NAME, file).pipeline_file.filter(|pipelines| !pipelines.is_invalid()) else {
            return Self::default();
        };
        let mut rules = Self::default();
        for event in events {
            let (fired, errors) = pipelines.fired(*event, &|name| value_of(build, repository, name));
            rules.problems.extend(errors.iter().map(RuleError::diagnostic));
            for one in fired {
                if !rules.fired.iter().any(|(_, other)| other.pipeline == one.pipeline) && rules.fired.len() < MOST_FIRED {
                    rules.fired.push((*event, one));
                }
            }
        }
        rules
    }

    /// Makes the builds. Answers a sentence that names them, where there are any.
    pub(super) async fn start(
        &self,
        tx: &mut Tx,
        build: &ToPlan,
        now: Timestamp,
        aftermath: &mut Aftermath,
    ) -> Result<Option<String>, StoreError> {
        let mut numbers = Vec::new();
        for (position, (event, fired)) in (AFTER_CHANGES..).zip(&self.fired) {
            let rule = RuleDetail { event: event.as_str().to_owned(), condition: fired.condition.clone(), found_by: build.number };
            let new = NewBuild {
                id: BuildId::new(),
                account_id: build.account_id,
                application_id: build.application_id,
                ref_name: build.ref_name.clone(),
                commit: build.commit.clone(),
                previous: build.previous.clone(),
                trigger: build.trigger,
                detail: TriggerDetail {
                    pull_request: build.detail.pull_request.clone(),
                    custom: Some(fired.pipeline.clone()),
                    rule: Some(rule),
                    ..TriggerDetail::default()
                },
                repeatable: false,
                delivery_id: build.delivery_id,
                started_by: None,
                accepted_at: build.accepted_at,
                created_at: now,
            };
            let Created::New { number } = builds::create(tx, &new).await? else { continue };
            if let Some(delivery) = build.delivery_id {
                decisions::insert(tx, &decision(delivery, &new, number, position, now)).await?;
            }
            aftermath.planned_for(build.repository_id);
            aftermath.moved(build.account_id, new.id);
            numbers.push(format!("#{number} ({})", fired.pipeline));
        }
        Ok((!numbers.is_empty()).then(|| format!("The rules under triggers started {}.", numbers.join(", "))))
    }
}

/// A line of the delivery's decisions, so that its page and the new build's say why there is one.
fn decision(delivery_id: DeliveryId, new: &NewBuild, number: i64, position: i64, now: Timestamp) -> NewDecision {
    let pipeline = new.detail.custom.as_deref().unwrap_or_default();
    let why = new
        .detail
        .rule
        .as_ref()
        .map(|rule| format!(", because of the rule {} for {} in the file of #{}", rule.condition, rule.event, rule.found_by));
    NewDecision {
        account_id: new.account_id,
        delivery_id,
        application_id: Some(new.application_id),
        position,
        change_kind: if new.trigger == TriggerKind::PullRequest { ChangeKind::PullRequest } else { ChangeKind::Updated },
        ref_name: Some(new.ref_name.full().to_owned()),
        old_hash: None,
        new_hash: Some(new.commit.as_str().to_owned()),
        outcome: DecisionOutcome::Built,
        reason: "trigger_rule",
        sentence: format!("Built as #{number}: {pipeline}{}.", why.unwrap_or_default()),
        build_id: Some(new.id),
        decided_at: now,
    }
}

/// What happened, as rules name it. A build that a person, a schedule or a rule started is no event.
fn events(build: &ToPlan) -> &'static [TriggerEvent] {
    if build.detail.custom.is_some() || build.detail.rerun_of.is_some() {
        return &[];
    }
    match (build.trigger, &build.detail.pull_request) {
        (TriggerKind::Push | TriggerKind::Tag, _) => &[TriggerEvent::RepositoryPush],
        (TriggerKind::PullRequest, Some(request)) if request.is_new => &[TriggerEvent::PullRequestCreated],
        // A pull request is built again only where its source has a new commit.
        (TriggerKind::PullRequest, Some(_)) => &[TriggerEvent::PullRequestPush, TriggerEvent::PullRequestUpdated],
        (TriggerKind::PullRequest, None) | (TriggerKind::Manual | TriggerKind::Schedule, _) => &[],
    }
}

/// The variables that rules may ask for: those of the change and of the repository.
fn value_of(build: &ToPlan, repository: &Repository, name: &str) -> Option<String> {
    let request = build.detail.pull_request.as_ref();
    match name {
        "CI" => Some("true".to_owned()),
        "BITBUCKET_COMMIT" => Some(build.commit.to_string()),
        "BITBUCKET_BUILD_NUMBER" => Some(build.number.to_string()),
        "BITBUCKET_BRANCH" => Some(build.ref_name.short().to_owned()).filter(|_| build.ref_name.is_branch()),
        "BITBUCKET_TAG" => Some(build.ref_name.short().to_owned()).filter(|_| !build.ref_name.is_branch()),
        "BITBUCKET_PR_ID" => request.map(|request| request.id.to_string()),
        "BITBUCKET_PR_DESTINATION_BRANCH" => request.map(|request| request.destination.clone()),
        "BITBUCKET_PR_DESTINATION_COMMIT" => request.and_then(|request| request.destination_commit.clone()),
        "BITBUCKET_WORKSPACE" | "BITBUCKET_REPO_OWNER" | "BITBUCKET_PROJECT_KEY" => Some(repository.owner.clone()),
        "BITBUCKET_REPO_SLUG" => Some(repository.slug.clone()),
        "BITBUCKET_REPO_FULL_NAME" => Some(format!("{}/{}", repository.owner, repository.slug)),
        "BITBUCKET_REPO_UUID" => Some(repository.remote_id.clone()),
        "BITBUCKET_REPO_IS_PRIVATE" => Some(repository.is_private.to_string()),
        _ => None,
    }
}
