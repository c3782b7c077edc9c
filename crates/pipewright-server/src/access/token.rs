//! The credential that works now: refreshed before it expires, by one caller at a time.
//!
//! A refresh makes the old pair worthless within minutes, so the right to refresh is a row that one caller of all
//! processes holds; the others wait for the new pair. The new pair is committed before anybody uses it.

use std::time::Duration;

use pipewright_bitbucket::Credential;
use pipewright_bitbucket::oauth::{OAuthError, TokenSet};
use pipewright_core::{Secret, Timestamp};
use pipewright_store::credentials::{self, CredentialState, StoredCredential};
use pipewright_store::integrations::{self, Integration, IntegrationState};
use uuid::Uuid;

use super::secrets::Parts;
use super::unavailable::{IntegrationUnavailable, REVOKED};
use super::{consumer, refusal};
use crate::app::App;

/// How long a caller may take to refresh before another takes over: longer than Bitbucket is given to answer.
const HOLD: Duration = Duration::from_mins(1);

/// How often a waiting caller looks whether the new pair is there.
const LOOK: Duration = Duration::from_millis(50);

/// How often it looks before it gives up: as long as Bitbucket is given to answer.
const LOOKS: u32 = 800;

/// Whether a token is used as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Refresh at 80 % of its life.
    Ordinary,
    /// Bitbucket just refused it: refresh it whatever its age, unless somebody did since this moment.
    NotFrom(Option<Timestamp>),
}

/// The credential that works now.
pub(super) async fn credential(
    app: &App,
    integration: &Integration,
    freshness: Freshness,
) -> Result<Credential, IntegrationUnavailable> {
    for _ in 0..LOOKS {
        let stored = usable(app, integration).await?;
        let parts = Parts::open(&app.vault, stored.id, stored.kind, &stored.secret)?;
        let Parts::OAuth {
            access_token,
            refresh_token,
        } = parts
        else {
            return Ok(parts.credential());
        };
        let now = app.clock.now();
        let current = Credential::OAuth { access_token };
        let stale = match freshness {
            Freshness::Ordinary => is_due(&stored, now),
            Freshness::NotFrom(seen) => stored.refreshed_at == seen,
        };
        if !stale {
            return Ok(current);
        }
        let Some(refresh_token) = refresh_token else {
            // Only a grant without a refresh token; it lasts until Bitbucket refuses it.
            return Ok(current);
        };
        let owner = Uuid::now_v7();
        let mut tx = app.db.begin().await?;
        let mine = credentials::take_refresh(&mut tx, &stored, owner, now, now + HOLD).await?;
        tx.commit().await?;
        if mine {
            // What Bitbucket just refused is no way out where it cannot be refreshed.
            let fallback = (freshness == Freshness::Ordinary).then_some(current);
            return refresh(app, integration, &stored, fallback, refresh_token, owner).await;
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(IntegrationUnavailable::Later(
        "Bitbucket did not respond to the request for a new token; Pipewright will try again"
            .to_owned(),
    ))
}

/// The stored credential, unless it is known not to work.
async fn usable(
    app: &App,
    integration: &Integration,
) -> Result<StoredCredential, IntegrationUnavailable> {
    let stored = credentials::of_integration(&app.db, integration.id).await?;
    let stored =
        stored.ok_or_else(|| IntegrationUnavailable::Disconnected(integration.base_url.clone()))?;
    match stored.state {
        CredentialState::Valid => Ok(stored),
        CredentialState::Refused => Err(IntegrationUnavailable::Reconnect(
            integration
                .state_reason
                .clone()
                .unwrap_or_else(|| REVOKED.to_owned()),
        )),
    }
}

/// True from 80 % of its life on, so that a failed refresh leaves time for another.
fn is_due(stored: &StoredCredential, now: Timestamp) -> bool {
    let Some(expires_at) = stored.expires_at else {
        return false;
    };
    let issued_at = stored.refreshed_at.unwrap_or(stored.created_at);
    now >= issued_at + expires_at.since(issued_at) * 4 / 5
}

/// Gets the next pair. Only the holder of the right comes here.
async fn refresh(
    app: &App,
    integration: &Integration,
    stored: &StoredCredential,
    fallback: Option<Credential>,
    refresh_token: Secret,
    owner: Uuid,
) -> Result<Credential, IntegrationUnavailable> {
    let consumer = match consumer::load(app).await {
        Ok(Some(consumer)) => consumer,
        Ok(None) => {
            return give_up(
                app,
                stored,
                owner,
                "the OAuth consumer of this installation was removed; set it up again",
            )
            .await;
        }
        Err(error) => return give_up(app, stored, owner, &error.to_string()).await,
    };
    match consumer::oauth_client(app, consumer)
        .refresh(&refresh_token)
        .await
    {
        Ok(tokens) => keep(app, integration, stored, &tokens, owner).await,
        Err(OAuthError::RefreshInvalid) => {
            let mut tx = app.db.begin().await?;
            credentials::refuse(&mut tx, stored.id).await?;
            refusal::record(app, &mut tx, integration, REVOKED).await?;
            tx.commit().await?;
            Err(IntegrationUnavailable::Reconnect(REVOKED.to_owned()))
        }
        Err(error) if error.is_retryable() => {
            // The old pair stays good as long as it lives.
            let still_lives = stored
                .expires_at
                .is_some_and(|expires_at| app.clock.now() < expires_at);
            let sentence = error.to_string();
            tracing::warn!(integration.id = %integration.id, error = sentence, "no fresh token");
            let given_up = give_up(app, stored, owner, &sentence).await;
            fallback.filter(|_| still_lives).map_or(given_up, Ok)
        }
        Err(error) => {
            // The consumer is wrong, which its administrator can mend: the grant itself may well be good.
            let sentence = error.to_string();
            let mut tx = app.db.begin().await?;
            credentials::release_refresh(&mut tx, stored.id, owner).await?;
            refusal::record(app, &mut tx, integration, &sentence).await?;
            tx.commit().await?;
            Err(IntegrationUnavailable::Reconnect(sentence))
        }
    }
}

/// Commits the new pair, and only then gives it out.
async fn keep(
    app: &App,
    integration: &Integration,
    stored: &StoredCredential,
    tokens: &TokenSet,
    owner: Uuid,
) -> Result<Credential, IntegrationUnavailable> {
    let now = app.clock.now();
    let parts = Parts::OAuth {
        access_token: tokens.access_token.clone(),
        refresh_token: tokens.refresh_token.clone(),
    };
    let scopes: Vec<String> = if tokens.scopes.is_empty() {
        stored.scopes.clone()
    } else {
        tokens.scopes.iter().map(str::to_owned).collect()
    };
    let sealed = parts.seal(&app.vault, stored.id);
    let mut tx = app.db.begin().await?;
    let kept = credentials::store_refreshed(
        &mut tx,
        stored.id,
        owner,
        &sealed,
        &scopes,
        Some(tokens.expires_at(now)),
        now,
    )
    .await?;
    if kept && integration.state == IntegrationState::Reconnect {
        integrations::set_state(&mut tx, integration.id, IntegrationState::Connected, None).await?;
    }
    tx.commit().await?;
    if kept {
        tracing::debug!(integration.id = %integration.id, "refreshed the access token");
        Ok(parts.credential())
    } else {
        // Somebody disconnected or connected again meanwhile; their word stands.
        Err(IntegrationUnavailable::Later(
            "the connection to Bitbucket was changed meanwhile; it is tried again".to_owned(),
        ))
    }
}

async fn give_up(
    app: &App,
    stored: &StoredCredential,
    owner: Uuid,
    sentence: &str,
) -> Result<Credential, IntegrationUnavailable> {
    let mut tx = app.db.begin().await?;
    credentials::release_refresh(&mut tx, stored.id, owner).await?;
    tx.commit().await?;
    Err(IntegrationUnavailable::Later(sentence.to_owned()))
}
