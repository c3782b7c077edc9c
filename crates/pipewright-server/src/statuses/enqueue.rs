//! Puts a status into the outbox, in the transaction that made it true.

use pipewright_bitbucket::status::StatusKey;
use pipewright_core::build::BuildOutcome;
use pipewright_core::{RefName, Timestamp, TriggerKind};
use pipewright_store::builds::RunContext;
use pipewright_store::statuses::{NewStatus, StatusState, enqueue as insert};
use pipewright_store::{StoreError, Tx, attempts};
use serde::{Deserialize, Serialize};

use super::text::{self, Told};
use crate::app::App;
use crate::ground::{Aftermath, build_page};

/// What the outbox keeps of a status beside its columns. Fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// The application's id, which the key is made of.
    pub(crate) application: String,
    /// Its name.
    pub(crate) application_name: String,
    /// Its part of addresses, which people choose and read; empty in what an older version stored.
    #[serde(default)]
    pub(crate) application_slug: String,
    /// What started the build, which the key is made of: see [`trigger_word`].
    pub(crate) trigger: String,
    /// The branch or tag.
    pub(crate) ref_name: RefName,
    /// The first line.
    pub(crate) name: String,
    /// The second line.
    pub(crate) description: String,
    /// The build's page.
    pub(crate) url: String,
    /// The build's number.
    pub(crate) number: i64,
    /// How long it ran, in microseconds, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<u64>,
}

impl Payload {
    /// What Data Center's required builds are configured with, by people: `pipewright/checkout-api`.
    pub(crate) fn parent(&self) -> String {
        let name = if self.application_slug.is_empty() {
            &self.application
        } else {
            &self.application_slug
        };
        format!("pipewright/{name}")
    }

    /// The key: the same for each build of one application, trigger and ref, so that a rerun replaces the status of the
    /// build it repeats, and different for two refs on one commit (trap T18).
    pub(crate) fn key(&self) -> StatusKey {
        StatusKey::new(
            &self.application,
            &self.application_name,
            &self.trigger,
            Some(&self.ref_name),
        )
    }
}

/// Tells Bitbucket of a build. `end` is given where it has ended.
pub(crate) async fn enqueue(
    app: &App,
    tx: &mut Tx,
    build: &RunContext,
    state: StatusState,
    end: Option<Told>,
    now: Timestamp,
    aftermath: &mut Aftermath,
) -> Result<(), StoreError> {
    let ran_for = end.map(|_| now.since(build.started_at.unwrap_or(now)));
    let without = match end {
        Some(Told {
            outcome: BuildOutcome::Passed,
            ..
        }) => attempts::qualifications(tx, build.id).await?,
        _ => Vec::new(),
    };
    let payload = Payload {
        application: build.application_id.to_string(),
        application_name: build.application_name.clone(),
        application_slug: build.application_slug.clone(),
        trigger: trigger_word(build),
        ref_name: build.ref_name.clone(),
        name: text::name(build),
        description: text::description(end, ran_for, &without),
        url: app.config.public(&build_page(
            &build.account_slug,
            &build.application_slug,
            build.number,
        )),
        number: build.number,
        duration: ran_for.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)),
    };
    let status = NewStatus {
        build_id: build.id,
        integration_id: build.integration_id,
        repository_id: build.repository_id,
        commit: build.commit.as_str().to_owned(),
        key: payload.key().as_str().to_owned(),
        state,
        payload: serde_json::to_value(&payload).unwrap_or_default(),
        created_at: now,
    };
    insert(tx, &status).await?;
    aftermath.status_for(build.integration_id);
    Ok(())
}

/// What tells the statuses of one ref and commit apart: a pull request's from its branch's, a custom pipeline's from
/// another's. A person who runs a branch by hand repeats what a push of it runs.
fn trigger_word(build: &RunContext) -> String {
    match (&build.detail.custom, &build.detail.pull_request) {
        (Some(custom), Some(request)) => format!("custom: {custom}, pull request {}", request.id),
        (Some(custom), None) => format!("custom: {custom}"),
        (None, Some(request)) => format!("pull request {}", request.id),
        (None, None) if build.ref_name.is_branch() => TriggerKind::Push.as_str().to_owned(),
        (None, None) => TriggerKind::Tag.as_str().to_owned(),
    }
}
