//! A user's own page: name, password, and where they are signed in.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use pipewright_core::{Secret, Timestamp};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::{Tx, sessions, users};
use serde::Deserialize;

use crate::app::App;
use crate::ground::together;
use crate::sessions::admit::{Attempt, Locked, too_often};
use crate::users::{For, check_password, checked_name, hash_password, verify};
use crate::web::{Html, Page, PageError, PageForm, Rail, SeeOther, SignedIn};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/profile", get(show))
        .route("/profile/name", post(change_name))
        .route("/profile/password", post(change_password))
        .route("/profile/sessions/end", post(end_session))
        .route("/profile/sessions/end-others", post(end_others))
}

#[derive(Debug, Template)]
#[template(path = "profile.html")]
pub(crate) struct ProfilePage {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) sessions: Vec<ShownSession>,
    pub(crate) refusal: Option<String>,
}

/// A session as the page lists it.
#[derive(Debug, Clone)]
pub(crate) struct ShownSession {
    pub(crate) key: String,
    pub(crate) is_this: bool,
    pub(crate) browser: String,
    pub(crate) address: String,
    pub(crate) created_at: Timestamp,
    pub(crate) seen_at: Timestamp,
}

async fn show(State(app): State<App>, user: SignedIn) -> Result<Response, PageError> {
    page(&app, &user, StatusCode::OK, None).await
}

async fn page(
    app: &App,
    user: &SignedIn,
    status: StatusCode,
    refusal: Option<String>,
) -> Result<Response, PageError> {
    let found = sessions::of_user(&app.db, user.user.id, user.visitor.now).await?;
    let shown = found.into_iter().map(|session| ShownSession {
        is_this: session.token_hash == user.token_hash,
        key: hex::encode(&session.token_hash),
        browser: browser(&session.user_agent),
        address: session.address,
        created_at: session.created_at,
        seen_at: session.seen_at,
    });
    let page = ProfilePage {
        page: user.page("Profile").rail(Rail::Profile),
        name: user.user.name.clone(),
        email: user.user.email.clone(),
        sessions: shown.collect(),
        refusal,
    };
    Ok((status, Html(page)).into_response())
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

async fn change_name(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Name>,
) -> Result<Response, PageError> {
    let name = match checked_name(&form.name) {
        Ok(name) => name,
        Err(sentence) => {
            return page(
                &app,
                &user,
                StatusCode::UNPROCESSABLE_ENTITY,
                Some(sentence),
            )
            .await;
        }
    };
    let mut tx = app.db.begin().await?;
    users::set_name(&mut tx, user.user.id, &name).await?;
    record(
        &mut tx,
        &user,
        "user.renamed",
        serde_json::json!({ "name": name }),
    )
    .await?;
    tx.commit().await?;
    Ok(SeeOther::to(&app.config, "/profile")
        .done("Your name is changed.")
        .into_response())
}

#[derive(Deserialize)]
struct Passwords {
    current: String,
    new: String,
    again: String,
}

async fn change_password(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Passwords>,
) -> Result<Response, PageError> {
    let differ = (form.new != form.again).then(|| "The two new passwords do not match.".to_owned());
    let new = Secret::new(form.new);
    let weak = check_password(&new, &[&user.user.name, &user.user.email]).err();
    let attempt = Attempt::of_user(&app, user.user.id)
        .await?
        .map_err(|locked| too_often(user.visitor.now, locked))?;
    let fits = verify(
        For::Known,
        Secret::new(form.current),
        Some(user.user.password_hash.clone()),
    )
    .await
    .map_err(PageError::internal)?;
    if !fits && let Some(until) = attempt.locked_until {
        return Err(too_often(user.visitor.now, Locked(until)));
    }
    let wrong = (!fits)
        .then(|| "The current password is not right. Enter the one you signed in with.".to_owned());
    let refusal = together([wrong, differ, weak]);
    let hash = match &refusal {
        Some(_) => None,
        None => Some(hash_password(new).await.map_err(PageError::internal)?),
    };
    let mut tx = app.db.begin().await?;
    if fits {
        attempt.succeeded(&mut tx, user.visitor.now).await?;
    }
    let Some(hash) = hash else {
        tx.commit().await?;
        return page(&app, &user, StatusCode::UNPROCESSABLE_ENTITY, refusal).await;
    };
    users::set_password(&mut tx, user.user.id, &hash).await?;
    let ended = sessions::remove_others(&mut tx, user.user.id, &user.token_hash).await?;
    record(
        &mut tx,
        &user,
        "user.password_changed",
        serde_json::json!({ "sessions_ended": ended }),
    )
    .await?;
    tx.commit().await?;
    Ok(SeeOther::to(&app.config, "/profile")
        .done("Your password is changed, and you are signed out everywhere else.")
        .into_response())
}

#[derive(Debug, Deserialize)]
struct Key {
    key: String,
}

async fn end_session(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Key>,
) -> Result<SeeOther, PageError> {
    let token_hash = hex::decode(&form.key).map_err(|_| PageError::NotFound)?;
    let mut tx = app.db.begin().await?;
    if !sessions::remove_of_user(&mut tx, user.user.id, &token_hash).await? {
        return Err(PageError::NotFound);
    }
    record(&mut tx, &user, "user.session_ended", serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(SeeOther::to(&app.config, "/profile").done("That session is ended."))
}

async fn end_others(State(app): State<App>, user: SignedIn) -> Result<SeeOther, PageError> {
    let mut tx = app.db.begin().await?;
    let ended = sessions::remove_others(&mut tx, user.user.id, &user.token_hash).await?;
    record(
        &mut tx,
        &user,
        "user.sessions_ended",
        serde_json::json!({ "sessions_ended": ended }),
    )
    .await?;
    tx.commit().await?;
    Ok(SeeOther::to(&app.config, "/profile").done("You are signed out everywhere else."))
}

async fn record(
    tx: &mut Tx,
    user: &SignedIn,
    action: &str,
    detail: serde_json::Value,
) -> Result<(), PageError> {
    let event = NewEvent {
        account_id: None,
        user_id: Some(user.user.id),
        actor: &user.user.name,
        action,
        subject: &user.user.email,
        detail,
        address: Some(&user.visitor.address),
        at: user.visitor.now,
    };
    Ok(events::record(tx, &event).await?)
}

/// What people call the browser that says this of itself.
fn browser(user_agent: &str) -> String {
    let known = [
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&known), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if user_agent.is_empty() => "unknown browser".to_owned(),
        _ => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_as_people_do() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(browser(firefox), "Firefox on Linux");
        assert_eq!(browser("curl/8.0"), "curl");
        assert_eq!(browser(""), "unknown browser");
    }
}
