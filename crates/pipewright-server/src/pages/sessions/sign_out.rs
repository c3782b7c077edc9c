//! Signing out.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum_extra::extract::CookieJar;
use pipewright_store::events::{self, NewEvent};
use pipewright_store::sessions;

use crate::app::App;
use crate::web::{PageError, SESSION_COOKIE, SeeOther, Visitor, remove_cookie};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sign-out", post(submit))
}

async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    cookies: CookieJar,
) -> Result<impl IntoResponse, PageError> {
    if let Some(session) = &visitor.session {
        let mut tx = app.db.begin().await?;
        sessions::remove(&mut tx, &session.token_hash).await?;
        let event = NewEvent {
            account_id: None,
            user_id: Some(session.user.id),
            actor: &session.user.name,
            action: "user.signed_out",
            subject: &session.user.email,
            detail: serde_json::json!({}),
            address: Some(&visitor.address),
            at: visitor.now,
        };
        events::record(&mut tx, &event).await?;
        tx.commit().await?;
    }
    let cookies = cookies.add(remove_cookie(&app.config, SESSION_COOKIE));
    Ok((
        cookies,
        SeeOther::to(&app.config, "/sign-in").done("You are signed out."),
    ))
}
