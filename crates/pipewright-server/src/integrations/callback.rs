//! The way back from Bitbucket's authorization page: either everything is there afterwards, or nothing.

use pipewright_bitbucket::cloud::GrantedScopes;
use pipewright_bitbucket::oauth::{
    CallbackError, OAuthError, PkceVerifier, TokenSet, read_callback,
};
use pipewright_bitbucket::scopes::{Feature, ScopeSet};
use pipewright_bitbucket::{ApiError, Bitbucket, CloudClient, Credential};
use pipewright_core::Secret;
use pipewright_core::ids::IntegrationId;
use pipewright_store::integrations::{CloneVia, HostKey, Identity, IntegrationKind};
use pipewright_store::oauth_flows::{self, OAuthFlow};
use pipewright_store::sealed::purpose;
use pipewright_store::{OpenSecretError, StoreError};
use subtle::ConstantTimeEq;
use url::Url;

use super::connect::{KeepError, Proved, connecting_user, keep};
use super::post_key;
use super::start::hash;
use crate::access::Parts;
use crate::access::consumer::{self, ConsumerError};
use crate::app::App;
use crate::ground::Actor;

/// Why a callback connected nothing. Each is a sentence for the person who came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FinishError {
    /// Its state was never ours, or is long gone.
    #[error(
        "Not connected: this authorization was not started here, or too long ago. Press Connect Bitbucket again."
    )]
    UnknownState,
    /// Another browser session set out with this state.
    #[error(
        "Not connected: this authorization was started in another browser. Press Connect Bitbucket again here."
    )]
    OtherSession,
    /// Somebody came back with it before.
    #[error(
        "Not connected: this authorization has been used already. If the connection is missing, press Connect Bitbucket again."
    )]
    Replayed,
    /// It took too long.
    #[error(
        "Not connected: more than ten minutes passed on Bitbucket's page. Press Connect Bitbucket again."
    )]
    TooLate,
    /// The user may no longer connect that account.
    #[error(
        "Not connected: you may not connect this account. Ask one of its owners or admins, or an administrator of this installation."
    )]
    NotAllowed,
    /// Bitbucket came back without a code.
    #[error("Not connected: {0}.")]
    Callback(#[from] CallbackError),
    /// The consumer went away meanwhile.
    #[error(
        "Not connected: the OAuth consumer of this installation has been removed. An administrator can set it up again under Bitbucket Cloud."
    )]
    NoConsumer,
    /// Bitbucket gave no tokens.
    #[error("Not connected: {0}.")]
    OAuth(#[from] OAuthError),
    /// Bitbucket gave tokens and would not say who we are.
    #[error("Not connected: {0}.")]
    Api(#[from] ApiError),
    /// The consumer cannot be read.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// The verifier does not open.
    #[error(transparent)]
    Sealed(#[from] OpenSecretError),
    /// It could not be kept.
    #[error(transparent)]
    Keep(#[from] KeepErrorText),
    /// Our own address is not one.
    #[error(transparent)]
    Address(#[from] url::ParseError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A connection that could not be kept.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct KeepErrorText(#[from] KeepError);

impl FinishError {
    /// True where it is our fault rather than something that the person can act on.
    pub(crate) const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Consumer(_) | Self::Sealed(_) | Self::Keep(_) | Self::Address(_) | Self::Store(_)
        )
    }

    /// True where the consumer's key, secret or callback URL is wrong.
    pub(crate) const fn blames_consumer(&self) -> bool {
        matches!(
            self,
            Self::NoConsumer
                | Self::OAuth(
                    OAuthError::WrongClient | OAuthError::NoCallback | OAuthError::WrongCallback
                )
        )
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Connected {
    /// The integration.
    pub(crate) integration: IntegrationId,
    /// Sentences for the person.
    pub(crate) sentence: String,
}

/// The state in a callback's query, whatever else it holds.
pub(crate) fn state_of(query: &str) -> Option<Secret> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, value)| name == "state" && !value.is_empty())
        .map(|(_, value)| Secret::new(value))
}

/// The consent that a callback belongs to, if this session started it.
pub(crate) async fn flow_of(
    app: &App,
    query: &str,
    session_hash: &[u8],
) -> Result<OAuthFlow, FinishError> {
    let state = state_of(query).ok_or(FinishError::UnknownState)?;
    let flow = oauth_flows::get(&app.db, &hash(&state))
        .await?
        .ok_or(FinishError::UnknownState)?;
    if bool::from(flow.session_hash.ct_eq(session_hash)) {
        Ok(flow)
    } else {
        Err(FinishError::OtherSession)
    }
}

/// Finishes the consent: exchanges the code, asks who we are, and keeps everything at once. `actor` is who started it, in the
/// account that it was started for.
pub(crate) async fn finish(
    app: &App,
    actor: &Actor,
    flow: &OAuthFlow,
    query: &str,
) -> Result<Connected, FinishError> {
    // What was begun is finished only by whoever may still do it.
    if connecting_user(actor).is_err() {
        return Err(FinishError::NotAllowed);
    }
    let answer = read_callback(query);
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let first = oauth_flows::use_up(&mut tx, &flow.state_hash, now).await?;
    tx.commit().await?;
    if !first {
        return Err(if flow.used_at.is_some() || now < flow.expires_at {
            FinishError::Replayed
        } else {
            FinishError::TooLate
        });
    }
    let code = answer?.code;
    let verifier = PkceVerifier::from_stored(
        app.vault
            .open(&flow.verifier, &purpose::verifier(&flow.state_hash))?,
    );
    let consumer = consumer::load(app).await?.ok_or(FinishError::NoConsumer)?;
    let callback = Url::parse(&consumer::callback_url(app))?;
    let tokens = consumer::oauth_client(app, consumer)
        .exchange_code(&code, &verifier, &callback)
        .await?;
    let features: Vec<Feature> = flow
        .features
        .iter()
        .filter_map(|word| Feature::parse(word))
        .collect();
    let (proved, client) = prove(app, &tokens, &features).await?;
    let user_name = proved.identity.user_name.clone();

    let mut tx = app.db.begin().await?;
    let detail = serde_json::json!({ "user": user_name, "scopes": proved.scopes.join(" ") });
    let integration = keep(app, &mut tx, actor, &proved, detail)
        .await
        .map_err(KeepErrorText)?;
    tx.commit().await?;
    app.live().integrations.ring();
    app.live().tell.give(integration);

    let mut sentence = format!("Bitbucket Cloud is connected as {user_name}.");
    if features.contains(&Feature::RegisterUserKey) {
        sentence.push(' ');
        sentence.push_str(
            &post_key::to_account(app, integration, &Bitbucket::Cloud(client))
                .await?
                .sentence,
        );
    }
    Ok(Connected {
        integration,
        sentence,
    })
}

/// Asks Bitbucket who we are now, before anything is kept.
async fn prove(
    app: &App,
    tokens: &TokenSet,
    features: &[Feature],
) -> Result<(Proved, CloudClient), ApiError> {
    let credential = Credential::OAuth {
        access_token: tokens.access_token.clone(),
    };
    let client = CloudClient::new(app.http.clone(), consumer::endpoints(app), credential);
    let user = client.current_user().await?;
    let scopes = if tokens.scopes.is_empty() {
        match client.granted_scopes().await? {
            GrantedScopes::Known(scopes) => scopes,
            GrantedScopes::Unknown => ScopeSet::default(),
        }
    } else {
        tokens.scopes.clone()
    };
    let mut workspaces: Vec<String> = match client.workspace_slugs().await {
        Ok(spaces) => spaces.into_iter().map(|space| space.key).collect(),
        // Without the right to list them there is nothing to list; the page of permissions says so.
        Err(error) if error.needs_a_person() => Vec::new(),
        Err(error) => return Err(error),
    };
    workspaces.sort();
    let cloud = &app.config.cloud;
    let proved = Proved {
        kind: IntegrationKind::Cloud,
        base_url: cloud.web.as_str().trim_end_matches('/').to_owned(),
        identity: Identity {
            user_id: user.id,
            user_name: user.display_name,
            workspaces,
            product_version: None,
            capabilities: Vec::new(),
            ssh_host: cloud.ssh_host.clone(),
            ssh_port: cloud.ssh_port,
            features: features
                .iter()
                .map(|feature| feature.as_str().to_owned())
                .collect(),
        },
        clone_via: CloneVia::Ssh,
        host_key: shipped_host_key(&cloud.known_hosts),
        parts: Parts::OAuth {
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
        },
        scopes: scopes.iter().map(str::to_owned).collect(),
        expires_at: Some(tokens.expires_at(app.clock.now())),
    };
    Ok((proved, client))
}

/// The host keys that are shipped for Bitbucket Cloud; none where the first contact decides.
fn shipped_host_key(known_hosts: &str) -> Option<HostKey> {
    let keys = pipewright_git::ssh::HostKeys::parse(known_hosts);
    let fingerprint = keys.fingerprints().into_iter().next()?;
    Some(HostKey {
        fingerprint,
        lines: keys.text(),
    })
}
