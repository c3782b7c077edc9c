//! The style sheet, the script and the icon. Their address carries the hash of their contents, so a browser may keep
//! them for ever and still gets the new ones after an upgrade.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use super::problem::PageError;
use crate::app::App;

/// Name, content type and contents of every file.
const FILES: &[(&str, &str, &str)] = &[
    (
        "pipewright.css",
        "text/css; charset=utf-8",
        include_str!("../../static/pipewright.css"),
    ),
    (
        "pipewright.js",
        "text/javascript; charset=utf-8",
        include_str!("../../static/pipewright.js"),
    ),
    (
        "log.js",
        "text/javascript; charset=utf-8",
        include_str!("../../static/log.js"),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_str!("../../static/live.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../../static/icon.svg"),
    ),
    (
        "icon-ok.svg",
        "image/svg+xml",
        include_str!("../../static/icon-ok.svg"),
    ),
    (
        "icon-bad.svg",
        "image/svg+xml",
        include_str!("../../static/icon-bad.svg"),
    ),
    (
        "icon-run.svg",
        "image/svg+xml",
        include_str!("../../static/icon-run.svg"),
    ),
    (
        "icon-wait.svg",
        "image/svg+xml",
        include_str!("../../static/icon-wait.svg"),
    ),
    (
        "icon-off.svg",
        "image/svg+xml",
        include_str!("../../static/icon-off.svg"),
    ),
];

/// One hash over all files.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for (name, _, contents) in FILES {
        hasher.update(name.as_bytes());
        hasher.update(contents.as_bytes());
    }
    hex::encode(&hasher.finalize()[..6])
});

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/static/{hash}/{file}", get(file))
        .route("/favicon.ico", get(favicon))
        .route("/robots.txt", get(robots))
}

/// What browsers ask for unasked, where no page of ours named its icon.
async fn favicon() -> impl IntoResponse {
    let kept = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
    ];
    (kept, include_str!("../../static/icon.svg"))
}

/// Nothing here is for search engines.
async fn robots() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        "User-agent: *\nDisallow: /\n",
    )
}

/// The icon of what stands like a pill of this class.
pub(super) fn icon_of(class: &str) -> &'static str {
    match class {
        "ok" => "icon-ok.svg",
        "bad" => "icon-bad.svg",
        "run" => "icon-run.svg",
        "wait" | "warn" => "icon-wait.svg",
        _ => "icon-off.svg",
    }
}

/// Where a file is served, without the sub-path.
pub(super) fn path(file: &str) -> String {
    format!("/static/{}/{file}", *HASH)
}

async fn file(Path((hash, name)): Path<(String, String)>) -> Result<Response, PageError> {
    let (_, content_type, contents) = FILES
        .iter()
        .find(|(file, ..)| *file == name)
        .ok_or(PageError::NotFound)?;
    // A page from before an upgrade asks with the old hash: it gets the new file, and keeps it only for this once.
    let cache = if hash == *HASH {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    Ok((
        [(CONTENT_TYPE, *content_type), (CACHE_CONTROL, cache)],
        *contents,
    )
        .into_response())
}
