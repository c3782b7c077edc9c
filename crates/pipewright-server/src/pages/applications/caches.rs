//! The caches of an application on the embedded runner's machine, and clearing them.

use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::Timestamp;
use pipewright_store::applications::Application;

use crate::app::App;
use crate::applications::clear_caches;
use crate::web::{ApplicationOf, PageError, SeeOther, format};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/caches/clear",
        post(clear),
    )
}

/// A cache, as it is shown.
#[derive(Debug, Clone)]
pub(super) struct ShownCache {
    pub(super) name: String,
    pub(super) size: String,
    pub(super) made_at: Timestamp,
    pub(super) used_at: Timestamp,
}

/// The living caches of an application.
pub(super) async fn of(app: &App, application: &Application) -> Result<Vec<ShownCache>, PageError> {
    let (store, scope) = (app.caches.clone(), application.id.to_string());
    let kept = tokio::task::spawn_blocking(move || store.list(&scope))
        .await
        .map_err(PageError::internal)?;
    let shown = kept.into_iter().map(|cache| ShownCache {
        size: format::bytes(cache.bytes),
        made_at: moment(cache.made_at),
        used_at: moment(cache.used_at),
        name: cache.name,
    });
    Ok(shown.collect())
}

fn moment(time: SystemTime) -> Timestamp {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

async fn clear(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    let count = clear_caches(&app, &member.actor(), &application).await?;
    let there = SeeOther::to(
        &app.config,
        &member.path(&format!("/applications/{}", application.slug)),
    );
    Ok(there.done(format!(
        "{} cleared. The next steps that pass make new ones.",
        format::count(count, "cache")
    )))
}
