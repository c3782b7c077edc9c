//! A workspace's OAuth consumers: the form an administrator fills in.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::page;
use super::settings::signed_in;
use crate::cloud::oauth::{Consumer, NewConsumer};
use crate::cloud::scopes::{CATALOGUE, is_known};
use crate::cloud::server::CloudServer;
use crate::state::{Permission, SpaceId};

#[derive(Template)]
#[template(path = "cloud/consumers.html")]
struct ConsumersPage {
    workspace: String,
    consumers: Vec<Consumer>,
    catalogue: &'static [(&'static str, &'static str)],
    problem: Option<&'static str>,
}

/// The workspace, if the signed-in user owns it.
fn owned(
    server: &CloudServer,
    headers: &HeaderMap,
    workspace: &str,
) -> Result<SpaceId, Box<Response>> {
    let user = signed_in(
        server,
        headers,
        &format!("/{workspace}/workspace/settings/api"),
    )?;
    let space = server.installation.read(|tables| {
        let space = tables.space_by_key(workspace)?;
        (space.members.get(&user) == Some(&Permission::Admin)).then_some(space.id)
    });
    space.ok_or_else(|| {
        Box::new(
            (
                StatusCode::NOT_FOUND,
                "Only administrators of a workspace see its consumers.\n",
            )
                .into_response(),
        )
    })
}

fn show(
    server: &CloudServer,
    workspace: &str,
    space: SpaceId,
    problem: Option<&'static str>,
) -> Response {
    let consumers = server
        .oauth()
        .consumers()
        .filter(|consumer| consumer.workspace == space)
        .cloned()
        .collect();
    let mut response = page(&ConsumersPage {
        workspace: workspace.to_owned(),
        consumers,
        catalogue: &CATALOGUE,
        problem,
    });
    if problem.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    Path(workspace): Path<String>,
) -> Response {
    match owned(&server, &headers, &workspace) {
        Ok(space) => show(&server, &workspace, space, None),
        Err(response) => *response,
    }
}

pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    Path(workspace): Path<String>,
    axum::Form(form): axum::Form<Vec<(String, String)>>,
) -> Response {
    let space = match owned(&server, &headers, &workspace) {
        Ok(space) => space,
        Err(response) => return *response,
    };
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let new = NewConsumer {
        workspace: space,
        name: field("name"),
        callback_url: field("callback_url"),
        scopes: form
            .iter()
            .filter(|(key, value)| key == "scope" && is_known(value))
            .map(|(_, value)| value.clone())
            .collect(),
        private: !field("private").is_empty(),
    };
    let problem = if new.name.is_empty() {
        Some("Name is required.")
    } else if server
        .oauth()
        .consumers()
        .any(|consumer| consumer.workspace == space && consumer.name == new.name)
    {
        Some("A consumer with this name exists already.")
    } else {
        None
    };
    if problem.is_some() {
        return show(&server, &workspace, space, problem);
    }
    server.oauth().add_consumer(new);
    Redirect::to(&format!("/{workspace}/workspace/settings/api")).into_response()
}

pub(super) async fn delete(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    Path(workspace): Path<String>,
    axum::Form(form): axum::Form<Vec<(String, String)>>,
) -> Response {
    let space = match owned(&server, &headers, &workspace) {
        Ok(space) => space,
        Err(response) => return *response,
    };
    if let Some((_, key)) = form.iter().find(|(name, _)| name == "key") {
        let mut oauth = server.oauth();
        if oauth
            .consumer(key)
            .is_some_and(|consumer| consumer.workspace == space)
        {
            oauth.remove_consumer(key);
        }
    }
    Redirect::to(&format!("/{workspace}/workspace/settings/api")).into_response()
}
