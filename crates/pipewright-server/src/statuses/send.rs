//! The lane that sends: one status of an integration at a time, in order, with one budget for its credential.
//!
//! What Bitbucket cannot take now is sent later; what it asks to wait for holds back everything of that integration; what
//! it will never take, or has not taken for a day, is given up with a sentence that the build's page shows. A state that a
//! newer one of the same key has replaced is not sent late.

use std::time::Duration;

use pipewright_bitbucket::ApiError;
use pipewright_bitbucket::remote::RepositoryAddress;
use pipewright_bitbucket::status::{BuildStatus, PostedStatus, StatusState as Told};
use pipewright_core::ids::IntegrationId;
use pipewright_store::StoreError;
use pipewright_store::statuses::{self, StatusState, ToSend};
use uuid::Uuid;

use super::enqueue::Payload;
use crate::access::bitbucket_for;
use crate::app::App;
use crate::ground::{Lane, backoff};
use crate::live::{NewsItem, Part};

/// A status that Bitbucket has not taken for so long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// How long to wait where a person must do something first.
const PERSON_PAUSE: Duration = Duration::from_mins(5);

/// The longest pause, whatever Bitbucket asks for: the store takes what lies further ahead for a mistake of the clock.
const LONGEST_PAUSE: Duration = Duration::from_mins(20);

/// See the module.
#[derive(Debug)]
pub(crate) struct StatusLane(pub(crate) App);

/// What is to be done with a status.
enum Verdict {
    Sent,
    Later {
        after: Duration,
        why: String,
        everything: bool,
    },
    Never(String),
}

impl Lane for StatusLane {
    type Key = IntegrationId;
    type Unit = ToSend;
    type Id = Uuid;

    const PART: Part = Part::Statuses;
    const SIDE_BY_SIDE: usize = 4;

    async fn waiting(&self, limit: i64) -> Result<Vec<IntegrationId>, StoreError> {
        statuses::integrations_to_tell(&self.0.db, self.0.clock.now(), limit).await
    }

    async fn next(&self, key: IntegrationId) -> Result<Option<ToSend>, StoreError> {
        statuses::next(&self.0.db, key, self.0.clock.now()).await
    }

    fn id(unit: &ToSend) -> Uuid {
        unit.id
    }

    async fn step(&self, status: ToSend) -> Result<(), StoreError> {
        let app = &self.0;
        let verdict = send(app, &status).await;
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        match verdict {
            Verdict::Sent => statuses::sent(&mut tx, status.id, now).await?,
            Verdict::Never(why) => {
                tracing::warn!(build = %status.build_id, why, "a status is not sent");
                statuses::give_up(&mut tx, status.id, &why, now).await?;
            }
            Verdict::Later {
                after,
                why,
                everything,
            } => {
                if statuses::is_replaced(&mut tx, status.id).await? {
                    statuses::give_up(
                        &mut tx,
                        status.id,
                        "Replaced by a newer state before Bitbucket accepted it.",
                        now,
                    )
                    .await?;
                } else if now.since(status.created_at) > GIVE_UP_AFTER {
                    let why = format!("Given up after a day: {why}");
                    statuses::give_up(&mut tx, status.id, &why, now).await?;
                } else {
                    statuses::retry_later(&mut tx, status.id, now + after, &why).await?;
                }
                if everything {
                    statuses::hold(&mut tx, status.integration_id, now + after).await?;
                }
            }
        }
        tx.commit().await?;
        app.live().news.tell(NewsItem::Build {
            account: status.account_id,
            build: status.build_id,
        });
        Ok(())
    }

    async fn panicked(&self, id: Uuid) -> Result<(), StoreError> {
        let mut tx = self.0.db.begin().await?;
        statuses::give_up(
            &mut tx,
            id,
            "A bug in Pipewright stopped this status from being sent; the server's log has the details.",
            self.0.clock.now(),
        )
        .await?;
        tx.commit().await
    }
}

async fn send(app: &App, status: &ToSend) -> Verdict {
    let told = match to_tell(status) {
        Ok(told) => told,
        Err(why) => return Verdict::Never(why),
    };
    let bitbucket = match bitbucket_for(app, status.integration_id).await {
        Ok(bitbucket) => bitbucket,
        Err(error) => {
            let after = if error.is_retryable() {
                backoff(status.tries)
            } else {
                PERSON_PAUSE
            };
            return Verdict::Later {
                after,
                why: error.to_string(),
                everything: true,
            };
        }
    };
    let address = RepositoryAddress {
        remote_id: status.remote_id.clone(),
        space: status.owner.clone(),
        slug: status.slug.clone(),
    };
    match bitbucket.post_status(&address, &told).await {
        Ok(PostedStatus::Posted) => Verdict::Sent,
        Ok(PostedStatus::Skipped(problem)) => Verdict::Never(problem.to_string()),
        Err(error) => after_failure(&error, status.tries),
    }
}

fn after_failure(error: &ApiError, tries: i64) -> Verdict {
    let why = error.to_string();
    if matches!(error, ApiError::RateLimited { .. }) {
        let after = error
            .retry_after()
            .unwrap_or_else(|| backoff(tries).max(Duration::from_mins(1)))
            .min(LONGEST_PAUSE);
        return Verdict::Later {
            after,
            why,
            everything: true,
        };
    }
    if error.is_retryable() {
        return Verdict::Later {
            after: backoff(tries),
            why,
            everything: false,
        };
    }
    if error.needs_a_person() {
        return Verdict::Later {
            after: PERSON_PAUSE,
            why,
            everything: false,
        };
    }
    Verdict::Never(why)
}

/// The row as Bitbucket's client takes it.
fn to_tell(status: &ToSend) -> Result<BuildStatus, String> {
    let payload: Payload = serde_json::from_value(status.payload.clone())
        .map_err(|error| format!("The stored status cannot be read: {error}."))?;
    let commit = status
        .commit_hash
        .parse()
        .map_err(|error| format!("The stored status cannot be read: {error}."))?;
    let url = payload
        .url
        .parse()
        .map_err(|error| format!("The build's URL {:?} is not valid: {error}.", payload.url))?;
    Ok(BuildStatus {
        commit,
        key: payload.key(),
        state: match status.state {
            StatusState::InProgress => Told::InProgress,
            StatusState::Successful => Told::Successful,
            StatusState::Failed => Told::Failed,
            StatusState::Stopped => Told::Stopped,
        },
        reference: Some(payload.ref_name.clone()),
        parent: payload.parent(),
        name: payload.name,
        description: payload.description,
        url,
        build_number: u64::try_from(payload.number).unwrap_or_default(),
        duration: payload.duration.map(Duration::from_micros),
        updated_at: Some(status.created_at),
        tests: None,
    })
}
