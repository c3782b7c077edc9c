//! A connected account with one application, written as connecting and the wizard would leave it.

use std::time::Duration;

use anyhow::ensure;
use pipewright_core::ids::{
    AccountId, ApplicationId, CredentialId, IntegrationId, RepositoryId, UserId, WebhookId,
};
use pipewright_core::{RefPattern, Role, Secret, Timestamp};
use pipewright_server::{Clock, SystemClock};
use pipewright_store::accounts::{Account, AccountKind};
use pipewright_store::applications::{NewApplication, Rules, Watch};
use pipewright_store::credentials::{CredentialKind, NewCredential};
use pipewright_store::integrations::{
    CloneVia, HostKey, Identity, IntegrationKind, KeyCheck, KeyPair, NewIntegration,
};
use pipewright_store::repositories::SeenRepository;
use pipewright_store::sessions::NewSession;
use pipewright_store::users::User;
use pipewright_store::webhooks::{NewWebhook, WebhookState};
use pipewright_store::{
    Db, Tx, Vault, accounts, applications, credentials, integrations, listings, members, refs,
    repositories, sessions, users, webhooks,
};
use sha2::{Digest, Sha256};

/// The account's part of addresses.
pub(crate) const ACCOUNT: &str = "bench";

/// The Bitbucket Data Center that the account is connected to.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) base_url: String,
    pub(crate) http_url: String,
    pub(crate) ssh_url: String,
    pub(crate) ssh_host: String,
    pub(crate) ssh_port: u16,
    pub(crate) host_key: HostKey,
    pub(crate) key: pipewright_git::ssh::SshKeyPair,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Bitbucket's number of the repository.
    pub(crate) repository: String,
    pub(crate) clone_via: CloneVia,
    /// The branches that are built; empty means every one.
    pub(crate) branches: Vec<RefPattern>,
}

/// What was written.
#[derive(Debug, Clone)]
pub(crate) struct Seeded {
    pub(crate) account: AccountId,
    pub(crate) user: UserId,
    pub(crate) integration: IntegrationId,
    pub(crate) repository: RepositoryId,
    pub(crate) hook_id: WebhookId,
    /// The last part of the webhook's address.
    pub(crate) hook_path: String,
    pub(crate) hook_secret: String,
    /// The value of a cookie that a member is signed in with.
    pub(crate) session: String,
}

/// Id, repository and short name of an application.
pub(crate) type Listed = (ApplicationId, RepositoryId, String);

/// Writes it all in one transaction. Nothing that the server does by itself is due for a day, so that what is measured is
/// what was asked for.
pub(crate) async fn seed(db: &Db, vault: &Vault, remote: &Remote) -> anyhow::Result<Seeded> {
    let now = SystemClock.now();
    let mut tx = db.begin().await?;
    let (account, user, session) = people(&mut tx, now).await?;
    let integration = integration(&mut tx, vault, remote, account, user, now).await?;
    let repository =
        repositories::remember(&mut tx, account, integration, &listed(remote), now).await?;
    application(&mut tx, remote, account, repository, user, "app", now).await?;
    let (hook_id, hook_path, hook_secret) =
        webhook(&mut tx, vault, account, repository, now).await?;
    tx.commit().await?;
    Ok(Seeded {
        account,
        user,
        integration,
        repository,
        hook_id,
        hook_path,
        hook_secret,
        session,
    })
}

async fn people(tx: &mut Tx, now: Timestamp) -> anyhow::Result<(AccountId, UserId, String)> {
    let user = User {
        id: UserId::new(),
        email: "mara@harbor.example".to_owned(),
        name: "Mara Lindqvist".to_owned(),
        password_hash: "nobody signs in with this".to_owned(),
        is_administrator: true,
        created_at: now,
        disabled_at: None,
        may_make_accounts: true,
        may_connect: true,
        email_proved_at: Some(0),
    };
    users::insert(tx, &user).await?;
    let account = Account {
        id: AccountId::new(),
        slug: ACCOUNT.to_owned(),
        name: "Bench".to_owned(),
        kind: AccountKind::Team,
        created_at: now,
    };
    accounts::insert(tx, &account).await?;
    members::add(tx, account.id, user.id, Role::Owner, now).await?;
    let token = uuid::Uuid::now_v7().simple().to_string();
    let session = NewSession {
        token_hash: &Sha256::digest(token.as_bytes()),
        user_id: user.id,
        account_id: Some(account.id),
        now,
        expires_at: now + Duration::from_hours(24),
        address: "127.0.0.1",
        user_agent: "bench",
    };
    sessions::insert(tx, &session).await?;
    Ok((account.id, user.id, token))
}

async fn integration(
    tx: &mut Tx,
    vault: &Vault,
    remote: &Remote,
    account: AccountId,
    user: UserId,
    now: Timestamp,
) -> anyhow::Result<IntegrationId> {
    let id = IntegrationId::new();
    let new = NewIntegration {
        id,
        account,
        kind: IntegrationKind::DataCenter,
        base_url: remote.base_url.clone(),
        identity: Identity {
            user_id: "2".to_owned(),
            user_name: "Mara Lindqvist".to_owned(),
            workspaces: vec!["BEN".to_owned()],
            product_version: Some("9.4.3".to_owned()),
            capabilities: Vec::new(),
            ssh_host: remote.ssh_host.clone(),
            ssh_port: remote.ssh_port,
            features: Vec::new(),
        },
        key: KeyPair {
            public: remote.key.public_line.clone(),
            fingerprint: remote.key.fingerprint.clone(),
            private_sealed: Some(vault.seal(
                &remote.key.private_key,
                &format!("integrations.ssh_private_key:{id}"),
            )),
            made_at: now,
            posted_id: None,
        },
        clone_via: remote.clone_via,
        host_key: Some(remote.host_key.clone()),
        connected_by: user,
        now,
    };
    integrations::insert(tx, &new).await?;
    integrations::set_key_check(tx, id, KeyCheck::Accepted, None, now).await?;
    let credential = CredentialId::new();
    let parts = serde_json::json!({"token": remote.password, "user": remote.user}).to_string();
    let new = NewCredential {
        id: credential,
        integration: id,
        kind: CredentialKind::Basic,
        secret: vault.seal(
            &Secret::new(parts),
            &format!("credentials.secret:{credential}"),
        ),
        scopes: Vec::new(),
        expires_at: None,
    };
    credentials::replace(tx, &new, now).await?;
    ensure!(
        listings::begin(tx, id, now, Duration::from_secs(1)).await?,
        "the listing is new"
    );
    listings::finish(tx, id, now, now).await?;
    Ok(id)
}

fn listed(remote: &Remote) -> SeenRepository {
    SeenRepository {
        remote_id: remote.repository.clone(),
        owner_id: "1".to_owned(),
        owner: "BEN".to_owned(),
        owner_name: "Bench".to_owned(),
        project_key: Some("BEN".to_owned()),
        slug: "app".to_owned(),
        name: "app".to_owned(),
        full_name: "BEN/app".to_owned(),
        is_private: true,
        can_administer: Some(true),
        default_branch: Some("main".to_owned()),
        ssh_url: Some(remote.ssh_url.clone()),
        http_url: Some(remote.http_url.clone()),
        web_url: format!("{}/projects/BEN/repos/app", remote.base_url),
        remote_updated_at: None,
    }
}

async fn application(
    tx: &mut Tx,
    remote: &Remote,
    account: AccountId,
    repository: RepositoryId,
    user: UserId,
    slug: &str,
    now: Timestamp,
) -> anyhow::Result<ApplicationId> {
    let id = ApplicationId::new();
    let new = NewApplication {
        id,
        account,
        repository,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        rules: Rules {
            auto_build: true,
            pushes: true,
            pull_requests: true,
            tags: false,
            branches: remote.branches.clone(),
            cancel_superseded: false,
        },
        watch: Watch::Webhook,
        created_by: user,
    };
    ensure!(
        applications::insert(tx, &new, now).await?,
        "the application is new"
    );
    // Compared tomorrow: refs that only exist in deliveries must not be found missing while they are built.
    refs::compared(tx, id, None, now + Duration::from_hours(24)).await?;
    Ok(id)
}

/// More applications of the same account, each of a repository of its own.
pub(crate) async fn more_applications(
    db: &Db,
    remote: &Remote,
    seeded: &Seeded,
    number: usize,
) -> anyhow::Result<Vec<Listed>> {
    let now = SystemClock.now();
    let mut all = Vec::with_capacity(number);
    let mut tx = db.begin().await?;
    for index in 0..number {
        let slug = format!("service-{index}");
        let seen = SeenRepository {
            remote_id: format!("{}", index + 1000),
            slug: slug.clone(),
            name: slug.clone(),
            full_name: format!("BEN/{slug}"),
            ..listed(remote)
        };
        let (account, user) = (seeded.account, seeded.user);
        let repository =
            repositories::remember(&mut tx, account, seeded.integration, &seen, now).await?;
        let id = application(&mut tx, remote, account, repository, user, &slug, now).await?;
        all.push((id, repository, slug));
    }
    tx.commit().await?;
    Ok(all)
}

async fn webhook(
    tx: &mut Tx,
    vault: &Vault,
    account: AccountId,
    repository: RepositoryId,
    now: Timestamp,
) -> anyhow::Result<(WebhookId, String, String)> {
    let (id, path, secret) = (
        WebhookId::new(),
        "b3nchb3nchb3nchb3nchb3nchb3nchb3nchb3nchb3n".to_owned(),
        "a secret of forty characters, or nearly s".to_owned(),
    );
    let sealed = vault.seal(
        &Secret::new(secret.clone()),
        &format!("webhooks.secret:{id}"),
    );
    webhooks::insert(
        tx,
        &NewWebhook {
            id,
            repository,
            account,
            path: path.clone(),
            secret: sealed,
        },
        now,
    )
    .await?;
    webhooks::set_state(tx, id, WebhookState::Present, Some("1"), None, now).await?;
    Ok((id, path, secret))
}
