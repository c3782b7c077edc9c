//! `triggers`: what a push or a pull request starts beside its own pipeline, by the rules of the file at its commit.
//!
//! Every rule that is true starts each of its custom pipelines as a build of its own, in the transaction that stores the
//! plan of the build that found it. What is found twice is made once: a build is unique for its trigger, ref, commit and
//! pipeline. Other events (a merged pull request, a build that ended) start nothing yet; the file's diagnostics say so.

use pipewright_core::ids::{BuildId, DeliveryId};
use pipewright_core::{Timestamp, TriggerKind};
use pipewright_spec::plan::{Fired, RuleError, TriggerEvent};
use pipewright_spec::{Diagnostic, PipelineFile};
use pipewright_store::builds::{self, Created, NewBuild, RuleDetail, ToPlan, TriggerDetail};
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::repositories::Repository;
use pipewright_store::{StoreError, Tx};

use crate::ground::Aftermath;
use crate::scheduler::{Change, change_variables};

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
    /// Evaluates the rules of a file for a build that a push or a pull request started. No I/O.
    pub(super) fn evaluate(file: &PipelineFile, build: &ToPlan, repository: &Repository) -> Self {
        let change = Change {
            number: build.number,
            commit: &build.commit,
            ref_name: &build.ref_name,
            trigger: build.trigger,
            detail: &build.detail,
        };
        let known = change_variables(&change, repository);
        let value_of = |name: &str| {
            known
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.clone())
        };
        let mut rules = Self::default();
        for event in events(build) {
            let (fired, errors) = file.fired(*event, &value_of);
            rules
                .problems
                .extend(errors.iter().map(RuleError::diagnostic));
            for one in fired {
                if !rules
                    .fired
                    .iter()
                    .any(|(_, other)| other.pipeline == one.pipeline)
                    && rules.fired.len() < MOST_FIRED
                {
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
            let rule = RuleDetail {
                event: event.as_str().to_owned(),
                condition: fired.condition.clone(),
                found_by: build.number,
            };
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
                event: None,
                delivery_id: build.delivery_id,
                started_by: None,
                accepted_at: build.accepted_at,
                created_at: now,
            };
            let Created::New { number } = builds::create(tx, &new).await? else {
                continue;
            };
            if let Some(delivery) = build.delivery_id {
                decisions::insert(tx, &decision(delivery, &new, number, position, now)).await?;
            }
            aftermath.planned_for(build.repository_id);
            aftermath.moved(build.account_id, new.id);
            numbers.push(format!("#{number} ({})", fired.pipeline));
        }
        Ok((!numbers.is_empty())
            .then(|| format!("The rules under triggers started {}.", numbers.join(", "))))
    }
}

/// A line of the delivery's decisions, so that its page and the new build's say why there is one.
fn decision(
    delivery_id: DeliveryId,
    new: &NewBuild,
    number: i64,
    position: i64,
    now: Timestamp,
) -> NewDecision {
    let pipeline = new.detail.custom.as_deref().unwrap_or_default();
    let why = new.detail.rule.as_ref().map(|rule| {
        format!(
            ", because of the rule {} for {} in the file of #{}",
            rule.condition, rule.event, rule.found_by
        )
    });
    NewDecision {
        account_id: new.account_id,
        delivery_id,
        application_id: Some(new.application_id),
        position,
        change_kind: if new.trigger == TriggerKind::PullRequest {
            ChangeKind::PullRequest
        } else {
            ChangeKind::Updated
        },
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

/// True where the file has rules, and the build is of what they may be for.
pub(super) fn may_fire(file: &PipelineFile, build: &ToPlan) -> bool {
    file.has_rules() && !file.is_invalid() && !events(build).is_empty()
}

/// What happened, as rules name it. A build that a person, a schedule or a rule started is no event.
fn events(build: &ToPlan) -> &'static [TriggerEvent] {
    if build.detail.custom.is_some() || build.detail.rerun_of.is_some() {
        return &[];
    }
    match (build.trigger, &build.detail.pull_request) {
        (TriggerKind::Push | TriggerKind::Tag, _) => &[TriggerEvent::RepositoryPush],
        (TriggerKind::PullRequest, Some(request)) if request.is_new => {
            &[TriggerEvent::PullRequestCreated]
        }
        // Only its destination changed.
        (TriggerKind::PullRequest, Some(_)) if build.previous.as_ref() == Some(&build.commit) => {
            &[TriggerEvent::PullRequestUpdated]
        }
        (TriggerKind::PullRequest, Some(_)) => &[
            TriggerEvent::PullRequestPush,
            TriggerEvent::PullRequestUpdated,
        ],
        (TriggerKind::PullRequest, None) | (TriggerKind::Manual | TriggerKind::Schedule, _) => &[],
    }
}
