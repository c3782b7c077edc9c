//! The raw log: the bytes as they were printed, less the marks that the runner puts before commands.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_store::logs;

use crate::app::App;
use crate::http::{MemberOf, PageError};

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/raw", get(raw))
}

async fn raw(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?;
    if attempt.log_removed_at.is_some() {
        return Err(PageError::Conflict(
            "This log is not kept any more. The account's settings say under Storage how long logs are kept."
                .to_owned(),
        ));
    }
    let attempt = attempt.id;
    let store = app.logs.clone();
    let end = tokio::task::spawn_blocking(move || logs::extent(&store, attempt))
        .await
        .map_err(PageError::internal)??
        .bytes;
    let chunks = stream::try_unfold(0_u64, move |offset| {
        let store = app.logs.clone();
        async move {
            let limit = usize::try_from(end.saturating_sub(offset))
                .unwrap_or(usize::MAX)
                .min(CHUNK);
            if limit == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                logs::read_bytes(&store, attempt, offset, limit)
            });
            let mut bytes = read.await.map_err(std::io::Error::other)??;
            if bytes.is_empty() {
                return Ok(None);
            }
            let next = offset + bytes.len() as u64;
            bytes.retain(|byte| *byte != 0x1d);
            Ok(Some((Bytes::from(bytes), next)))
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("inline; filename=\"{attempt}.log\""),
        ),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
