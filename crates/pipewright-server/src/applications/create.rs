//! Making an application: its row, its webhook's row, the task that notes where its refs stand, and its first build, all
//! or nothing.

use pipewright_core::ids::{ApplicationId, BuildId};
use pipewright_core::{RefName, Right, Timestamp, TriggerKind};
use pipewright_store::applications::{self, NewApplication, Rules, Watch};
use pipewright_store::builds::{self, NewBuild, TriggerDetail};
use pipewright_store::integrations::IntegrationState;
use pipewright_store::repositories::Repository;
use pipewright_store::{StoreError, Tx, inspections, integrations, refs};
use serde_json::json;

use super::slug::{numbered, suggest};
use crate::accounts::refuse_builds;
use crate::app::App;
use crate::ground::{Actor, Aftermath, Denied, Failure, Kind, Work, enqueue_within};
use crate::repositories::Findings;
use crate::webhooks;

/// How many names in addresses are tried.
const TRIES: u32 = 50;

/// Why there is no application.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The server itself makes none.
    #[error("only a user can create an application")]
    NoUser,
    /// There is one of this repository already.
    #[error("This repository already has an application in this account; there can be only one.")]
    Exists,
    /// The integration cannot be used.
    #[error(
        "The connection to its Bitbucket cannot be used right now: {0}. Reconnect under Integrations, then create the application."
    )]
    Unusable(String),
    /// Another account builds here, and nothing keeps builds apart.
    #[error("{0}")]
    NotAlone(String),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for CreateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) | Self::NoUser => Kind::Denied,
            Self::Exists | Self::Unusable(_) | Self::NotAlone(_) => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Created {
    /// Its name in addresses.
    pub(crate) slug: String,
    /// The number of its first build; none where the repository is empty or could not be looked into.
    pub(crate) first_build: Option<i64>,
}

/// Makes an application of a repository of the actor's account.
pub(crate) async fn create(
    app: &App,
    actor: &Actor,
    repository: &Repository,
    name: &str,
    rules: Rules,
) -> Result<Created, CreateError> {
    actor.require(Right::ManageApplications)?;
    let created_by = actor.user.ok_or(CreateError::NoUser)?;
    let integration = integrations::get(&app.db, repository.integration).await?;
    let usable = integration
        .as_ref()
        .is_some_and(|integration| integration.state == IntegrationState::Connected);
    if !usable {
        let reason = integration
            .and_then(|integration| integration.state_reason)
            .unwrap_or_else(|| "it is disconnected".to_owned());
        return Err(CreateError::Unusable(reason));
    }
    let findings = inspections::get::<Findings>(&app.db, repository.id).await?;
    let now = actor.at;
    let watch = if app.config.webhooks_reach_us {
        Watch::Webhook
    } else {
        Watch::Polling
    };
    let mut new = NewApplication {
        id: ApplicationId::new(),
        account: actor.account,
        repository: repository.id,
        slug: String::new(),
        name: name.to_owned(),
        rules,
        watch,
        created_by,
    };
    let mut tx = app.db.begin().await?;
    if let Some(sentence) = refuse_builds(app, &mut tx, actor.account).await? {
        return Err(CreateError::NotAlone(sentence));
    }
    if !applications::on_repository(&mut tx, repository.id)
        .await?
        .is_empty()
    {
        return Err(CreateError::Exists);
    }
    let wish = suggest(name);
    let mut made = false;
    for tries in 0..TRIES {
        new.slug = numbered(&wish, tries);
        if applications::insert(&mut tx, &new, now).await? {
            made = true;
            break;
        }
    }
    if !made {
        return Err(CreateError::Exists);
    }
    webhooks::make_row(app, &mut tx, repository).await?;
    let findings = findings.and_then(|found| found.findings);
    note_what_was_seen(&mut tx, new.id, findings.as_ref(), now).await?;
    // Only what has changed since it was looked into is built by itself. Where not everything was seen, this first
    // comparison notes where every ref stands.
    enqueue_within(
        app,
        &mut tx,
        &Work::CompareRefs {
            application: new.id,
        },
        now,
    )
    .await?;
    let first_build = first_build(&mut tx, actor, &new, findings).await?;
    let detail = json!({ "repository": repository.full_name, "auto_build": new.rules.auto_build });
    actor
        .record(&mut tx, "application.created", &new.name, detail)
        .await?;
    tx.commit().await?;
    app.live().integrations.ring();
    app.live().tasks.ring();
    let mut aftermath = Aftermath::default();
    if let Some((build, _)) = first_build {
        aftermath.planned_for(repository.id);
        aftermath.moved(actor.account, build);
    }
    aftermath.announce(app);
    Ok(Created {
        slug: new.slug,
        first_build: first_build.map(|(_, number)| number),
    })
}

/// Notes where every ref stood when the person looked, so that a push from then on is found even if nobody tells of it.
async fn note_what_was_seen(
    tx: &mut Tx,
    application: ApplicationId,
    findings: Option<&Findings>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(found) = findings.filter(|found| found.names_every_ref()) else {
        return Ok(());
    };
    let branches = found
        .branches
        .iter()
        .map(|branch| (RefName::branch(&branch.name), branch));
    let tags = found.tags.iter().map(|tag| (RefName::tag(&tag.name), tag));
    for (name, at) in branches.chain(tags) {
        // A name that cannot be built is not compared either.
        let Ok(name) = name else { continue };
        refs::put_new(tx, application, &name, &at.commit, now).await?;
    }
    refs::compared(tx, application, None, now).await
}

/// The default branch as it was last seen, so that there is something to watch at once.
async fn first_build(
    tx: &mut Tx,
    actor: &Actor,
    application: &NewApplication,
    findings: Option<Findings>,
) -> Result<Option<(BuildId, i64)>, StoreError> {
    let Some(findings) = findings else {
        return Ok(None);
    };
    let head = findings.default_branch.and_then(|name| {
        findings
            .branches
            .into_iter()
            .find(|branch| branch.name == name)
    });
    let Some((head, ref_name)) =
        head.and_then(|head| RefName::branch(&head.name).ok().map(|name| (head, name)))
    else {
        return Ok(None);
    };
    let new = NewBuild {
        id: BuildId::new(),
        account_id: actor.account,
        application_id: application.id,
        ref_name,
        commit: head.commit,
        previous: None,
        trigger: TriggerKind::Manual,
        detail: TriggerDetail::default(),
        repeatable: true,
        event: None,
        delivery_id: None,
        started_by: Some(actor.name.clone()),
        accepted_at: actor.at,
        created_at: actor.at,
    };
    Ok(Some(match builds::create(tx, &new).await? {
        builds::Created::New { number } => (new.id, number),
        builds::Created::Existing { id, number } => (id, number),
    }))
}
