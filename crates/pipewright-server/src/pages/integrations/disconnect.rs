//! **Disconnect…**: what will stop, the act, and what came of it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use pipewright_store::applications;
use pipewright_store::credentials::{self, CredentialKind};
use pipewright_store::integrations::{Integration, IntegrationKind};

use super::find::find;
use crate::app::App;
use crate::integrations::{Removal, disconnect};
use crate::repositories::name_of;
use crate::web::{Html, MemberOf, Nav, Page, PageError, Rail};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/settings/integrations/{integration}/disconnect",
        get(ask).post(act),
    )
}

/// Asks first.
#[derive(Debug, Template)]
#[template(path = "integrations/disconnect.html")]
struct DisconnectPage {
    page: Page,
    id: String,
    name: String,
    user: String,
    applications: Vec<String>,
    left: Vec<String>,
}

/// Says what came of it.
#[derive(Debug, Template)]
#[template(path = "integrations/disconnected.html")]
struct DisconnectedPage {
    page: Page,
    name: String,
    removals: Vec<Removal>,
    left: Vec<String>,
}

async fn ask(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<Html<DisconnectPage>, PageError> {
    let integration = find(&app, &member, &id).await?;
    let all = applications::of_integration(&app.db, integration.id).await?;
    Ok(Html(DisconnectPage {
        page: page(&member, "Disconnect"),
        id: integration.id.to_string(),
        name: name_of(&integration),
        user: integration.remote_user_name.clone(),
        applications: all
            .into_iter()
            .map(|application| application.name)
            .collect(),
        left: left_for_the_person(&app, &integration).await?,
    }))
}

async fn act(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<Html<DisconnectedPage>, PageError> {
    let integration = find(&app, &member, &id).await?;
    let left = left_for_the_person(&app, &integration).await?;
    let removals = disconnect(&app, &member.actor(), &integration).await?;
    Ok(Html(DisconnectedPage {
        page: page(&member, "Disconnected"),
        name: name_of(&integration),
        removals,
        left,
    }))
}

fn page(member: &MemberOf, title: &str) -> Page {
    member
        .page(title)
        .nav(Nav::Integrations)
        .rail(Rail::Integrations)
}

/// What only the person can remove at Bitbucket.
async fn left_for_the_person(
    app: &App,
    integration: &Integration,
) -> Result<Vec<String>, PageError> {
    let stored = credentials::of_integration(&app.db, integration.id).await?;
    let mut left = Vec::new();
    match stored.map(|stored| stored.kind) {
        Some(CredentialKind::OAuth) => left.push(format!(
            "Remove the authorization: in Bitbucket, your personal settings → App authorizations ({}/account/settings/app-authorizations/).",
            integration.base_url
        )),
        Some(CredentialKind::HttpAccessToken) => {
            left.push("Revoke the HTTP access token: in Bitbucket, Manage account → HTTP access tokens, or where the token was made.".to_owned());
        }
        Some(CredentialKind::Basic) => left.push("The password is no longer stored here; change it if others knew it.".to_owned()),
        Some(CredentialKind::ApiToken | CredentialKind::AccessToken) => {
            left.push("Revoke the token where it was made in Bitbucket.".to_owned());
        }
        None => {}
    }
    if integration.key.posted_id.is_none() {
        let place = match integration.kind {
            IntegrationKind::Cloud => "your personal settings → SSH keys",
            IntegrationKind::DataCenter => {
                "Manage account → SSH keys, or the repositories’ access keys"
            }
        };
        left.push(format!(
            "Delete the SSH key {} if you added it: in Bitbucket, {place}.",
            integration.key.fingerprint
        ));
    }
    Ok(left)
}
