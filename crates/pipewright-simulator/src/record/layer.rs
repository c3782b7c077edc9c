//! The middleware that feeds the record. It stands outermost, so that it sees what faults do to an answer too.

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{OriginalUri, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::exchange::{Exchange, Recorder};

/// The largest body that is kept, in bytes.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Records one exchange; use with [`axum::middleware::from_fn_with_state`].
pub async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let uri = request
        .extensions()
        .get::<OriginalUri>()
        .map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
    if is_git(uri.path()) {
        return next.run(request).await;
    }
    let method = request.method().as_str().to_owned();
    let (parts, body) = request.into_parts();
    let (body, asked) = match keep(&parts.headers, body).await {
        Ok(kept) => kept,
        // What an extractor would have answered to a body that breaks off.
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let answer = next.run(Request::from_parts(parts, body)).await;

    let (parts, body) = answer.into_parts();
    let (body, answered) = match keep(&parts.headers, body).await {
        Ok(kept) => kept,
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    recorder.push(Exchange {
        product: recorder.product(),
        method,
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        request: asked.as_deref().and_then(parse),
        status: parts.status.as_u16(),
        answer_type: text(&parts.headers, &header::CONTENT_TYPE),
        answer: answered.as_deref().and_then(parse),
    });
    Response::from_parts(parts, body)
}

/// Git's own traffic: large, binary and streamed both ways.
fn is_git(path: &str) -> bool {
    path.contains(".git/")
        && ["/git-upload-pack", "/git-receive-pack", "/info/refs"]
            .iter()
            .any(|end| path.ends_with(end))
}

/// Buffers a JSON body of reasonable size and gives it back together with a copy.
async fn keep(headers: &HeaderMap, body: Body) -> Result<(Body, Option<Bytes>), axum::Error> {
    let json = text(headers, &header::CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("application/json"));
    let length =
        text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if !json
        || known_length(&body)
            .or(length)
            .is_none_or(|length| length > LARGEST_BODY)
    {
        return Ok((body, None));
    }
    let bytes = to_bytes(body, LARGEST_BODY).await?;
    Ok((Body::from(bytes.clone()), Some(bytes)))
}

fn known_length(body: &Body) -> Option<usize> {
    body.size_hint()
        .exact()
        .and_then(|length| usize::try_from(length).ok())
}

fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
