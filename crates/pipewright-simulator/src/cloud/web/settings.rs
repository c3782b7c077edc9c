//! A person's settings: SSH keys, and the consumers that were granted access.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::page;
use crate::cloud::oauth::session_of;
use crate::cloud::scopes::label;
use crate::cloud::server::CloudServer;
use crate::state::{KeyHolder, KeyId, ParsedKey, SshKey, UserId};

const SSH_KEYS: &str = "/account/settings/ssh-keys/";
const AUTHORIZATIONS: &str = "/account/settings/app-authorizations/";

/// The signed-in user, or the way to the sign-in page.
pub(super) fn signed_in(
    server: &CloudServer,
    headers: &HeaderMap,
    here: &str,
) -> Result<UserId, Box<Response>> {
    let user = session_of(headers).and_then(|session| server.oauth().session(&session));
    user.ok_or_else(|| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("next", here)
            .finish();
        Box::new(Redirect::to(&format!("/account/signin/?{query}")).into_response())
    })
}

#[derive(Template)]
#[template(path = "cloud/ssh_keys.html")]
struct SshKeysPage {
    keys: Vec<SshKey>,
    problem: Option<&'static str>,
}

pub(super) async fn ssh_keys(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
) -> Response {
    match signed_in(&server, &headers, SSH_KEYS) {
        Ok(user) => keys_page(&server, user, None),
        Err(response) => *response,
    }
}

fn keys_page(server: &CloudServer, user: UserId, problem: Option<&'static str>) -> Response {
    let holder = KeyHolder::User(user);
    let keys = server.installation.read(|tables| {
        tables
            .keys
            .values()
            .filter(|key| key.holder == holder)
            .cloned()
            .collect()
    });
    let mut response = page(&SshKeysPage { keys, problem });
    if problem.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

/// The filled-in form of a key.
#[derive(Debug, Deserialize)]
pub(super) struct NewKey {
    #[serde(default)]
    label: String,
    key: String,
}

pub(super) async fn add_ssh_key(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<NewKey>,
) -> Response {
    let user = match signed_in(&server, &headers, SSH_KEYS) {
        Ok(user) => user,
        Err(response) => return *response,
    };
    let Some(parsed) = ParsedKey::parse(&form.key) else {
        return keys_page(&server, user, Some("Invalid SSH key."));
    };
    let now = server.installation.clock().now();
    let added = server.installation.write(|tables| {
        let free = tables
            .key_by_blob(&parsed.algorithm, &parsed.base64)
            .is_none();
        if free {
            tables.add_key(parsed, &form.label, KeyHolder::User(user), now);
        }
        free
    });
    if added {
        Redirect::to(SSH_KEYS).into_response()
    } else {
        keys_page(
            &server,
            user,
            Some("Someone has already registered that SSH key."),
        )
    }
}

/// Which key to delete.
#[derive(Debug, Deserialize)]
pub(super) struct WhichKey {
    id: u64,
}

pub(super) async fn delete_ssh_key(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<WhichKey>,
) -> Response {
    let user = match signed_in(&server, &headers, SSH_KEYS) {
        Ok(user) => user,
        Err(response) => return *response,
    };
    server.installation.write(|tables| {
        if tables
            .keys
            .get(&KeyId(form.id))
            .is_some_and(|key| key.holder == KeyHolder::User(user))
        {
            tables.keys.remove(&KeyId(form.id));
        }
    });
    Redirect::to(SSH_KEYS).into_response()
}

/// One consumer that has access.
struct Authorization {
    key: String,
    name: String,
    permissions: Vec<String>,
}

#[derive(Template)]
#[template(path = "cloud/authorizations.html")]
struct AuthorizationsPage {
    authorizations: Vec<Authorization>,
}

pub(super) async fn authorizations(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
) -> Response {
    let user = match signed_in(&server, &headers, AUTHORIZATIONS) {
        Ok(user) => user,
        Err(response) => return *response,
    };
    let oauth = server.oauth();
    let authorizations =
        oauth
            .grants_of(user)
            .into_iter()
            .map(|(consumer, scopes)| Authorization {
                key: consumer.key.clone(),
                name: consumer.name.clone(),
                permissions: scopes.iter().map(|scope| label(scope).to_owned()).collect(),
            });
    page(&AuthorizationsPage {
        authorizations: authorizations.collect(),
    })
}

/// Which consumer loses its access.
#[derive(Debug, Deserialize)]
pub(super) struct WhichConsumer {
    key: String,
}

pub(super) async fn revoke_authorization(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<WhichConsumer>,
) -> Response {
    let user = match signed_in(&server, &headers, AUTHORIZATIONS) {
        Ok(user) => user,
        Err(response) => return *response,
    };
    server.oauth().revoke_grant(user, &form.key);
    Redirect::to(AUTHORIZATIONS).into_response()
}
