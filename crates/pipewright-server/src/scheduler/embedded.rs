//! The embedded runner's dispatcher: hands out attempts from the database, takes logs and reports, in this process.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::build::{AttemptOutcome, BuildEvent};
use pipewright_core::ids::{AttemptId, RunnerId};
use pipewright_core::wire::{
    Assignment, AttemptReport, Directive, GivenArtifact, NewArtifact, Timing,
};
use pipewright_git::trouble::is_of_machine;
use pipewright_runner::artifacts::ArtifactStream;
use pipewright_runner::runner::{DispatchError, Dispatcher, Resumed};
use pipewright_store::attempts::{self, Claim, Ended};
use pipewright_store::logs::LogAppender;
use pipewright_store::{StoreError, artifacts, builds, output_variables};
use uuid::Uuid;

use super::assign::{ToAssign, assign};
use super::finish::{Ending, Which, finish};
use super::hold::{Holding, Holdings};
use super::resume::resume;
use super::room::{Room, full_disk, lacking};
use super::{AdvanceError, LEASE, advance};
use crate::app::App;
use crate::ground::{Aftermath, chain};
use crate::live::Part;

/// How long a claim waits for work at most.
const POLL: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(crate) struct EmbeddedDispatcher {
    app: App,
    runner: RunnerId,
    held: Holdings,
    room: Room,
}

impl EmbeddedDispatcher {
    pub(crate) fn new(app: App, runner: RunnerId) -> Self {
        Self {
            app,
            runner,
            held: Holdings::default(),
            room: Room::default(),
        }
    }

    /// What could not be run while the machine had no room is no fault of the build's, whatever the words of it, and nor is a
    /// script that failed while the disk was full.
    fn judged(&self, mut report: AttemptReport, holding: &Holding) -> AttemptReport {
        let app = &self.app;
        let (place, floors) = (&app.config.data_directory, &app.config.floors);
        let step = (holding.build, holding.position);
        let is_scripts_own = report.outcome == AttemptOutcome::Failed && report.exit_code.is_some();
        let lacked = match report.outcome {
            AttemptOutcome::Errored => lacking(place, floors),
            _ if is_scripts_own => holding.lacked.clone().or_else(|| full_disk(place, floors)),
            _ => None,
        };
        match lacked {
            Some(why) if !is_scripts_own || self.room.is_excused(step.0, step.1) => {
                tracing::warn!(
                    words = report.message,
                    why,
                    "an attempt was not run to its own end"
                );
                report.outcome = AttemptOutcome::Interrupted;
                report.message = Some(format!("Given back, because {why}. The step runs again."));
            }
            Some(why) => {
                report.message.get_or_insert_with(|| {
                    format!(
                        "The disk was full each time this script failed ({why}). The step may be what fills it."
                    )
                });
            }
            None if report.outcome != AttemptOutcome::Interrupted => {
                self.room.ended(step.0, step.1);
            }
            None => {}
        }
        // A server that stops gives everything back.
        if report.outcome == AttemptOutcome::Interrupted && !app.live().vitals.is_stopping() {
            self.room.gave_back(
                app,
                report
                    .message
                    .as_deref()
                    .unwrap_or("its runner gave no reason"),
            );
        }
        report
    }

    /// Notes of these attempts that the disk is full, if it is: a script that fails now may fail of that.
    fn look_at_disk(&self, attempts: impl IntoIterator<Item = AttemptId>) {
        let config = &self.app.config;
        if let Some(why) = full_disk(&config.data_directory, &config.floors) {
            for attempt in attempts {
                self.ran_short(attempt, &why);
            }
        }
    }

    /// Notes what the disk lacked while the attempt ran.
    pub(super) fn ran_short(&self, attempt: AttemptId, why: &str) {
        self.held
            .update(attempt, |holding| holding.lacked = Some(why.to_owned()));
    }

    /// The attempt is not ours any more.
    fn release(&self, attempt: AttemptId) {
        self.held.remove(attempt);
        self.app.live().beats.forget(attempt);
    }

    /// Claims in one transaction, then makes the assignments. An attempt that cannot be assigned ends as errored.
    async fn claim_now(&self, slots: usize) -> Result<Vec<Assignment>, StoreError> {
        let app = &self.app;
        let now = app.clock.now();
        let until = now + LEASE;
        let mut aftermath = Aftermath::default();
        let mut claims = Vec::new();
        let mut tx = app.db.begin().await?;
        for _ in 0..slots {
            let lease = Uuid::now_v7();
            let claimed = match attempts::claim(
                &mut tx,
                Claim {
                    runner: self.runner,
                    lease,
                    until,
                    now,
                },
            )
            .await
            {
                Ok(Some(claimed)) => claimed,
                Ok(None) => break,
                // Another server took what the attempt must have at the same moment. All of this is done again at the next look.
                Err(error) if error.is_unique_violation() => {
                    tx.rollback().await?;
                    app.live().attempts.ring();
                    return Ok(Vec::new());
                }
                Err(error) => return Err(error),
            };
            let Some(mut stored) = builds::load_run(&mut tx, claimed.build_id).await? else {
                continue;
            };
            let event = BuildEvent::AttemptStarted {
                step: claimed.position,
                attempt: claimed.number,
            };
            match advance(app, &mut tx, &mut stored, event, None, now, &mut aftermath).await {
                Ok(()) => {}
                Err(AdvanceError::Store(error)) => return Err(error),
                Err(AdvanceError::Refused(refused)) => {
                    // Never seen; ending the attempt keeps it from being claimed for ever.
                    tracing::error!(attempt = %claimed.id, %refused, "an attempt was queued for a build that does not want it");
                    attempts::finish(
                        &mut tx,
                        claimed.id,
                        lease,
                        &ended(AttemptOutcome::Stopped, None),
                        now,
                    )
                    .await?;
                    continue;
                }
            }
            builds::set_begun(&mut tx, claimed.build_id, now).await?;
            let Some(plan) = stored.plan else { continue };
            let before = plan.steps_before(claimed.position);
            let output_variables =
                output_variables::before(&mut tx, &app.vault, claimed.build_id, before).await?;
            let wanted = plan
                .step(claimed.position)
                .and_then(|step| step.artifact_downloads.as_ref());
            let mut artifacts = artifacts::given(&mut tx, claimed.build_id, before).await?;
            artifacts.retain(|artifact| wanted.is_none_or(|names| names.contains(&artifact.name)));
            // Only the very first attempt waited since the push; others since they were queued.
            let first = claimed.position == 0 && claimed.number == 1;
            let accepted_at = if first {
                stored.context.accepted_at
            } else {
                claimed.queued_at
            };
            claims.push(ToAssign {
                claimed,
                lease,
                accepted_at,
                context: stored.context,
                plan,
                output_variables,
                artifacts,
            });
        }
        if claims.is_empty() {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        tx.commit().await?;
        // A build has begun, and with it younger ones of its ref may.
        aftermath.attempt_queued();
        aftermath.announce(app);
        let mut assignments = Vec::with_capacity(claims.len());
        for claim in claims {
            app.live()
                .beats
                .heard(claim.claimed.id, app.clock.elapsed());
            self.held.add(
                claim.claimed.id,
                Holding {
                    given: claim.artifacts.iter().map(|artifact| artifact.id).collect(),
                    ..Holding::new(
                        claim.lease,
                        claim.context.account_id,
                        claim.claimed.build_id,
                        claim.claimed.position,
                        claim.claimed.number,
                    )
                },
            );
            match assign(app, &claim).await {
                Ok(assignment) => assignments.push(assignment),
                Err(error) => {
                    let report =
                        AttemptReport::of(AttemptOutcome::Errored, None, Some(error.to_string()));
                    // A failure leaves the attempt to the end of its lease.
                    if let Err(error) = self.finished(claim.claimed.id, claim.lease, report).await {
                        tracing::warn!(attempt = %claim.claimed.id, %error, "an attempt that cannot run was not ended");
                    }
                }
            }
        }
        Ok(assignments)
    }
}

fn ended(outcome: AttemptOutcome, message: Option<String>) -> Ended {
    Ended::of(outcome, message)
}

/// The database did not do as asked; where that is its own trouble, health says so at once.
fn refused(app: &App, error: &StoreError) -> DispatchError {
    if error.is_unavailable() {
        app.live().vitals.doubt_database(chain(error));
    }
    unavailable(error)
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> DispatchError {
    DispatchError::Unavailable(chain(error))
}

impl Dispatcher for EmbeddedDispatcher {
    async fn begin(&self, living: &[(AttemptId, Uuid)]) -> Result<Vec<Resumed>, DispatchError> {
        resume(&self.app, self.runner, &self.held, living)
            .await
            .map_err(|error| unavailable(&error))
    }

    async fn claim(&self, free_slots: usize) -> Result<Vec<Assignment>, DispatchError> {
        // Registered before looking, so that a hint between the look and the wait is not lost.
        let hint = self.app.live().attempts.listen();
        self.look_at_disk(self.held.all());
        let assignments = if self.room.is_there(&self.app) {
            self.claim_now(free_slots).await
        } else {
            Ok(Vec::new())
        };
        let vitals = &self.app.live().vitals;
        let assignments = assignments.map_err(|error| {
            let error = refused(&self.app, &error);
            vitals.unwell(Part::Runner, format!("it cannot claim: {error}"));
            error
        })?;
        vitals.well(Part::Runner);
        if assignments.is_empty() {
            let _ = tokio::time::timeout(POLL, hint.rung()).await;
        }
        Ok(assignments)
    }

    async fn started(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        timings: Vec<Timing>,
    ) -> Result<(), DispatchError> {
        let now = self.app.clock.now();
        let holding = self
            .held
            .get(attempt, lease)
            .ok_or(DispatchError::LeaseGone)?;
        self.room.ran();
        // Kept here, and written with the next heartbeat or the report: a commit of its own would cost every short step
        // as much as its claim.
        self.held
            .update(attempt, |holding| holding.begun = Some((now, timings)));
        self.app.live().news.tell(crate::live::NewsItem::Build {
            account: holding.account,
            build: holding.build,
        });
        Ok(())
    }

    async fn heartbeat(
        &self,
        held: &[(AttemptId, Uuid)],
    ) -> Result<Vec<(AttemptId, Directive)>, DispatchError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let until = self.app.clock.now() + LEASE;
        let beats = &self.app.live().beats;
        for (attempt, _) in held {
            beats.speaks(*attempt);
        }
        self.look_at_disk(held.iter().map(|(attempt, _)| *attempt));
        let renewed = async {
            let mut answers = Vec::with_capacity(held.len());
            let mut tx = self.app.db.begin().await?;
            for (attempt, lease) in held {
                let holding = self.held.get(*attempt, *lease);
                let size = holding
                    .as_ref()
                    .map(|holding| holding.size)
                    .unwrap_or_default();
                let directive =
                    match attempts::renew(&mut tx, *attempt, *lease, until, size).await? {
                        None => Directive::Abandon,
                        Some(true) => Directive::Stop,
                        Some(false) => Directive::Continue,
                    };
                if let Some((at, timings)) = holding.and_then(|holding| holding.begun) {
                    attempts::begin(&mut tx, *attempt, *lease, &timings, at).await?;
                }
                answers.push((*attempt, directive));
            }
            tx.commit().await?;
            Ok::<_, StoreError>(answers)
        };
        let renewed = renewed.await;
        for (attempt, _) in held {
            beats.spoke(*attempt, self.app.clock.elapsed());
        }
        let answers = renewed.map_err(|error| refused(&self.app, &error))?;
        for (attempt, directive) in &answers {
            if *directive == Directive::Abandon {
                self.release(*attempt);
            }
        }
        Ok(answers)
    }

    async fn directive(&self) -> (AttemptId, Directive) {
        (self.app.live().stops.next().await, Directive::Stop)
    }

    async fn append_log(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        offset: u64,
        bytes: Bytes,
    ) -> Result<(), DispatchError> {
        let now = self.app.clock.now();
        let holding = self
            .held
            .get(attempt, lease)
            .ok_or(DispatchError::LeaseGone)?;
        // A program that finds no space says so before it ends.
        self.look_at_disk([attempt]);
        let logs = self.app.logs.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut log = holding.log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.is_none() {
                *log = Some(logs.writer(attempt)?);
            }
            let log = log
                .as_mut()
                .ok_or_else(|| std::io::Error::other("the log did not open"))?;
            log.stamp(now);
            log.append_at(offset, &bytes)?;
            Ok::<_, std::io::Error>(log.size())
        });
        let size = written
            .await
            .map_err(|error| unavailable(&error))?
            .map_err(|error| unavailable(&error))?;
        self.held.update(attempt, |holding| holding.size = size);
        self.app
            .live()
            .growth
            .grew(attempt, size.stored, size.lines);
        Ok(())
    }

    async fn put_artifact(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        artifact: &NewArtifact,
        content: ArtifactStream,
    ) -> Result<(), DispatchError> {
        self.held
            .get(attempt, lease)
            .ok_or(DispatchError::LeaseGone)?;
        let written = crate::artifacts::write(&self.app.blobs, artifact.id, content).await;
        let bytes = written.map_err(|error| {
            tracing::warn!(%attempt, %error, "an artifact cannot be written");
            if is_of_machine(&error) {
                // A disk that is full for a while costs the step time, and nothing else.
                return unavailable(&error);
            }
            DispatchError::Refused(format!(
                "the server cannot write it ({error}); look at the disk of its data directory"
            ))
        })?;
        let kept = NewArtifact {
            bytes,
            ..artifact.clone()
        };
        self.held.update(attempt, |holding| {
            holding.artifacts.retain(|known| known.id != kept.id);
            holding.artifacts.push(kept);
        });
        Ok(())
    }

    async fn get_artifact(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        artifact: &GivenArtifact,
    ) -> Result<ArtifactStream, DispatchError> {
        let holding = self
            .held
            .get(attempt, lease)
            .ok_or(DispatchError::LeaseGone)?;
        let refused =
            |why: String| DispatchError::Refused(format!("the server cannot give it: {why}"));
        if !holding.given.contains(&artifact.id) {
            return Err(refused("it belongs to another build".to_owned()));
        }
        crate::artifacts::read(&self.app.blobs, artifact.id)
            .await
            .map_err(|error| refused(error.to_string()))
    }

    async fn finished(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        report: AttemptReport,
    ) -> Result<(), DispatchError> {
        let now = self.app.clock.now();
        let holding = self
            .held
            .get(attempt, lease)
            .ok_or(DispatchError::LeaseGone)?;
        let report = self.judged(report, &holding);
        // What a stopped step left is not kept, though some of it may have come before the word to stop did. The contents
        // that no row speaks of are swept.
        let is_kept = !matches!(
            report.outcome,
            AttemptOutcome::Stopped | AttemptOutcome::Lost | AttemptOutcome::Interrupted
        );
        let ended = Ended {
            outcome: report.outcome,
            exit_code: report.exit_code,
            message: report.message,
            output_variables: if is_kept {
                let sealed = report.output_variables.iter().map(|(name, value)| {
                    let value = output_variables::seal(&self.app.vault, holding.build, name, value);
                    (name.clone(), value)
                });
                sealed.collect()
            } else {
                Vec::new()
            },
            artifacts: if is_kept {
                holding.artifacts
            } else {
                Vec::new()
            },
            artifacts_expire: now + self.app.config.artifact_keep,
            // Of what runs again nothing is told yet.
            tests: report.tests.filter(|_| {
                !matches!(
                    report.outcome,
                    AttemptOutcome::Lost | AttemptOutcome::Interrupted
                )
            }),
            started_at: holding.begun.as_ref().map(|(at, _)| *at),
            timings: Some(report.timings),
            log_bytes: holding.size.printed,
            log_lines: holding.size.lines,
        };
        let which = Which {
            attempt,
            lease,
            build: holding.build,
            position: holding.position,
            number: holding.number,
        };
        // The end of an attempt is stored when the log that it speaks of survives the power going.
        let log = Arc::clone(&holding.log);
        tokio::task::spawn_blocking(move || {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.as_ref().map_or(Ok(()), LogAppender::make_last)
        })
        .await
        .map_err(|error| unavailable(&error))?
        .map_err(|error| unavailable(&error))?;
        let accepted = finish(&self.app, which, &ended, Ending::Reported, now)
            .await
            .map_err(|error| unavailable(&error))?;
        self.release(attempt);
        self.app
            .live()
            .growth
            .complete(attempt, holding.size.stored, holding.size.lines);
        if accepted {
            Ok(())
        } else {
            Err(DispatchError::LeaseGone)
        }
    }
}
