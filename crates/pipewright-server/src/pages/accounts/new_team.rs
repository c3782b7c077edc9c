//! Making a team.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use pipewright_store::StoreError;
use pipewright_store::accounts::AccountKind;
use pipewright_store::events::{self, NewEvent};
use serde::Deserialize;

use crate::accounts::{NewAccount, make, refuse_team, slug};
use crate::app::App;
use crate::ground::rights;
use crate::users::checked_name;
use crate::web::{Html, Page, PageError, PageForm, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/accounts/new", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "new_team.html")]
pub(crate) struct NewTeamPage {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
    #[serde(default)]
    slug: String,
}

/// Refuses whoever was not given the right.
fn require(user: &SignedIn) -> Result<(), PageError> {
    let may = user
        .visitor
        .session
        .as_ref()
        .is_some_and(|session| session.rights.make_accounts);
    if may {
        Ok(())
    } else {
        Err(PageError::Forbidden(rights::NO_ACCOUNTS.to_owned()))
    }
}

async fn show(user: SignedIn) -> Result<Html<NewTeamPage>, PageError> {
    require(&user)?;
    Ok(Html(NewTeamPage {
        page: user.page("New team"),
        name: String::new(),
        slug: String::new(),
        refusal: None,
    }))
}

async fn submit(
    State(app): State<App>,
    user: SignedIn,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    require(&user)?;
    let refuse = |sentence: String| {
        let page = NewTeamPage {
            page: user.page("New team"),
            name: fields.name.clone(),
            slug: fields.slug.clone(),
            refusal: Some(sentence),
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    let name = match checked_name(&fields.name) {
        Ok(name) => name,
        Err(sentence) => return refuse(sentence),
    };
    let wanted = if fields.slug.trim().is_empty() {
        slug::suggest(&name)
    } else {
        fields.slug.clone()
    };
    let slug = match slug::check(&wanted) {
        Ok(slug) => slug,
        Err(sentence) => return refuse(sentence),
    };
    let now = user.visitor.now;
    let new = NewAccount {
        slug: &slug,
        name: &name,
        kind: AccountKind::Team,
        owner: user.user.id,
        now,
    };
    let mut tx = app.db.begin().await?;
    if let Some(sentence) = refuse_team(app.config.host.isolation, &mut tx).await? {
        return refuse(sentence);
    }
    let account = match make(&mut tx, &new).await {
        Ok(account) => account,
        Err(StoreError::Exists(_)) => {
            return refuse(format!("The short name `{slug}` is taken; choose another."));
        }
        Err(error) => return Err(error.into()),
    };
    let event = NewEvent {
        account_id: Some(account.id),
        user_id: Some(user.user.id),
        actor: &user.user.name,
        action: "account.created",
        subject: &name,
        detail: serde_json::json!({ "slug": slug }),
        address: Some(&user.visitor.address),
        at: now,
    };
    events::record(&mut tx, &event).await?;
    tx.commit().await?;
    let path = format!("/{slug}/settings/members");
    Ok(SeeOther::to(&app.config, &path)
        .done(format!("The team {name} is made. Invite its members here."))
        .into_response())
}
