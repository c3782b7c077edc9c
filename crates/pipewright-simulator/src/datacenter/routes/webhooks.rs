//! Webhooks of repositories and projects: registering, replacing, deleting.
//!
//! Two rules that clients trip over: PUT replaces everything, and one unknown event refuses the whole call.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::webhook_deliveries::statistics_by_event;
use crate::{
    datacenter::{
        body::Body,
        caller::Caller,
        error::{ApiError, ApiResult},
        events::known_events,
        page::PageQuery,
        server::{Server, created, no_content, ok},
        wire::Render,
    },
    random,
    state::{Permission, Repository, Webhook, WebhookCredentials, WebhookId, WebhookSubject},
};

/// What PUT and POST take. Everything left out is reset by PUT.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct NewWebhook {
    name: Option<String>,
    url: Option<String>,
    events: Option<Vec<String>>,
    active: Option<bool>,
    configuration: Option<Configuration>,
    ssl_verification_required: Option<bool>,
    credentials: Option<Credentials>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    secret: Option<String>,
}

/// User name and password that a delivery shall carry.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

impl Credentials {
    pub(super) fn into_stored(self) -> WebhookCredentials {
        WebhookCredentials {
            username: self.username.unwrap_or_default(),
            password: self.password.unwrap_or_default(),
        }
    }
}

/// The query of the lists. Lists of webhooks take no `start` and `limit` in the document; servers page all the same.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct WebhooksQuery {
    event: Option<String>,
    statistics: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// A registration that passed every check.
struct Checked {
    name: String,
    url: String,
    events: Vec<String>,
    active: bool,
    secret: Option<String>,
    verify_tls: bool,
    credentials: Option<WebhookCredentials>,
}

impl Server {
    fn check_webhook(&self, new: NewWebhook) -> ApiResult<Checked> {
        let secret = new
            .configuration
            .and_then(|configuration| configuration.secret);
        if secret.as_deref() == Some("") {
            return Err(ApiError::internal(
                "An error occurred while processing the request. Check the server logs.",
            ));
        }
        let mut wrong = Vec::new();
        let name = new.name.unwrap_or_default();
        if name.is_empty() || name.chars().count() > 255 {
            wrong.push((
                "name",
                "The name must be between 1 and 255 characters.".to_owned(),
            ));
        }
        let url = new.url.unwrap_or_default();
        if !Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            wrong.push((
                "url",
                "The URL must be a valid http or https address.".to_owned(),
            ));
        }
        let events = new.events.unwrap_or_default();
        let known: BTreeSet<&str> = known_events(self.settings.version()).into_iter().collect();
        if events.is_empty() {
            wrong.push(("events", "At least one event is required.".to_owned()));
        }
        if let Some(unknown) = events.iter().find(|event| !known.contains(event.as_str())) {
            wrong.push(("events", format!("The event '{unknown}' is not known.")));
        }
        if !wrong.is_empty() {
            return Err(ApiError::fields(wrong));
        }
        Ok(Checked {
            name,
            url,
            events,
            active: new.active.unwrap_or(true),
            secret,
            verify_tls: new.ssl_verification_required.unwrap_or(true),
            credentials: new.credentials.map(Credentials::into_stored),
        })
    }

    /// What a webhook of a repository listens to, for its administrators only.
    pub(super) fn repository_subject(
        &self,
        caller: &Caller,
        key: &str,
        slug: &str,
    ) -> ApiResult<WebhookSubject> {
        Ok(WebhookSubject::Repository(
            self.repository(caller, (key, slug), Permission::Admin)?.id,
        ))
    }

    fn project_subject(&self, caller: &Caller, key: &str) -> ApiResult<WebhookSubject> {
        if !self.settings.version().has_project_webhooks() {
            return Err(ApiError::unknown_route());
        }
        Ok(WebhookSubject::Space(self.project(
            caller,
            key,
            Permission::Admin,
        )?))
    }

    fn list_webhooks(&self, subjects: &[WebhookSubject], query: &WebhooksQuery) -> ApiResult {
        self.render(|render| {
            let rows = render.tables.webhooks.values().filter(|webhook| {
                let event = query.event.as_deref();
                subjects.contains(&webhook.subject)
                    && event.is_none_or(|event| webhook.events.iter().any(|own| own == event))
            });
            let page = self.page(rows, &query.page);
            let statistics = query.statistics.as_deref() == Some("true");
            Ok(ok(page.map(|webhook| {
                render.webhook(webhook, statistics.then(|| counters(render, webhook)))
            })))
        })
    }

    fn add_webhook(&self, subject: WebhookSubject, new: NewWebhook) -> ApiResult {
        let checked = self.check_webhook(new)?;
        let now = self.now();
        let id = self.installation.write(|tables| {
            let id = WebhookId(tables.next_id());
            let webhook = Webhook {
                id,
                uuid: random::uuid(),
                subject,
                name: checked.name,
                url: checked.url,
                secret: checked.secret,
                events: checked.events,
                active: checked.active,
                verify_tls: checked.verify_tls,
                credentials: checked.credentials,
                created_at: now,
                updated_at: now,
            };
            tables.webhooks.insert(id, webhook);
            id
        });
        self.with_webhook(subject, id.0, |render, webhook| {
            created(render.webhook(webhook, None))
        })
    }

    fn show_webhook(&self, subject: WebhookSubject, id: u64, query: &WebhooksQuery) -> ApiResult {
        let statistics = query.statistics.as_deref() == Some("true");
        self.with_webhook(subject, id, |render, webhook| {
            ok(render.webhook(webhook, statistics.then(|| counters(render, webhook))))
        })
    }

    fn replace_webhook(&self, subject: WebhookSubject, id: u64, new: NewWebhook) -> ApiResult {
        self.with_webhook(subject, id, |_, _| ())?;
        let checked = self.check_webhook(new)?;
        let now = self.now();
        self.installation.write(|tables| {
            if let Some(webhook) = tables.webhooks.get_mut(&WebhookId(id)) {
                *webhook = Webhook {
                    name: checked.name,
                    url: checked.url,
                    secret: checked.secret,
                    events: checked.events,
                    active: checked.active,
                    verify_tls: checked.verify_tls,
                    credentials: checked.credentials,
                    updated_at: now,
                    ..webhook.clone()
                };
            }
        });
        self.with_webhook(subject, id, |render, webhook| {
            ok(render.webhook(webhook, None))
        })
    }

    fn delete_webhook(&self, subject: WebhookSubject, id: u64) -> ApiResult {
        self.with_webhook(subject, id, |_, _| ())?;
        self.installation
            .write(|tables| tables.webhooks.remove(&WebhookId(id)));
        Ok(no_content())
    }

    /// Looks at one webhook of a subject, or answers that there is none.
    pub(super) fn with_webhook<T>(
        &self,
        subject: WebhookSubject,
        id: u64,
        look: impl FnOnce(&Render<'_>, &Webhook) -> T,
    ) -> ApiResult<T> {
        self.render(|render| {
            let webhook = render
                .tables
                .webhooks
                .get(&WebhookId(id))
                .filter(|webhook| webhook.subject == subject);
            webhook.map(|webhook| look(render, webhook)).ok_or_else(|| {
                ApiError::not_found(
                    format!("Webhook {id} does not exist."),
                    "com.atlassian.webhooks.NoSuchWebhookException",
                )
            })
        })
    }
}

fn counters(render: &Render<'_>, webhook: &Webhook) -> Value {
    statistics_by_event(render.tables, webhook.id)
}

/// Webhooks of a repository.
pub(in crate::datacenter) async fn of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<WebhooksQuery>,
) -> ApiResult {
    server.list_webhooks(&[server.repository_subject(&caller, &key, &slug)?], &query)
}

/// Webhooks of a repository together with those of its project, as `scopeType` asks (it may be given twice).
pub(in crate::datacenter) async fn search(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(scopes): Query<Vec<(String, String)>>,
    Query(query): Query<WebhooksQuery>,
) -> ApiResult {
    let own = server.repository_subject(&caller, &key, &slug)?;
    let WebhookSubject::Repository(id) = own else {
        return Err(ApiError::not_permitted());
    };
    let space = server
        .installation
        .read(|tables| tables.repository(id).map(|row: &Repository| row.space));
    let mut wanted: Vec<&str> = scopes
        .iter()
        .filter(|(name, _)| name == "scopeType")
        .map(|(_, scope)| scope.as_str())
        .collect();
    if wanted.is_empty() {
        wanted.push("repository");
    }
    let mut subjects = Vec::new();
    if wanted.contains(&"repository") {
        subjects.push(own);
    }
    if let Some(space) = space.filter(|_| wanted.contains(&"project")) {
        subjects.push(WebhookSubject::Space(space));
    }
    server.list_webhooks(&subjects, &query)
}

/// Registers a webhook of a repository.
pub(in crate::datacenter) async fn add_to_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Body(new): Body<NewWebhook>,
) -> ApiResult {
    server.add_webhook(server.repository_subject(&caller, &key, &slug)?, new)
}

/// One webhook of a repository.
pub(in crate::datacenter) async fn one_of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
    Query(query): Query<WebhooksQuery>,
) -> ApiResult {
    server.show_webhook(server.repository_subject(&caller, &key, &slug)?, id, &query)
}

/// Replaces a webhook of a repository.
pub(in crate::datacenter) async fn replace_in_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
    Body(new): Body<NewWebhook>,
) -> ApiResult {
    server.replace_webhook(server.repository_subject(&caller, &key, &slug)?, id, new)
}

/// Deletes a webhook of a repository.
pub(in crate::datacenter) async fn delete_from_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
) -> ApiResult {
    server.delete_webhook(server.repository_subject(&caller, &key, &slug)?, id)
}

/// Webhooks of a project.
pub(in crate::datacenter) async fn of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Query(query): Query<WebhooksQuery>,
) -> ApiResult {
    server.list_webhooks(&[server.project_subject(&caller, &key)?], &query)
}

/// Registers a webhook of a project.
pub(in crate::datacenter) async fn add_to_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Body(new): Body<NewWebhook>,
) -> ApiResult {
    server.add_webhook(server.project_subject(&caller, &key)?, new)
}

/// One webhook of a project.
pub(in crate::datacenter) async fn one_of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, u64)>,
    Query(query): Query<WebhooksQuery>,
) -> ApiResult {
    server.show_webhook(server.project_subject(&caller, &key)?, id, &query)
}

/// Replaces a webhook of a project.
pub(in crate::datacenter) async fn replace_in_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, u64)>,
    Body(new): Body<NewWebhook>,
) -> ApiResult {
    server.replace_webhook(server.project_subject(&caller, &key)?, id, new)
}

/// Deletes a webhook of a project.
pub(in crate::datacenter) async fn delete_from_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, u64)>,
) -> ApiResult {
    server.delete_webhook(server.project_subject(&caller, &key)?, id)
}
