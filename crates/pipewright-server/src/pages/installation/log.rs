//! The history of the installation: sign-ins and their refusals, what administrators did, and what accounts that were
//! deleted had.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;

use super::PATH;
use crate::app::App;
use crate::pages::events::{AuditLogPage, LogQuery, exported, log_page};
use crate::web::{Html, PageError, Rail, SignedIn};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/audit-log"), get(show))
        .route(&format!("{PATH}/audit-log.jsonl"), get(export))
}

async fn show(
    State(app): State<App>,
    user: SignedIn,
    Query(query): Query<LogQuery>,
) -> Result<Html<AuditLogPage>, PageError> {
    user.administrator()?;
    let page = user.page("Audit log").rail(Rail::InstallationLog);
    let path = page.link(&format!("{PATH}/audit-log"));
    let lede = "Who signed in and who was refused, and what was done to users, accounts and rules. Each account also has its own.";
    Ok(Html(log_page(&app, page, lede, path, None, query).await?))
}

async fn export(
    State(app): State<App>,
    user: SignedIn,
    Query(query): Query<LogQuery>,
) -> Result<Response, PageError> {
    user.administrator()?;
    exported(&app, None, &query, "audit-log-installation.jsonl")
}
