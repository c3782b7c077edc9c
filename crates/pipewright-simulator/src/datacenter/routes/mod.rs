//! Every address that the simulated Data Center answers: one file per noun, and the table of them here.
//!
//! `1.0` and `latest` are the same everywhere. What is not in the table answers as a route that does not exist.

mod access_keys;
mod commits;
mod files;
mod git;
mod instance;
mod keys;
mod older_statuses;
mod projects;
mod pull_request_acts;
mod pull_requests;
mod refs;
mod repositories;
mod statuses;
pub(super) mod tokens;
mod users;
mod webhook_deliveries;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    response::Response,
    routing::{any, delete, get, post, put},
};
use http::HeaderMap;

use super::{error::no_route, gate, server::Server};
use crate::slash::without_slash;

/// All routes below a context path such as `/bitbucket`; an empty one puts them at the root.
pub(super) fn router(server: Arc<Server>, context_path: &str) -> Router {
    let versioned = |path: &str, routes: Router<Arc<Server>>| {
        ["1.0", "latest"]
            .into_iter()
            .fold(Router::new(), |all, version| {
                all.nest(&format!("/rest/{path}/{version}"), routes.clone())
            })
    };
    let routes = Router::new()
        .route("/rest/capabilities", get(instance::capabilities))
        .merge(versioned("api", api()))
        .merge(versioned(
            "webhooks",
            Router::new().route("/capabilities", get(instance::webhook_capabilities)),
        ))
        .merge(versioned("ssh", ssh()))
        .merge(versioned("keys", access_keys()))
        .merge(versioned("build-status", older_statuses()))
        .merge(versioned("access-tokens", tokens()))
        .route("/scm/{key}/{slug}/{*rest}", any(git::smart))
        .fallback(missing)
        .method_not_allowed_fallback(missing)
        .layer(from_fn_with_state(Arc::clone(&server), gate::pass))
        .with_state(server);
    without_slash(match context_path.trim_matches('/') {
        "" => routes,
        context => Router::new()
            .nest(&format!("/{context}"), routes)
            .fallback(missing),
    })
}

async fn missing(headers: HeaderMap) -> Response {
    no_route(&headers)
}

fn api() -> Router<Arc<Server>> {
    Router::new()
        .route(
            "/application-properties",
            get(instance::application_properties),
        )
        .route("/build/capabilities", get(instance::build_capabilities))
        .route(
            "/admin/rate-limit/settings",
            get(instance::rate_limit_settings),
        )
        .route(
            "/dashboard/pull-requests",
            get(pull_request_acts::dashboard),
        )
        .route("/users", get(users::users))
        .route("/users/{slug}", get(users::user))
        .route("/projects", get(projects::projects))
        .route("/projects/{key}", get(projects::project))
        .route(
            "/projects/{key}/repos",
            get(repositories::project_repositories),
        )
        .route(
            "/projects/{key}/webhooks",
            get(webhooks::of_project).post(webhooks::add_to_project),
        )
        .route(
            "/projects/{key}/webhooks/{id}",
            get(webhooks::one_of_project)
                .put(webhooks::replace_in_project)
                .delete(webhooks::delete_from_project),
        )
        .route("/repos", get(repositories::repositories))
        .nest("/projects/{key}/repos/{slug}", repository())
}

fn repository() -> Router<Arc<Server>> {
    Router::new()
        .route("/", get(repositories::repository))
        .route("/default-branch", get(refs::default_branch))
        .route("/branches", get(refs::branches))
        .route("/branches/default", get(refs::older_default_branch))
        .route("/tags", get(refs::tags))
        .route("/tags/{*name}", get(refs::tag))
        .route("/commits", get(commits::commits))
        .route("/commits/{commit}", get(commits::commit))
        .route("/commits/{commit}/changes", get(commits::commit_changes))
        .route(
            "/commits/{commit}/builds",
            post(statuses::post)
                .get(statuses::get)
                .delete(statuses::delete),
        )
        .route("/changes", get(commits::changes))
        .route("/compare/changes", get(commits::compare_changes))
        .route("/raw/{*path}", get(files::raw))
        .route("/browse", get(files::browse_top))
        .route("/browse/{*path}", get(files::browse))
        .route("/files", get(files::files_top))
        .route("/files/{*path}", get(files::files))
        .route(
            "/webhooks",
            get(webhooks::of_repository).post(webhooks::add_to_repository),
        )
        .route("/webhooks/test", post(webhook_deliveries::test))
        .route("/webhooks/search", get(webhooks::search))
        .route(
            "/webhooks/{id}",
            get(webhooks::one_of_repository)
                .put(webhooks::replace_in_repository)
                .delete(webhooks::delete_from_repository),
        )
        .route("/webhooks/{id}/latest", get(webhook_deliveries::latest))
        .route(
            "/webhooks/{id}/statistics",
            get(webhook_deliveries::statistics),
        )
        .route(
            "/webhooks/{id}/statistics/summary",
            get(webhook_deliveries::statistics_summary),
        )
        .route(
            "/pull-requests",
            get(pull_requests::list).post(pull_request_acts::open),
        )
        .route(
            "/pull-requests/{number}",
            get(pull_requests::one).put(pull_request_acts::change),
        )
        .route(
            "/pull-requests/{number}/comments",
            post(pull_request_acts::comment),
        )
        .route(
            "/pull-requests/{number}/changes",
            get(pull_requests::changes),
        )
        .route(
            "/pull-requests/{number}/merge",
            get(pull_requests::can_merge).post(pull_requests::merge),
        )
        .route(
            "/pull-requests/{number}/decline",
            post(pull_requests::decline),
        )
}

fn ssh() -> Router<Arc<Server>> {
    Router::new()
        .route("/settings", get(instance::ssh_settings))
        .route(
            "/keys",
            get(keys::keys)
                .post(keys::add_key)
                .delete(keys::delete_all_keys),
        )
        .route("/keys/{id}", get(keys::key).delete(keys::delete_key))
}

fn access_keys() -> Router<Arc<Server>> {
    Router::new()
        .route(
            "/projects/{key}/repos/{slug}/ssh",
            get(access_keys::of_repository).post(access_keys::add_to_repository),
        )
        .route(
            "/projects/{key}/repos/{slug}/ssh/{id}",
            get(access_keys::one_of_repository).delete(access_keys::revoke_from_repository),
        )
        .route(
            "/projects/{key}/repos/{slug}/ssh/{id}/permission/{permission}",
            put(access_keys::change_in_repository),
        )
        .route(
            "/projects/{key}/ssh",
            get(access_keys::of_project).post(access_keys::add_to_project),
        )
        .route(
            "/projects/{key}/ssh/{id}",
            get(access_keys::one_of_project).delete(access_keys::revoke_from_project),
        )
        .route(
            "/projects/{key}/ssh/{id}/permission/{permission}",
            put(access_keys::change_in_project),
        )
}

fn older_statuses() -> Router<Arc<Server>> {
    Router::new()
        .route("/commits/stats", post(older_statuses::stats_of_many))
        .route("/commits/stats/{commit}", get(older_statuses::stats))
        .route(
            "/commits/{commit}",
            get(older_statuses::list).post(older_statuses::post),
        )
}

fn tokens() -> Router<Arc<Server>> {
    Router::new()
        .route(
            "/users/{slug}",
            get(tokens::of_user).put(tokens::create_of_user),
        )
        .route("/users/{slug}/{id}", delete(tokens::delete_of_user))
        .route(
            "/projects/{key}",
            get(tokens::of_project).put(tokens::create_of_project),
        )
        .route("/projects/{key}/{id}", delete(tokens::delete_of_project))
        .route(
            "/projects/{key}/repos/{slug}",
            get(tokens::of_repository).put(tokens::create_of_repository),
        )
        .route(
            "/projects/{key}/repos/{slug}/{id}",
            delete(tokens::delete_of_repository),
        )
}
