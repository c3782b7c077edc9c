//! What becomes of a branch or tag that moved, for one application.
//!
//! Where a move belongs is `order`'s; here is what follows of it: where the ref stands, the build, and the older builds that a
//! newer one replaces. A build whose place is not known is never replaced, and replaces none.

use pipewright_core::TriggerKind;
use pipewright_core::ids::BuildId;
use pipewright_store::StoreError;
use pipewright_store::builds::{self, Created, TriggerDetail};
use pipewright_store::decisions::DecisionOutcome;
use pipewright_store::deliveries::{DecideApplication, Origin};
use pipewright_store::ref_moves::{self, NewRefMove};
use pipewright_store::refs::{self, Standing};

use super::candidate::RefMove;
use super::order::{Past, Place, Told};
use super::record::{Decided, Recorder};
use super::rules::{Verdict, judge_ref};
use super::sentence;

/// How a move is noted.
struct Note {
    is_compared: bool,
    is_gap: bool,
    is_settled: bool,
}

impl Recorder<'_> {
    pub(super) async fn decide_ref(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
    ) -> Result<Decided, StoreError> {
        let past = Past {
            stands: refs::get(self.tx, application.id, &moved.name).await?,
            moves: ref_moves::of_ref(self.tx, application.id, &moved.name).await?,
        };
        // A listing says where a ref stands and not how it got there, so it has rules of its own.
        if let Some(newest) = moved.compared {
            return self.decide_seen(application, moved, &past, newest).await;
        }
        let event = self.delivery.event.clone();
        let place = past.place(&Told {
            event: &event,
            old: &moved.old,
            new: &moved.new,
            happened_at: moved.happened_at,
            is_repeated: self.delivery.attempt_number > 1
                || self.delivery.origin == Origin::Redelivery,
        });
        match place {
            Place::Known { index, in_doubt } => {
                // Known, but perhaps not the newest: a listing settles what the ref stands at.
                if in_doubt {
                    self.compare.insert(application.id);
                }
                self.decide_known(application, moved, &past, index).await
            }
            // A comparison saw the move first; now its own delivery names it.
            Place::Found {
                index,
                is_gap,
                in_doubt,
            } => {
                if in_doubt {
                    self.compare.insert(application.id);
                }
                let row = &past.moves[index];
                let (old, happened_at) = (moved.old.as_ref(), moved.happened_at);
                ref_moves::told(self.tx, row.id, &event, old, is_gap, happened_at).await?;
                let stands = past.stands.as_ref().map(|stands| &stands.commit);
                // The delivery knows more of the commit than the listing did (tag object, time), so that is noted too.
                if stands.is_some() && stands == moved.new.as_ref() {
                    self.stand(application, moved).await?;
                }
                self.decide_known(application, moved, &past, index).await
            }
            Place::Next { is_gap } => {
                let note = Note {
                    is_compared: false,
                    is_gap,
                    is_settled: true,
                };
                self.decide_newest(application, moved, &past, note).await
            }
            Place::Earlier { fills, is_gap } => {
                if let Some(index) = fills {
                    ref_moves::filled(self.tx, past.moves[index].id).await?;
                }
                let note = Note {
                    is_compared: false,
                    is_gap,
                    is_settled: true,
                };
                self.decide_late(application, moved, &past, note).await
            }
            // Neither times nor the chain of moves say where it belongs: it is not built for the newest until a listing shows it.
            Place::Unknown { fills, is_gap } => {
                self.compare.insert(application.id);
                if let Some(index) = fills {
                    ref_moves::filled(self.tx, past.moves[index].id).await?;
                }
                let note = Note {
                    is_compared: false,
                    is_gap,
                    is_settled: false,
                };
                self.decide_late(application, moved, &past, note).await
            }
        }
    }

    /// What comparing refs saw, in a listing that was made after the move `newest` was decided.
    async fn decide_seen(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        newest: i64,
    ) -> Result<Decided, StoreError> {
        let stands = past.stands.as_ref().map(|stands| &stands.commit);
        let was_decided = past
            .moves
            .iter()
            .any(|row| row.event == self.delivery.event);
        if was_decided || stands != moved.old.as_ref() {
            return Ok(Decided::not_built("known", sentence::KNOWN));
        }
        ref_moves::settled_until(self.tx, application.id, &moved.name, newest).await?;
        let Some(index) = past.accounts_for(&moved.new) else {
            let note = Note {
                is_compared: true,
                is_gap: false,
                is_settled: true,
            };
            return self.decide_newest(application, moved, past, note).await;
        };
        let row = &past.moves[index];
        ref_moves::settled(self.tx, row.id).await?;
        let moved = RefMove {
            happened_at: row.happened_at,
            ..moved.clone()
        };
        self.stand(application, &moved).await?;
        let keep: Vec<BuildId> = past
            .moves
            .iter()
            .filter(|other| other.id == row.id || (!other.is_settled && other.id > newest))
            .filter_map(|other| other.build)
            .collect();
        if moved.new.is_none() {
            self.stop_of_deleted(application, &moved, &keep).await?;
        } else if let (true, true, Some(number)) = (
            application.cancel_superseded,
            moved.name.is_branch(),
            row.build_number,
        ) {
            let (name, push) = (&moved.name, TriggerKind::Push);
            let older =
                builds::under_way_before(self.tx, application.id, name, i64::MAX, push, None)
                    .await?;
            self.stop(older, &keep, &sentence::superseded(number))
                .await?;
        }
        Ok(Decided {
            build: row.build_number.and(row.build),
            ..Decided::not_built("known", sentence::explained(row.build_number))
        })
    }

    /// A move that was decided before: nothing moves. It is built where it was not, and would be now.
    async fn decide_known(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        index: usize,
    ) -> Result<Decided, StoreError> {
        let row = &past.moves[index];
        if let Some(build) = row.build {
            return Ok(Decided::duplicate(build, row.build_number));
        }
        let stands = past.stands.as_ref().map(|stands| &stands.commit);
        let replaces = stands == moved.new.as_ref();
        let decided = self.judge(application, moved, past, replaces).await?;
        if let (DecisionOutcome::Built, Some(build)) = (decided.outcome, decided.build) {
            ref_moves::built(self.tx, row.id, build).await?;
        }
        Ok(decided)
    }

    /// The newest move: the ref stands there.
    async fn decide_newest(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        note: Note,
    ) -> Result<Decided, StoreError> {
        let decided = self.judge(application, moved, past, true).await?;
        if self.was_forgotten(&decided) {
            return Ok(decided);
        }
        self.stand(application, moved).await?;
        if moved.new.is_none() {
            let keep = unplaced(past);
            self.stop_of_deleted(application, moved, &keep).await?;
        }
        self.note(application, moved, past, note, &decided).await?;
        Ok(decided)
    }

    /// A move that a newer one overtook, or whose place is not known: it is built, and moves and replaces nothing.
    async fn decide_late(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        note: Note,
    ) -> Result<Decided, StoreError> {
        let decided = self.judge(application, moved, past, false).await?;
        if !self.was_forgotten(&decided) {
            self.note(application, moved, past, note, &decided).await?;
        }
        Ok(decided)
    }

    /// True where a person delivers again what was built so long ago that its move is not kept any more.
    fn was_forgotten(&self, decided: &Decided) -> bool {
        self.delivery.origin == Origin::Redelivery && decided.outcome == DecisionOutcome::Duplicate
    }

    /// Judges by the application's rules, and makes the build.
    async fn judge(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        replaces: bool,
    ) -> Result<Decided, StoreError> {
        let (trigger, commit) = match (judge_ref(application, moved), &moved.new) {
            (Verdict::Build(trigger), Some(commit)) => (trigger, commit),
            (Verdict::Build(_), None) => {
                return Ok(Decided::not_built("deleted", "There is nothing to build."));
            }
            (Verdict::Not { reason, sentence }, _) => {
                return Ok(Decided::not_built(reason, sentence));
            }
        };
        let mut new = self.new_build(
            application,
            &moved.name,
            commit,
            moved.old.as_ref(),
            trigger,
            TriggerDetail::default(),
        );
        let is_event = self.delivery.origin != Origin::Redelivery;
        let number = match self.create(&mut new, is_event).await? {
            Created::New { number } => number,
            Created::Existing { id, number } => return Ok(Decided::duplicate(id, Some(number))),
        };
        if replaces && application.cancel_superseded && trigger != TriggerKind::Tag {
            let older = builds::under_way_before(
                self.tx,
                application.id,
                &new.ref_name,
                number,
                trigger,
                None,
            )
            .await?;
            let keep = unplaced(past);
            self.stop(older, &keep, &sentence::superseded(number))
                .await?;
        }
        Ok(Decided {
            outcome: DecisionOutcome::Built,
            reason: "built",
            sentence: sentence::built(number, trigger, moved.compared.is_some()),
            build: Some(new.id),
        })
    }

    async fn stand(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
    ) -> Result<(), StoreError> {
        let Some(commit) = &moved.new else {
            return refs::remove(self.tx, application.id, &moved.name).await;
        };
        let standing = Standing {
            commit: commit.clone(),
            object: moved.object.clone(),
            happened_at: moved.happened_at,
        };
        refs::put(self.tx, application.id, &moved.name, &standing, self.now).await
    }

    async fn note(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        past: &Past,
        note: Note,
        decided: &Decided,
    ) -> Result<(), StoreError> {
        let event = self.delivery.event.clone();
        let new = NewRefMove {
            application: application.id,
            ref_name: &moved.name,
            event: &event,
            old: moved.old.as_ref(),
            new: moved.new.as_ref(),
            is_compared: note.is_compared,
            is_gap: note.is_gap,
            is_settled: note.is_settled,
            happened_at: moved.happened_at,
            build: decided.build,
            decided_at: self.now,
        };
        ref_moves::insert(self.tx, &new, past.moves.len()).await
    }

    async fn stop_of_deleted(
        &mut self,
        application: &DecideApplication,
        moved: &RefMove,
        keep: &[BuildId],
    ) -> Result<(), StoreError> {
        if !application.cancel_superseded {
            return Ok(());
        }
        let why = sentence::ref_deleted(moved.name.kind().as_str(), moved.name.short());
        let builds = builds::under_way_of_ref(self.tx, application.id, &moved.name).await?;
        self.stop(builds, keep, &why).await
    }
}

/// Builds of moves whose place is not known: they may be newer than what is decided now.
fn unplaced(past: &Past) -> Vec<BuildId> {
    past.moves
        .iter()
        .filter(|row| !row.is_settled)
        .filter_map(|row| row.build)
        .collect()
}
