//! The request: who it claims to be from, whether that is true, and the answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use pipewright_bitbucket::facade::Product;
use pipewright_bitbucket::webhook::{DeliveryHeaders, SignatureError, verify_signature};
use pipewright_core::ids::DeliveryId;
use pipewright_store::deliveries::{NewDelivery, Origin, hook_by_path};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::live::{Hook, IntakeError};

/// Data Center's connection test, the one request that comes unsigned.
const PING: &str = "diagnostics:ping";

/// How the names of events begin that Pipewright makes itself; nobody else may send one.
const OUR_OWN: &str = "pipewright:";

/// Headers worth keeping with a delivery; none of them is secret.
const KEPT_HEADERS: [&str; 8] = [
    "user-agent",
    "content-type",
    "x-event-key",
    "x-hook-uuid",
    "x-request-uuid",
    "x-request-id",
    "x-attempt-number",
    "x-b3-traceid",
];

/// A kept header is cut to this many bytes.
const HEADER_LIMIT: usize = 300;

/// How long the database may take to say whose webhook it is: the sender is told to come again long before it gives up.
const DATABASE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// How long a body may take to arrive; Bitbucket itself gives up after ten seconds.
const BODY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// An entry of the cache that is younger is trusted to hold the webhook's present secret.
const FRESH: std::time::Duration = std::time::Duration::from_secs(1);

/// The webhooks' address. Its body limit is its own: see [`receive`].
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/hooks/{path}", post(receive))
        .layer(axum::extract::DefaultBodyLimit::disable())
}

/// Why a delivery is not taken. The sentence goes to whoever sent it; Data Center shows it to administrators.
#[derive(Debug, thiserror::Error)]
enum ReceiveError {
    #[error(
        "There is no webhook at this address; press Repair on the application's page to create it again."
    )]
    NoWebhook,
    #[error(
        "The body is larger than the {limit} bytes this server accepts; raise `server.delivery_limit_kb`. The push is not lost: refs are compared every few minutes."
    )]
    TooLarge { limit: usize },
    #[error("Rejected: names of events that begin with {OUR_OWN} are Pipewright's own.")]
    OurOwn,
    #[error("The body did not arrive completely; send it again.")]
    Broken,
    #[error("The body did not arrive within {} s; send it again.", BODY_PATIENCE.as_secs())]
    Slow,
    #[error("Rejected: {0}.")]
    NotBelieved(#[from] SignatureError),
    #[error("Not stored: {0}.")]
    NotStored(#[from] IntakeError),
    #[error("Not stored: the database is not responding; send it again in a minute.")]
    Database,
}

impl IntoResponse for ReceiveError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoWebhook => StatusCode::NOT_FOUND,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken | Self::OurOwn => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::NotBelieved(_) => StatusCode::UNAUTHORIZED,
            Self::NotStored(_) | Self::Database => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            format!("{self}\n"),
        )
            .into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
        }
        response
    }
}

async fn receive(
    State(app): State<App>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ReceiveError> {
    let hook = tokio::time::timeout(DATABASE_PATIENCE, hook(&app, &path))
        .await
        .map_err(|_| ReceiveError::Database)??;
    let limit = app.config.delivery_body_limit;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(ReceiveError::TooLarge { limit });
    }
    let body = tokio::time::timeout(BODY_PATIENCE, read(body, limit))
        .await
        .map_err(|_| ReceiveError::Slow)??;
    let said =
        DeliveryHeaders::read(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    if said.event_key == PING && said.signature.is_none() && hook.product == Product::DataCenter {
        return Ok(answer(StatusCode::OK, "pong"));
    }
    let hook = verified(&app, &path, hook, &body, said.signature.as_deref()).await?;
    if said.event_key == PING {
        return Ok(answer(StatusCode::OK, "pong"));
    }
    if said.event_key.starts_with(OUR_OWN) {
        tracing::warn!(webhook = %hook.id, event = said.event_key, "a delivery with a name of our own was rejected");
        return Err(ReceiveError::OurOwn);
    }
    let new = NewDelivery {
        id: DeliveryId::new(),
        account_id: hook.account,
        repository_id: hook.repository,
        webhook_id: hook.id.as_uuid(),
        // Without an id a repetition is told by its body; both products send one.
        request_id: said
            .request_id
            .unwrap_or_else(|| format!("body-{}", hex::encode(Sha256::digest(&body)))),
        event: None,
        origin: Origin::Bitbucket,
        event_key: said.event_key,
        attempt_number: i64::from(said.attempt_number.unwrap_or(1)),
        headers: kept(&headers),
        body,
        received_at: app.clock.now(),
    };
    let is_new = app.live().intake.store(new).await?;
    Ok(if is_new {
        answer(StatusCode::ACCEPTED, "stored")
    } else {
        answer(StatusCode::OK, "known already")
    })
}

/// Reads a body, at most `limit` bytes of it.
async fn read(body: Body, limit: usize) -> Result<Vec<u8>, ReceiveError> {
    let mut whole = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ReceiveError::Broken)?;
        if whole.len() + chunk.len() > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        text,
    )
        .into_response()
}

/// The webhook of this path: as read a moment ago, or from the database.
async fn hook(app: &App, path: &str) -> Result<Arc<Hook>, ReceiveError> {
    match app.live().hooks.get(path, app.clock.elapsed()) {
        Some(hook) => Ok(hook),
        None => read_hook(app, path).await,
    }
}

async fn read_hook(app: &App, path: &str) -> Result<Arc<Hook>, ReceiveError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(error = %crate::ground::chain(error), "a delivery's webhook cannot be read");
        ReceiveError::Database
    };
    let target = hook_by_path(&app.db, path)
        .await
        .map_err(|error| failed(&error))?
        .ok_or(ReceiveError::NoWebhook)?;
    let secret = app
        .vault
        .open(
            &target.secret_sealed,
            &format!("webhooks.secret:{}", target.id),
        )
        .map_err(|error| failed(&error))?;
    let hook = Arc::new(Hook {
        id: target.id,
        account: target.account_id,
        repository: target.repository_id,
        product: Product::parse(&target.kind).ok_or(ReceiveError::NoWebhook)?,
        secret,
        read_at: app.clock.elapsed(),
    });
    app.live().hooks.keep(path, &hook);
    Ok(hook)
}

/// Checks the signature; one that does not fit what was read a while ago is checked against the database once more.
async fn verified(
    app: &App,
    path: &str,
    hook: Arc<Hook>,
    body: &[u8],
    signature: Option<&str>,
) -> Result<Arc<Hook>, ReceiveError> {
    let Err(error) = verify_signature(&hook.secret, body, signature) else {
        return Ok(hook);
    };
    if error == SignatureError::Wrong && app.clock.elapsed().saturating_sub(hook.read_at) > FRESH {
        let hook = read_hook(app, path).await?;
        if verify_signature(&hook.secret, body, signature).is_ok() {
            return Ok(hook);
        }
    }
    tracing::warn!(webhook = %hook.id, %error, bytes = body.len(), "webhook signature rejected");
    Err(error.into())
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &str| {
        headers.get(name).map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .chars()
                .take(HEADER_LIMIT)
                .collect()
        })
    };
    KEPT_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), text(name)?)))
        .collect()
}
