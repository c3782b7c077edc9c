//! A team, its connection, and an application with its webhook, made without pages.

use pipewright_bitbucket::credential::Credential;
use pipewright_bitbucket::remote::RepositoryAddress;
use pipewright_core::ids::{
    AccountId, ApplicationId, CredentialId, IntegrationId, RepositoryId, UserId,
};
use pipewright_core::{Secret, Timestamp};
use pipewright_simulator::state::Permission;
use pipewright_simulator::{Product, Simulator, TokenLevel};
use pipewright_store::accounts::{self, AccountKind};
use pipewright_store::applications::{self, NewApplication, Rules, Watch};
use pipewright_store::credentials::{self, NewCredential};
use pipewright_store::integrations::{
    self, CloneVia, Identity, IntegrationKind, KeyPair, NewIntegration,
};
use pipewright_store::users::{self, User};
use pipewright_store::{repositories, webhooks};

use super::server::TestOptions;
use crate::App;
use crate::access::{Parts, bitbucket_for};
use crate::accounts::{NewAccount, make};

/// What was connected.
#[derive(Debug, Clone)]
pub(super) struct Connected {
    pub(super) account: AccountId,
    pub(super) application: ApplicationId,
    pub(super) repository: RepositoryId,
    pub(super) full_name: String,
    pub(super) token: String,
    pub(super) compared_at: Option<Timestamp>,
}

/// What Cloud's token may do.
const SCOPES: [&str; 4] = [
    "repository:admin",
    "pullrequest:write",
    "webhook",
    "account",
];

/// Who pushes in tests.
pub(super) const AUTHOR: &str = "mara";

/// Makes everything, up to a registered webhook and refs that were noted.
pub(super) async fn connect(app: &App, simulator: &Simulator, options: &TestOptions) -> Connected {
    let (credential, token, full_name) = at_bitbucket(simulator, options.product);
    let now = app.clock.now();
    let user = User {
        id: UserId::new(),
        email: "owner@harbor.example".to_owned(),
        name: "Owner".to_owned(),
        password_hash: "nobody signs in".to_owned(),
        is_administrator: true,
        created_at: now,
        disabled_at: None,
        may_make_accounts: true,
        may_connect: true,
        email_proved_at: Some(0),
    };
    let mut tx = app.db.begin().await.expect("begins");
    users::insert(&mut tx, &user).await.expect("a user");
    make(
        &mut tx,
        &NewAccount {
            slug: "harbor",
            name: "Harbor",
            kind: AccountKind::Team,
            owner: user.id,
            now,
        },
    )
    .await
    .expect("an account");
    tx.commit().await.expect("commits");
    let account = accounts::by_slug(&app.db, "harbor")
        .await
        .expect("reads")
        .expect("the account")
        .id;

    let integration = keep_integration(
        app,
        simulator,
        options.product,
        account,
        user.id,
        credential,
    )
    .await;
    let repository = remember(app, options.product, account, integration, &full_name).await;
    let (_, slug) = full_name.split_once('/').expect("space/slug");
    let mut tx = app.db.begin().await.expect("begins");
    let new = NewApplication {
        id: ApplicationId::new(),
        account,
        repository,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        rules: Rules {
            auto_build: true,
            pushes: true,
            pull_requests: true,
            tags: options.build_tags,
            branches: options
                .branches
                .iter()
                .map(|pattern| pattern.parse().expect("a pattern"))
                .collect(),
            cancel_superseded: options.cancel_superseded,
        },
        watch: if options.webhooks_reach_us {
            Watch::Webhook
        } else {
            Watch::Polling
        },
        created_by: user.id,
    };
    assert!(
        applications::insert(&mut tx, &new, now)
            .await
            .expect("an application"),
        "the name is free"
    );
    tx.commit().await.expect("commits");
    if options.webhooks_reach_us {
        let known = repositories::get(&app.db, repository)
            .await
            .expect("reads")
            .expect("the repository");
        let mut tx = app.db.begin().await.expect("begins");
        crate::webhooks::make_row(app, &mut tx, &known)
            .await
            .expect("a webhook");
        tx.commit().await.expect("commits");
        let webhook = webhooks::of_repository(&app.db, repository)
            .await
            .expect("reads")
            .expect("the webhook");
        crate::webhooks::check(app, &webhook)
            .await
            .expect("Bitbucket takes the webhook");
    }
    crate::comparison::compare_one(app, new.id)
        .await
        .expect("the refs are noted");
    let compared_at = applications::get(&app.db, new.id)
        .await
        .expect("reads")
        .and_then(|found| found.refs_compared_at);
    Connected {
        account,
        application: new.id,
        repository,
        full_name,
        token,
        compared_at,
    }
}

/// Keeps what Bitbucket says of a repository, as the list of repositories does.
pub(super) async fn remember(
    app: &App,
    product: Product,
    account: AccountId,
    integration: IntegrationId,
    full_name: &str,
) -> RepositoryId {
    let bitbucket = bitbucket_for(app, integration).await.expect("a client");
    let (space, slug) = full_name.split_once('/').expect("space/slug");
    let remote = match product {
        // Cloud is asked by what never changes, which the list tells.
        Product::Cloud => {
            let mut pages = bitbucket.list_repositories();
            let mut found = None;
            while let Some(page) = pages.next().await.expect("a page") {
                found = found.or_else(|| {
                    page.into_iter()
                        .find(|repository| repository.full_name == full_name)
                });
            }
            found.expect("the repository is listed")
        }
        Product::Datacenter => {
            let address = RepositoryAddress {
                remote_id: String::new(),
                space: space.to_owned(),
                slug: slug.to_owned(),
            };
            bitbucket
                .repository(&address)
                .await
                .expect("the repository")
        }
    };
    let seen = repositories::SeenRepository {
        remote_id: remote.remote_id,
        owner_id: remote.space.id,
        owner: remote.space.key,
        owner_name: remote.space.name,
        project_key: remote.project_key,
        slug: remote.slug,
        name: remote.name,
        full_name: remote.full_name,
        is_private: remote.private,
        can_administer: Some(true),
        default_branch: Some("main".to_owned()),
        ssh_url: remote.ssh_url,
        http_url: remote.http_url,
        web_url: remote.web_url.unwrap_or_default(),
        remote_updated_at: None,
    };
    let mut tx = app.db.begin().await.expect("begins");
    let repository = repositories::remember(&mut tx, account, integration, &seen, app.clock.now())
        .await
        .expect("a repository");
    tx.commit().await.expect("commits");
    repository
}

/// A person, a repository and a token that may do everything with it.
fn at_bitbucket(simulator: &Simulator, product: Product) -> (Credential, String, String) {
    let (credential, token, full_name) = match product {
        Product::Cloud => {
            let cloud = simulator.cloud();
            cloud
                .add_user(
                    AUTHOR,
                    "Mara Lindqvist",
                    "mara@harbor.example",
                    "harbour-light",
                )
                .expect("a user");
            cloud
                .add_workspace("harbor", "Harbor")
                .expect("a workspace");
            cloud
                .add_member("harbor", AUTHOR, Permission::Admin)
                .expect("a member");
            cloud
                .add_repository("harbor", "checkout-api", true)
                .expect("a repository");
            let token = cloud.add_access_token("harbor", &SCOPES).expect("a token");
            (
                Credential::AccessToken(Secret::new(token.as_str())),
                token,
                "harbor/checkout-api",
            )
        }
        Product::Datacenter => {
            let datacenter = simulator.datacenter();
            datacenter
                .add_user(
                    AUTHOR,
                    "Mara Lindqvist",
                    "mara@harbor.example",
                    "harbour-light",
                )
                .expect("a user");
            datacenter.add_project("FIN", "Finance").expect("a project");
            datacenter
                .add_member("FIN", AUTHOR, Permission::Admin)
                .expect("a member");
            datacenter
                .add_repository("FIN", "ledger", true)
                .expect("a repository");
            let token = datacenter
                .create_token(AUTHOR, "ci", &[TokenLevel::Repository(Permission::Admin)])
                .expect("a token");
            (
                Credential::HttpAccessToken(Secret::new(token.as_str())),
                token,
                "FIN/ledger",
            )
        }
    };
    (credential, token, full_name.to_owned())
}

async fn keep_integration(
    app: &App,
    simulator: &Simulator,
    product: Product,
    account: AccountId,
    user: UserId,
    credential: Credential,
) -> IntegrationId {
    let now = app.clock.now();
    let (kind, base_url, (ssh_host, ssh_port)) = match product {
        Product::Cloud => (
            IntegrationKind::Cloud,
            simulator.cloud_web_url(),
            simulator.cloud_ssh(),
        ),
        Product::Datacenter => (
            IntegrationKind::DataCenter,
            simulator.datacenter_url(),
            simulator.datacenter_ssh(),
        ),
    };
    let new = NewIntegration {
        id: IntegrationId::new(),
        account,
        kind,
        base_url,
        identity: Identity {
            user_id: "1".to_owned(),
            user_name: "Mara Lindqvist".to_owned(),
            workspaces: Vec::new(),
            product_version: Some("9.4.3".to_owned()),
            capabilities: vec!["richBuildStatus".to_owned(), "cancelledStatus".to_owned()],
            ssh_host,
            ssh_port,
            features: Vec::new(),
        },
        key: KeyPair {
            public: "ssh-ed25519 AAAA pipewright".to_owned(),
            fingerprint: "SHA256:none".to_owned(),
            private_sealed: None,
            made_at: now,
            posted_id: None,
        },
        clone_via: CloneVia::Https,
        host_key: None,
        connected_by: user,
        now,
    };
    let parts = Parts::Lasting(credential);
    let id = CredentialId::new();
    let secret = parts.seal(&app.vault, id);
    let kept = NewCredential {
        id,
        integration: new.id,
        kind: parts.kind(),
        secret,
        scopes: SCOPES.map(str::to_owned).to_vec(),
        expires_at: None,
    };
    let mut tx = app.db.begin().await.expect("begins");
    integrations::insert(&mut tx, &new)
        .await
        .expect("an integration");
    credentials::replace(&mut tx, &kept, now)
        .await
        .expect("a credential");
    tx.commit().await.expect("commits");
    new.id
}
