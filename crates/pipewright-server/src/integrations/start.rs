//! **Connect Bitbucket**: the person leaves for Bitbucket's authorization page.

use std::time::Duration;

use pipewright_bitbucket::oauth::{OAuthError, PkceVerifier, StateToken};
use pipewright_bitbucket::scopes::{Feature, default_features, needed};
use pipewright_core::Secret;
use pipewright_store::StoreError;
use pipewright_store::oauth_flows::{self, OAuthFlow};
use pipewright_store::sealed::purpose;
use sha2::{Digest, Sha256};
use url::Url;

use super::connect::connecting_user;
use crate::access::consumer::{self, ConsumerError};
use crate::app::App;
use crate::ground::{Actor, Denied};

/// How long a person may take at Bitbucket's page.
const PATIENCE: Duration = Duration::from_mins(10);

/// The person cannot be sent off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetOutError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no consumer yet: set-up comes first.
    #[error(
        "this installation has no OAuth consumer yet; an administrator sets it up under Bitbucket Cloud"
    )]
    NoConsumer,
    /// The consumer cannot be read.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// No state or address could be made.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// Our own public address is not one.
    #[error(
        "the public address of this installation is not usable as a callback ({0}); check the setting server.public_url"
    )]
    Address(#[from] url::ParseError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The features that are asked for: those that are on by default, and those that were chosen.
pub(crate) fn wanted_features(chosen: &[Feature]) -> Vec<Feature> {
    let mut features = default_features().to_vec();
    features.extend(
        Feature::ALL
            .into_iter()
            .filter(|feature| chosen.contains(feature) && !default_features().contains(feature)),
    );
    features
}

/// Keeps what is needed on the way back, and gives the authorise address. `session_hash` names the actor's session: the
/// callback must come in the same one.
pub(crate) async fn start(
    app: &App,
    actor: &Actor,
    session_hash: &[u8],
    chosen: &[Feature],
) -> Result<Url, SetOutError> {
    let user = connecting_user(actor)?;
    let consumer = consumer::load(app).await?.ok_or(SetOutError::NoConsumer)?;
    let features = wanted_features(chosen);
    let (state, verifier) = (StateToken::random()?, PkceVerifier::random()?);
    let state_hash = hash(state.secret());
    let now = app.clock.now();
    let flow = OAuthFlow {
        verifier: app
            .vault
            .seal(verifier.secret(), &purpose::verifier(&state_hash)),
        state_hash,
        account: actor.account,
        user,
        session_hash: session_hash.to_vec(),
        features: features
            .iter()
            .map(|feature| feature.as_str().to_owned())
            .collect(),
        created_at: now,
        expires_at: now + PATIENCE,
        used_at: None,
    };
    let mut tx = app.db.begin().await?;
    oauth_flows::insert(&mut tx, &flow).await?;
    tx.commit().await?;
    let callback = Url::parse(&consumer::callback_url(app))?;
    Ok(consumer::oauth_client(app, consumer).authorize_url(
        &state,
        &verifier,
        &callback,
        &needed(&features),
    )?)
}

/// What a state is looked up by.
pub(super) fn hash(state: &Secret) -> Vec<u8> {
    Sha256::digest(state.expose().as_bytes()).to_vec()
}
