//! Writes what was decided: decisions, builds, refs and follow-ups, in one transaction.

use pipewright_bitbucket::facade::Product;
use pipewright_core::ids::BuildId;
use pipewright_core::{CommitHash, RefName, Timestamp, TriggerKind};
use pipewright_store::builds::{self, Created, NewBuild, TriggerDetail};
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::deliveries::{self, DecideApplication, DeliveryState, ToDecide};
use pipewright_store::{StoreError, Tx, refs};

use super::candidate::{Candidate, PullRequestChange, PullRequestCommit, RefMove};
use super::read::ReadDelivery;
use super::rules::{Verdict, judge_pull_request, judge_ref};
use super::sentence;
use crate::app::App;
use crate::ground::Aftermath;
use crate::scheduler::stop_within;
use crate::tasks::{Work, enqueue_within};

/// What came of a change for an application.
struct Decided {
    outcome: DecisionOutcome,
    reason: &'static str,
    sentence: String,
    build: Option<BuildId>,
}

impl Decided {
    fn not_built(reason: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            outcome: DecisionOutcome::NotBuilt,
            reason,
            sentence: sentence.into(),
            build: None,
        }
    }
}

/// Decides a delivery. `None` where another server has decided it meanwhile: nothing is written then.
pub(crate) async fn record(
    app: &App,
    delivery: &ToDecide,
    read: &ReadDelivery,
    now: Timestamp,
) -> Result<Option<Aftermath>, StoreError> {
    let mut tx = app.db.begin().await?;
    if !deliveries::settle(&mut tx, delivery.id, DeliveryState::Decided, None, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let applications = deliveries::applications_of(&mut tx, delivery.repository_id).await?;
    let mut recorder = Recorder {
        app,
        tx: &mut tx,
        delivery,
        now,
        aftermath: Aftermath::default(),
    };
    for (position, candidate) in read.candidates.iter().enumerate() {
        if applications.is_empty() || matches!(candidate, Candidate::Other { .. }) {
            let outcome = match candidate {
                Candidate::Other { reason, sentence } => {
                    Decided::not_built(reason, sentence.as_str())
                }
                _ => Decided::not_built("no_application", sentence::NO_APPLICATION),
            };
            recorder
                .decision(position, candidate, None, outcome)
                .await?;
            continue;
        }
        for application in &applications {
            let outcome = recorder.decide(application, candidate).await?;
            recorder
                .decision(position, candidate, Some(application), outcome)
                .await?;
        }
    }
    if read.compare {
        for application in &applications {
            enqueue_within(
                recorder.app,
                recorder.tx,
                &Work::CompareRefs {
                    application: application.id,
                },
                now,
            )
            .await?;
        }
    }
    if read.refresh_repository {
        enqueue_within(
            recorder.app,
            recorder.tx,
            &Work::RefreshRepository {
                repository: delivery.repository_id,
            },
            now,
        )
        .await?;
    }
    let aftermath = recorder.aftermath;
    tx.commit().await?;
    if read.compare || read.refresh_repository {
        app.wakeups.tasks.notify_one();
    }
    Ok(Some(aftermath))
}

struct Recorder<'a> {
    app: &'a App,
    tx: &'a mut Tx,
    delivery: &'a ToDecide,
    now: Timestamp,
    aftermath: Aftermath,
}

impl Recorder<'_> {
    async fn decide(
        &mut self,
        application: &DecideApplication,
        candidate: &Candidate,
    ) -> Result<Decided, StoreError> {
        match candidate {
            Candidate::Ref(moved) => self.decide_ref(application, moved).await,
            Candidate::PullRequest(change) => self.decide_pull_request(application, change).await,
            Candidate::RefusedName { reason, .. } => Ok(Decided::not_built(
                "ref_name_refused",
                format!("This name cannot be built, because git refuses it: {reason}."),
            )),
            Candidate::PullRequestNotBuilt {
                reason, sentence, ..
            }
            | Candidate::Other { reason, sentence } => {
                Ok(Decided::not_built(reason, sentence.as_str()))
            }
        }
    }

    async fn decide_ref(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
    ) -> Result<Decided, StoreError> {
        let stands = refs::get(self.tx, application.id, &moved.name).await?;
        if moved.compared && stands != moved.old {
            return Ok(Decided::not_built("known", sentence::KNOWN));
        }
        // A delivery that was overtaken by a newer one of the same ref builds its commit, but moves nothing back.
        let overtaken = match (&stands, &moved.new) {
            (Some(stands), Some(new)) if moved.old.as_ref() != Some(stands) && stands != new => {
                builds::follows(self.tx, application.id, &moved.name, new, stands).await?
            }
            _ => false,
        };
        match &moved.new {
            Some(commit) if !overtaken => {
                refs::put(self.tx, application.id, &moved.name, commit, self.now).await?;
            }
            Some(_) => {}
            None => refs::remove(self.tx, application.id, &moved.name).await?,
        }
        let verdict = judge_ref(application, moved);
        match (verdict, &moved.new) {
            (Verdict::Build(trigger), Some(commit)) => {
                let new = self.new_build(
                    application,
                    &moved.name,
                    commit,
                    moved.old.as_ref(),
                    trigger,
                    TriggerDetail::default(),
                );
                self.build(application, &new, moved.compared, overtaken)
                    .await
            }
            (Verdict::Not { reason, sentence }, new) => {
                if new.is_none() && application.cancel_superseded {
                    let why = sentence::ref_deleted(moved.name.kind().as_str(), moved.name.short());
                    for build in
                        builds::under_way_of_ref(self.tx, application.id, &moved.name).await?
                    {
                        stop_within(
                            self.app,
                            self.tx,
                            build,
                            "Pipewright",
                            &why,
                            self.now,
                            &mut self.aftermath,
                        )
                        .await?;
                    }
                }
                Ok(Decided::not_built(reason, sentence))
            }
            (Verdict::Build(_), None) => {
                Ok(Decided::not_built("deleted", "There is nothing to build."))
            }
        }
    }

    async fn decide_pull_request(
        &mut self,
        application: &DecideApplication,
        change: &PullRequestChange,
    ) -> Result<Decided, StoreError> {
        match (judge_pull_request(application, change), &change.commit) {
            (Verdict::Build(trigger), PullRequestCommit::Known(commit)) => {
                let detail = TriggerDetail {
                    pull_request: Some(change.detail.clone()),
                    ..TriggerDetail::default()
                };
                let new = self.new_build(
                    application,
                    &change.source,
                    commit,
                    change.previous.as_ref(),
                    trigger,
                    detail,
                );
                self.build(application, &new, false, false).await
            }
            (Verdict::Build(_), PullRequestCommit::Short(digits)) => Ok(Decided::not_built(
                "commit_unknown",
                format!("Bitbucket does not say which commit {digits} is."),
            )),
            (Verdict::Not { reason, sentence }, _) => Ok(Decided::not_built(reason, sentence)),
        }
    }

    fn new_build(
        &self,
        application: &DecideApplication,
        ref_name: &RefName,
        commit: &CommitHash,
        previous: Option<&CommitHash>,
        trigger: TriggerKind,
        detail: TriggerDetail,
    ) -> NewBuild {
        NewBuild {
            id: BuildId::new(),
            account_id: application.account_id,
            application_id: application.id,
            ref_name: ref_name.clone(),
            commit: commit.clone(),
            previous: previous.cloned(),
            trigger,
            detail,
            repeatable: false,
            delivery_id: Some(self.delivery.id),
            started_by: None,
            accepted_at: self.delivery.received_at,
            created_at: self.now,
        }
    }

    async fn build(
        &mut self,
        application: &DecideApplication,
        new: &NewBuild,
        compared: bool,
        overtaken: bool,
    ) -> Result<Decided, StoreError> {
        let number = match builds::create(self.tx, new).await? {
            Created::New { number } => number,
            Created::Existing { id, number } => {
                return Ok(Decided {
                    outcome: DecisionOutcome::Duplicate,
                    reason: "duplicate",
                    sentence: sentence::duplicate(number),
                    build: Some(id),
                });
            }
        };
        self.aftermath.planned_for(self.delivery.repository_id);
        self.aftermath.moved(new.account_id, new.id);
        if application.cancel_superseded && !overtaken && new.trigger != TriggerKind::Tag {
            let why = sentence::superseded(number);
            for older in builds::under_way_before(
                self.tx,
                application.id,
                &new.ref_name,
                number,
                new.trigger,
            )
            .await?
            {
                stop_within(
                    self.app,
                    self.tx,
                    older,
                    "Pipewright",
                    &why,
                    self.now,
                    &mut self.aftermath,
                )
                .await?;
            }
        }
        Ok(Decided {
            outcome: DecisionOutcome::Built,
            reason: "built",
            sentence: sentence::built(number, new.trigger, compared),
            build: Some(new.id),
        })
    }

    async fn decision(
        &mut self,
        position: usize,
        candidate: &Candidate,
        application: Option<&DecideApplication>,
        decided: Decided,
    ) -> Result<(), StoreError> {
        let (change_kind, ref_name, old, new) = described(candidate);
        let decision = NewDecision {
            account_id: self.delivery.account_id,
            delivery_id: self.delivery.id,
            application_id: application.map(|application| application.id),
            position: position as i64,
            change_kind,
            ref_name,
            old_hash: old,
            new_hash: new,
            outcome: decided.outcome,
            reason: decided.reason,
            sentence: decided.sentence,
            build_id: decided.build,
            decided_at: self.now,
        };
        decisions::insert(self.tx, &decision).await
    }
}

/// What a decision's row says of its change.
fn described(
    candidate: &Candidate,
) -> (ChangeKind, Option<String>, Option<String>, Option<String>) {
    let text = |hash: &Option<CommitHash>| hash.as_ref().map(|hash| hash.as_str().to_owned());
    match candidate {
        Candidate::Ref(moved) => (
            moved.change_kind(),
            Some(moved.name.full().to_owned()),
            text(&moved.old),
            text(&moved.new),
        ),
        Candidate::RefusedName { name, .. } => {
            (ChangeKind::Updated, Some(name.clone()), None, None)
        }
        Candidate::PullRequest(change) => {
            let commit = match &change.commit {
                PullRequestCommit::Known(hash) => hash.as_str().to_owned(),
                PullRequestCommit::Short(digits) => digits.clone(),
            };
            (
                ChangeKind::PullRequest,
                Some(change.source.full().to_owned()),
                text(&change.previous),
                Some(commit),
            )
        }
        Candidate::PullRequestNotBuilt { ref_name, .. } => {
            (ChangeKind::PullRequest, ref_name.clone(), None, None)
        }
        Candidate::Other { .. } => (ChangeKind::Other, None, None, None),
    }
}

/// The product of an integration's word; Cloud for a word that no version wrote, whose bodies then do not decode.
pub(crate) fn product(kind: &str) -> Product {
    Product::parse(kind).unwrap_or(Product::Cloud)
}
