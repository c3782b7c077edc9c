//! From a claimed attempt to an assignment: what to run, in which environment, and how to clone.
//!
//! The clone credential is minted now, when the attempt is claimed: an older one may have been revoked or have expired.

use std::time::Duration;

use pipewright_core::plan::Plan;
use pipewright_core::wire::{Assignment, Checkout, CloneCredential, GivenArtifact, Merge};
use pipewright_core::{RefName, TriggerKind};
use pipewright_store::attempts::Claimed;
use pipewright_store::builds::RunContext;
use pipewright_store::{StoreError, repositories, variables};
use uuid::Uuid;

use super::environment::{attempt_variables, environment_of};
use crate::access::{IntegrationUnavailable, clone_credential};
use crate::app::App;
use crate::oidc::{MintError, mint};
use crate::ssh_keys;
use crate::variables::{GiveError, Given, given};

/// The variable that holds a step's token. It is in the environment and nowhere else: a token is never stored.
const OIDC_TOKEN: &str = "BITBUCKET_STEP_OIDC_TOKEN";

/// What is known of a claimed attempt when its transaction has ended.
#[derive(Debug)]
pub(super) struct ToAssign {
    pub(super) claimed: Claimed,
    pub(super) lease: Uuid,
    pub(super) context: RunContext,
    pub(super) plan: Plan,
    pub(super) accepted_at: pipewright_core::Timestamp,
    /// Of earlier steps.
    pub(super) output_variables: Vec<(String, String)>,
    /// Of earlier steps.
    pub(super) artifacts: Vec<GivenArtifact>,
}

/// An attempt cannot be handed to a runner.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssignError {
    /// The repository cannot be cloned.
    #[error("The repository cannot be cloned: {0}.")]
    Integration(#[from] IntegrationUnavailable),
    /// Its plan has no such step, or its repository is gone.
    #[error("{0}")]
    Gone(&'static str),
    /// A variable does not open.
    #[error("The step cannot be given its variables: {0}.")]
    Variables(#[from] GiveError),
    /// Its token is not signed.
    #[error("The step cannot be given its OpenID Connect token: {0}.")]
    Oidc(#[from] MintError),
    /// Its application's SSH key does not open.
    #[error("The step cannot be given its SSH key: {0}.")]
    Ssh(#[from] ssh_keys::GiveError),
    /// The database failed.
    #[error("The database is not responding: {0}.")]
    Store(#[from] StoreError),
}

/// What is merged into the build's commit: the destination of its pull request, as it was when the build was planned.
fn merge_of(context: &RunContext) -> Result<Option<Merge>, AssignError> {
    let request = context
        .detail
        .pull_request
        .as_ref()
        .filter(|_| context.trigger == TriggerKind::PullRequest);
    let Some((request, commit)) =
        request.and_then(|request| Some((request, request.merged.clone()?)))
    else {
        return Ok(None);
    };
    let ref_name = RefName::branch(&request.destination)
        .map_err(|_| AssignError::Gone("The pull request's destination is no branch."))?;
    Ok(Some(Merge { ref_name, commit }))
}

/// What a step is given of its account's variables: as they are now, not as they were when the build was made, because a
/// revoked token must not be used.
pub(super) async fn given_to(
    app: &App,
    context: &RunContext,
    plan: &Plan,
    position: usize,
) -> Result<Given, AssignError> {
    let known = variables::known(&app.db, context.account_id, context.application_id).await?;
    Ok(given(&app.vault, &known, environment_of(plan, position))?)
}

/// Makes the assignment.
pub(super) async fn assign(app: &App, from: &ToAssign) -> Result<Assignment, AssignError> {
    let context = &from.context;
    let step = from
        .plan
        .step(from.claimed.position)
        .ok_or(AssignError::Gone(
            "The plan has no such step; rerun the build.",
        ))?;
    let repository = repositories::get(&app.db, context.repository_id)
        .await?
        .ok_or(AssignError::Gone("The repository was removed."))?;
    let given = given_to(app, context, &from.plan, from.claimed.position).await?;
    let mut masked = given.secured;
    let ssh = ssh_keys::given(
        app,
        context.account_id,
        context.application_id,
        repository.integration,
    )
    .await?;
    masked.extend(ssh.private_key.clone());
    let mut environment = attempt_variables(
        context,
        &repository,
        &from.plan,
        &from.claimed,
        given.variables,
    );
    if step.oidc {
        let token = mint(app, context, &repository, &from.claimed, step).await?;
        environment.push((OIDC_TOKEN.to_owned(), token.expose().to_owned()));
        masked.push(token);
    }
    let checkout = if step.clone.enabled {
        let (url, credential) = clone_credential(app, context.repository_id).await?;
        if let CloneCredential::Header { value } = &credential {
            masked.push(value.clone());
        }
        Some(Checkout {
            repository: context.repository_id,
            url,
            credential,
            ref_name: context.ref_name.clone(),
            commit: context.commit.clone(),
            merge: merge_of(context)?,
        })
    } else {
        None
    };
    Ok(Assignment {
        attempt: from.claimed.id,
        lease: from.lease,
        step: from.claimed.step_id,
        build: context.id,
        application: context.application_id,
        application_name: context.application_name.clone(),
        build_number: context.number,
        attempt_number: from.claimed.number,
        accepted_at: from.accepted_at,
        plan: step.clone(),
        checkout,
        environment,
        output_variables: from.output_variables.clone(),
        artifacts: from.artifacts.clone(),
        ssh,
        masked,
        max_time: Duration::from_secs(u64::from(step.max_time_minutes) * 60),
    })
}
