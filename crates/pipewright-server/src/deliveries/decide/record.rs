//! Writes what was decided of deliveries that wait together: decisions, builds, refs and follow-ups, in one transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use pipewright_bitbucket::facade::Product;
use pipewright_core::ids::{ApplicationId, BuildId, RepositoryId};
use pipewright_core::{CommitHash, RefName, Timestamp, TriggerKind};
use pipewright_store::builds::{self, Created, NewBuild, TriggerDetail};
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::deliveries::{self, DecideApplication, DeliveryState, ToDecide};
use pipewright_store::{StoreError, Tx};

use super::candidate::{Candidate, PullRequestCommit};
use super::read::ReadDelivery;
use super::sentence;
use crate::app::App;
use crate::ground::{Aftermath, Work, enqueue_within};
use crate::live::NewsItem;
use crate::scheduler::stop_within;

/// What came of a change for an application.
pub(super) struct Decided {
    pub(super) outcome: DecisionOutcome,
    pub(super) reason: &'static str,
    pub(super) sentence: String,
    pub(super) build: Option<BuildId>,
}

impl Decided {
    pub(super) fn not_built(reason: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            outcome: DecisionOutcome::NotBuilt,
            reason,
            sentence: sentence.into(),
            build: None,
        }
    }

    /// It was built before, as this build; its number is gone with a build that is not kept any more.
    pub(super) fn duplicate(build: BuildId, number: Option<i64>) -> Self {
        Self {
            outcome: DecisionOutcome::Duplicate,
            reason: "duplicate",
            sentence: number
                .map_or_else(|| sentence::DUPLICATE_GONE.to_owned(), sentence::duplicate),
            build: number.map(|_| build),
        }
    }
}

/// How long one transaction may take more deliveries into it: what arrives meanwhile waits for it to be stored.
const TOGETHER: Duration = Duration::from_millis(10);

/// Decides deliveries of one repository in their order, in one transaction; those that do not fit into its time are left for
/// the next one. Of one that another server has decided meanwhile nothing is written.
pub(crate) async fn record(
    app: &App,
    repository: RepositoryId,
    deliveries: &[(&ToDecide, ReadDelivery)],
) -> Result<(), StoreError> {
    let Some((first, _)) = deliveries.first() else {
        return Ok(());
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let begin = app.clock.elapsed();
    let applications = deliveries::applications_of(&mut tx, repository).await?;
    let mut recorder = Recorder {
        app,
        tx: &mut tx,
        delivery: first,
        now,
        aftermath: Aftermath::default(),
        compare: BTreeSet::new(),
    };
    let mut refresh = false;
    let mut decided = Vec::with_capacity(deliveries.len());
    for (delivery, read) in deliveries {
        recorder.delivery = delivery;
        if recorder.decide_delivery(&applications, read).await? {
            refresh |= read.refresh_repository;
            decided.push(*delivery);
        }
        if app.clock.elapsed().saturating_sub(begin) > TOGETHER {
            break;
        }
    }
    let Recorder {
        aftermath, compare, ..
    } = recorder;
    for application in &compare {
        let work = Work::CompareRefs {
            application: *application,
        };
        enqueue_within(app, &mut tx, &work, now).await?;
    }
    if refresh {
        enqueue_within(app, &mut tx, &Work::RefreshRepository { repository }, now).await?;
    }
    tx.commit().await?;
    if !compare.is_empty() || refresh {
        app.live().tasks.ring();
    }
    aftermath.announce(app);
    for delivery in decided {
        app.live().news.tell(NewsItem::Delivery {
            account: delivery.account_id,
            delivery: delivery.id,
        });
    }
    Ok(())
}

pub(super) struct Recorder<'a> {
    pub(super) app: &'a App,
    pub(super) tx: &'a mut Tx,
    pub(super) delivery: &'a ToDecide,
    pub(super) now: Timestamp,
    pub(super) aftermath: Aftermath,
    /// Applications whose refs are to be compared, because only Bitbucket knows what came last.
    pub(super) compare: BTreeSet<ApplicationId>,
}

impl Recorder<'_> {
    /// Decides every change of the delivery for every application. False where it was decided meanwhile.
    async fn decide_delivery(
        &mut self,
        applications: &[DecideApplication],
        read: &ReadDelivery,
    ) -> Result<bool, StoreError> {
        let id = self.delivery.id;
        if !deliveries::settle(self.tx, id, DeliveryState::Decided, None, self.now).await? {
            return Ok(false);
        }
        for (position, candidate) in read.candidates.iter().enumerate() {
            if applications.is_empty() || matches!(candidate, Candidate::Other { .. }) {
                let outcome = match candidate {
                    Candidate::Other { reason, sentence } => {
                        Decided::not_built(reason, sentence.as_str())
                    }
                    _ => Decided::not_built("no_application", sentence::NO_APPLICATION),
                };
                self.decision(position, candidate, None, outcome).await?;
                continue;
            }
            for application in applications {
                let outcome = self.decide(application, candidate).await?;
                self.decision(position, candidate, Some(application), outcome)
                    .await?;
            }
        }
        let is_incomplete = read
            .candidates
            .iter()
            .any(|candidate| matches!(candidate, Candidate::Incomplete { .. }));
        if read.compare || is_incomplete {
            self.compare
                .extend(applications.iter().map(|application| application.id));
        }
        Ok(true)
    }

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
            Candidate::Incomplete {
                reason, sentence, ..
            }
            | Candidate::PullRequestNotBuilt {
                reason, sentence, ..
            }
            | Candidate::Other { reason, sentence } => {
                Ok(Decided::not_built(reason, sentence.as_str()))
            }
        }
    }

    /// Makes a build. Where its commit was built before, it is one of its own if `is_event` says that the event is another.
    pub(super) async fn create(
        &mut self,
        new: &mut NewBuild,
        is_event: bool,
    ) -> Result<Created, StoreError> {
        let created = builds::create(self.tx, new).await?;
        let created = match created {
            Created::Existing { .. } if is_event => {
                new.event = Some(self.delivery.event.clone());
                builds::create(self.tx, new).await?
            }
            other => other,
        };
        if matches!(created, Created::New { .. }) {
            self.aftermath.planned_for(self.delivery.repository_id);
            self.aftermath.moved(new.account_id, new.id);
        }
        Ok(created)
    }

    pub(super) fn new_build(
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
            event: None,
            delivery_id: Some(self.delivery.id),
            started_by: None,
            accepted_at: self.delivery.received_at,
            created_at: self.now,
        }
    }

    /// Stops builds, except some.
    pub(super) async fn stop(
        &mut self,
        builds: Vec<BuildId>,
        except: &[BuildId],
        why: &str,
    ) -> Result<(), StoreError> {
        for build in builds {
            if except.contains(&build) {
                continue;
            }
            stop_within(
                self.app,
                self.tx,
                build,
                "Pipewright",
                why,
                self.now,
                &mut self.aftermath,
            )
            .await?;
        }
        Ok(())
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
        Candidate::Incomplete {
            ref_name, old, new, ..
        } => (ChangeKind::Updated, ref_name.clone(), text(old), text(new)),
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
