//! What becomes of a pull request that was opened or changed, for one application.
//!
//! A pull request is built for its source's commit and the branch it is to be merged into: where one of the two moved, it is
//! built again, and where neither did (another title, another reviewer), it is not. Bitbucket's own time of the last change
//! tells an old state that arrives late.

use pipewright_core::{CommitHash, TriggerKind};
use pipewright_store::StoreError;
use pipewright_store::builds::{self, Created, TriggerDetail};
use pipewright_store::decisions::DecisionOutcome;
use pipewright_store::deliveries::{DecideApplication, Origin};
use pipewright_store::pull_request_heads::{self, PullRequestHead};

use super::candidate::{PullRequestChange, PullRequestCommit};
use super::record::{Decided, Recorder};
use super::rules::{Verdict, judge_pull_request};
use super::sentence;

impl Recorder<'_> {
    pub(super) async fn decide_pull_request(
        &mut self,
        application: &DecideApplication,
        change: &PullRequestChange,
    ) -> Result<Decided, StoreError> {
        let commit = match &change.commit {
            PullRequestCommit::Known(commit) => commit,
            PullRequestCommit::Short(digits) => {
                return Ok(Decided::not_built(
                    "commit_unknown",
                    format!("Bitbucket does not say which commit {digits} is."),
                ));
            }
        };
        let number = change.detail.id;
        let head = pull_request_heads::get(self.tx, application.id, number).await?;
        let stays = head.as_ref().is_some_and(|head| {
            head.source == *commit && head.destination == change.detail.destination
        });
        // Where an older state arrives late, the newer one stays what is known.
        let is_late = !stays
            && head
                .as_ref()
                .and_then(|head| head.changed_at)
                .zip(change.changed_at)
                .is_some_and(|(known, told)| told < known);
        let decided = match &head {
            Some(PullRequestHead {
                build: Some(build),
                build_number,
                ..
            }) if stays => Decided::duplicate(*build, *build_number),
            _ => {
                let moved_back = head.is_some() && !stays && !is_late;
                self.judge_request(application, change, commit, head.as_ref(), moved_back)
                    .await?
            }
        };
        // A person who delivers an old state again moves nothing back.
        let is_old =
            is_late || (self.delivery.origin == Origin::Redelivery && !stays && head.is_some());
        if !is_old {
            let now = PullRequestHead {
                source: commit.clone(),
                destination: change.detail.destination.clone(),
                changed_at: head
                    .as_ref()
                    .and_then(|head| head.changed_at)
                    .max(change.changed_at),
                build: decided
                    .build
                    .or_else(|| head.filter(|_| stays).and_then(|head| head.build)),
                build_number: None,
            };
            pull_request_heads::put(self.tx, application.id, number, &now, self.now).await?;
        }
        Ok(decided)
    }

    async fn judge_request(
        &mut self,
        application: &DecideApplication,
        change: &PullRequestChange,
        commit: &CommitHash,
        head: Option<&PullRequestHead>,
        moved_back: bool,
    ) -> Result<Decided, StoreError> {
        if let Verdict::Not { reason, sentence } = judge_pull_request(application, change) {
            return Ok(Decided::not_built(reason, sentence));
        }
        let detail = TriggerDetail {
            pull_request: Some(change.detail.clone()),
            ..TriggerDetail::default()
        };
        let previous = change.previous.as_ref().or(head.map(|head| &head.source));
        let trigger = TriggerKind::PullRequest;
        let mut new = self.new_build(
            application,
            &change.source,
            commit,
            previous,
            trigger,
            detail,
        );
        let is_event = moved_back && self.delivery.origin != Origin::Redelivery;
        let number = match self.create(&mut new, is_event).await? {
            Created::New { number } => number,
            Created::Existing { id, number } => return Ok(Decided::duplicate(id, Some(number))),
        };
        let is_newest = head.is_none() || moved_back;
        if is_newest && application.cancel_superseded {
            let request = Some(change.detail.id);
            let older = builds::under_way_before(
                self.tx,
                application.id,
                &new.ref_name,
                number,
                trigger,
                request,
            )
            .await?;
            self.stop(older, &[], &sentence::superseded(number)).await?;
        }
        Ok(Decided {
            outcome: DecisionOutcome::Built,
            reason: "built",
            sentence: sentence::built(number, trigger, false),
            build: Some(new.id),
        })
    }
}
