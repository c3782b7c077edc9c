//! Webhook registrations of repositories and workspaces, and the catalogue of events.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, braced_uuid};
use crate::cloud::wire;
use crate::state::{Permission, Webhook, WebhookId, WebhookSubject};

const READ: Need = Need::new(&["webhook"], &["read:webhook"]);
const WRITE: Need = Need::new(&["webhook"], &["read:webhook", "write:webhook"]);
const DELETE: Need = Need::new(&["webhook"], &["delete:webhook"]);
/// Longest secret that is taken, in characters.
const LONGEST_SECRET: usize = 128;

/// Events a repository's webhook may listen to, with the label Bitbucket shows.
const EVENTS: [(&str, &str); 25] = [
    ("repo:push", "Push"),
    ("repo:fork", "Fork"),
    ("repo:updated", "Updated"),
    ("repo:transfer", "Transfer accepted"),
    ("repo:created", "Created"),
    ("repo:deleted", "Deleted"),
    ("repo:imported", "Import"),
    ("repo:commit_comment_created", "Commit comment created"),
    ("repo:commit_status_created", "Build status created"),
    ("repo:commit_status_updated", "Build status updated"),
    ("pipeline:span_created", "Span created"),
    ("pullrequest:created", "Created"),
    ("pullrequest:updated", "Updated"),
    ("pullrequest:push", "Push"),
    ("pullrequest:approved", "Approved"),
    ("pullrequest:unapproved", "Approval removed"),
    (
        "pullrequest:changes_request_created",
        "Changes Request created",
    ),
    (
        "pullrequest:changes_request_removed",
        "Changes Request removed",
    ),
    ("pullrequest:fulfilled", "Merged"),
    ("pullrequest:rejected", "Declined"),
    ("pullrequest:comment_created", "Comment created"),
    ("pullrequest:comment_updated", "Comment updated"),
    ("pullrequest:comment_deleted", "Comment deleted"),
    ("pullrequest:comment_resolved", "Comment resolved"),
    ("pullrequest:comment_reopened", "Comment reopened"),
];

type OfRepository = Path<(String, String)>;
type OneOfRepository = Path<(String, String, String)>;

fn of_repository(
    server: &CloudServer,
    caller: &Caller,
    workspace: &str,
    slug: &str,
    need: Need,
) -> Result<WebhookSubject, ApiError> {
    caller.user()?;
    let found = caller.repository(server, workspace, slug, need, Permission::Admin)?;
    Ok(WebhookSubject::Repository(found.id))
}

fn of_workspace(
    server: &CloudServer,
    caller: &Caller,
    workspace: &str,
    need: Need,
) -> Result<WebhookSubject, ApiError> {
    let (space, owner) = caller.workspace(server, workspace, need)?;
    if owner {
        Ok(WebhookSubject::Space(space))
    } else {
        Err(ApiError::not_permitted())
    }
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): OfRepository,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    list_of(
        &server,
        of_repository(&server, &caller, &workspace, &slug, READ)?,
        &query,
    )
}

pub(super) async fn list_of_workspace(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(workspace): Path<String>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    list_of(
        &server,
        of_workspace(&server, &caller, &workspace, READ)?,
        &query,
    )
}

fn list_of(
    server: &CloudServer,
    subject: WebhookSubject,
    query: &ListQuery,
) -> Result<Json<Value>, ApiError> {
    let documents = server.render(|render| {
        let of_it = render
            .tables
            .webhooks
            .values()
            .filter(|webhook| webhook.subject == subject);
        of_it.map(|webhook| wire::hook(render, webhook)).collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(Json)
}

pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): OfRepository,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let subject = of_repository(&server, &caller, &workspace, &slug, WRITE)?;
    create_for(&server, &caller, subject, &body)
}

pub(super) async fn create_in_workspace(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(workspace): Path<String>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let subject = of_workspace(&server, &caller, &workspace, WRITE)?;
    create_for(&server, &caller, subject, &body)
}

fn create_for(
    server: &CloudServer,
    caller: &Caller,
    subject: WebhookSubject,
    body: &Value,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let now = server.installation.clock().now();
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Bad request"))?;
    let mut webhook = Webhook {
        id: WebhookId(0),
        uuid: crate::random::uuid(),
        subject,
        name: String::new(),
        url: String::new(),
        secret: None,
        events: Vec::new(),
        active: true,
        verify_tls: true,
        credentials: None,
        created_at: now,
        updated_at: now,
    };
    for required in ["url", "events"] {
        if !body.contains_key(required) {
            return Err(ApiError::field(required, "required key not provided"));
        }
    }
    fill(server, caller, &mut webhook, body)?;
    let id = server.installation.write(|tables| {
        webhook.id = WebhookId(tables.next_id());
        tables.webhooks.insert(webhook.id, webhook.clone());
        webhook.id
    });
    Ok((StatusCode::CREATED, Json(rendered(server, id))))
}

/// Takes over the fields that a body names, after checking them.
fn fill(
    server: &CloudServer,
    caller: &Caller,
    webhook: &mut Webhook,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    let text = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
        Some(_) => Err(ApiError::field(name, "expected a string")),
    };
    let flag = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(ApiError::field(name, "expected a boolean")),
    };
    if let Some(description) = text("description")? {
        webhook.name = description.unwrap_or_default();
    }
    if let Some(url) = text("url")? {
        webhook.url = checked_url(server, url.unwrap_or_default())?;
    }
    if let Some(active) = flag("active")? {
        webhook.active = active;
    }
    if let Some(skip) = flag("skip_cert_verification")? {
        webhook.verify_tls = !skip;
    }
    // A missing secret stays, null removes it.
    if let Some(secret) = text("secret")? {
        if secret
            .as_ref()
            .is_some_and(|secret| secret.chars().count() > LONGEST_SECRET)
        {
            return Err(ApiError::field(
                "secret",
                "Ensure this value has at most 128 characters.",
            ));
        }
        webhook.secret = secret.filter(|secret| !secret.is_empty());
    }
    if let Some(events) = body.get("events") {
        let events = events
            .as_array()
            .filter(|events| !events.is_empty())
            .ok_or_else(|| ApiError::field("events", "expected at least one event"))?;
        let mut names = Vec::new();
        for event in events {
            let name = event.as_str().unwrap_or_default();
            if !EVENTS.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::field(
                    "events",
                    &format!("'{name}' is not a valid event"),
                ));
            }
            let resource = if name.starts_with("pullrequest:") {
                PULL_REQUEST_EVENTS
            } else {
                REPOSITORY_EVENTS
            };
            caller.need(resource)?;
            names.push(name.to_owned());
        }
        webhook.events = names;
    }
    Ok(())
}

const REPOSITORY_EVENTS: Need = Need::new(&["repository"], &["read:repository"]);
const PULL_REQUEST_EVENTS: Need = Need::new(&["pullrequest"], &["read:pullrequest"]);

fn checked_url(server: &CloudServer, address: String) -> Result<String, ApiError> {
    let url = Url::parse(&address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| ApiError::field("url", "Enter a valid URL."))?;
    if server.settings().refuse_private_hook_urls && is_private(&url) {
        return Err(ApiError::field(
            "url",
            "The URL must not point to an internal address.",
        ));
    }
    Ok(address)
}

fn is_private(url: &Url) -> bool {
    let private = |address: IpAddr| match address {
        IpAddr::V4(address) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unspecified() || address.is_unique_local()
        }
    };
    match url.host() {
        Some(Host::Ipv4(address)) => private(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => private(IpAddr::V6(address)),
        Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        None => true,
    }
}

fn find(server: &CloudServer, subject: WebhookSubject, uid: &str) -> Result<WebhookId, ApiError> {
    let uuid = braced_uuid(uid).or_else(|| uid.parse().ok());
    let found = server.installation.read(|tables| {
        let of_it = |webhook: &&Webhook| webhook.subject == subject && Some(webhook.uuid) == uuid;
        tables
            .webhooks
            .values()
            .find(of_it)
            .map(|webhook| webhook.id)
    });
    found.ok_or_else(|| ApiError::not_found(&format!("Webhook {uid} not found")))
}

fn rendered(server: &CloudServer, id: WebhookId) -> Value {
    server
        .render(|render| {
            render
                .tables
                .webhooks
                .get(&id)
                .map(|webhook| wire::hook(render, webhook))
        })
        .unwrap_or_default()
}

fn update_one(
    server: &CloudServer,
    caller: &Caller,
    id: WebhookId,
    body: &Value,
) -> Result<Json<Value>, ApiError> {
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Bad request"))?;
    let changed = server
        .installation
        .read(|tables| tables.webhooks.get(&id).cloned());
    let mut changed = changed.ok_or_else(|| ApiError::not_found("Webhook not found"))?;
    fill(server, caller, &mut changed, body)?;
    changed.updated_at = server.installation.clock().now();
    server
        .installation
        .write(|tables| tables.webhooks.insert(id, changed));
    Ok(Json(rendered(server, id)))
}

fn delete_one(server: &CloudServer, id: WebhookId) -> StatusCode {
    server
        .installation
        .write(|tables| tables.webhooks.remove(&id));
    StatusCode::NO_CONTENT
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, uid)): OneOfRepository,
) -> Result<Json<Value>, ApiError> {
    let subject = of_repository(&server, &caller, &workspace, &slug, READ)?;
    Ok(Json(rendered(&server, find(&server, subject, &uid)?)))
}

pub(super) async fn show_of_workspace(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, uid)): OfRepository,
) -> Result<Json<Value>, ApiError> {
    let subject = of_workspace(&server, &caller, &workspace, READ)?;
    Ok(Json(rendered(&server, find(&server, subject, &uid)?)))
}

pub(super) async fn update(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, uid)): OneOfRepository,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let subject = of_repository(&server, &caller, &workspace, &slug, WRITE)?;
    update_one(&server, &caller, find(&server, subject, &uid)?, &body)
}

pub(super) async fn update_in_workspace(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, uid)): OfRepository,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let subject = of_workspace(&server, &caller, &workspace, WRITE)?;
    update_one(&server, &caller, find(&server, subject, &uid)?, &body)
}

pub(super) async fn delete(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, uid)): OneOfRepository,
) -> Result<StatusCode, ApiError> {
    let subject = of_repository(&server, &caller, &workspace, &slug, DELETE)?;
    Ok(delete_one(&server, find(&server, subject, &uid)?))
}

pub(super) async fn delete_from_workspace(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, uid)): OfRepository,
) -> Result<StatusCode, ApiError> {
    let subject = of_workspace(&server, &caller, &workspace, DELETE)?;
    Ok(delete_one(&server, find(&server, subject, &uid)?))
}

/// The kinds of subjects; needs no credential.
pub(super) async fn subjects(State(server): State<Arc<CloudServer>>) -> Json<Value> {
    let link = |subject: &str| json!({ "links": { "events": { "href": format!("{}/hook_events/{subject}", server.api_url()) } } });
    Json(json!({ "repository": link("repository"), "workspace": link("workspace") }))
}

/// The events of a kind of subject; needs no credential.
pub(super) async fn events(
    State(server): State<Arc<CloudServer>>,
    Path(subject): Path<String>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    if !matches!(subject.as_str(), "repository" | "workspace") {
        return Err(ApiError::not_found(&format!(
            "{subject} is not a valid subject type"
        )));
    }
    let documents = EVENTS.iter().map(|(name, label)| {
        let category = match name.split_once(':') {
            Some(("pullrequest", _)) => "Pull Request",
            Some(("pipeline", _)) => "Pipelines",
            _ => "Repository",
        };
        json!({ "event": name, "category": category, "label": label, "description": format!("Whenever {name} happens") })
    });
    query
        .page(
            server.api_url(),
            documents.collect(),
            PageSize {
                default: 50,
                largest: 100,
            },
        )
        .map(Json)
}
