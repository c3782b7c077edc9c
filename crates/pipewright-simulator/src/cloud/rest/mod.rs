//! REST API 2.0: one file per noun, one function per call.
//!
//! `{workspace}` and `{repo_slug}` take slugs and braced UUIDs. A call checks in this order: credential (401), scopes
//! (403 with `detail`), whether the thing is visible (404), what the person may do (403 without `detail`), the body (400).

mod commits;
mod deploy_keys;
mod diffstat;
mod hooks;
mod pull_request_acts;
mod pull_requests;
mod refs;
mod repositories;
mod src;
mod ssh_keys;
mod statuses;
mod user;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::routing::{any, get, post};

use http::{HeaderValue, header};

use super::error::ApiError;
use super::query::partial_response;
use super::server::CloudServer;
use crate::slash::without_slash;

/// Reading a repository and what is in it.
const READ: super::auth::Need = super::auth::Need::new(&["repository"], &["read:repository"]);

pub(super) fn router(server: Arc<CloudServer>) -> Router {
    let repository = "/repositories/{workspace}/{slug}";
    let at = |rest: &str| format!("{repository}{rest}");
    let api = Router::new()
        .route("/user", get(user::show))
        .route("/user/emails", get(user::emails))
        .route("/user/workspaces", get(workspaces::mine))
        .route(
            "/user/workspaces/{workspace}/permission",
            get(workspaces::my_permission),
        )
        .route(
            "/user/workspaces/{workspace}/permissions/repositories",
            get(repositories::my_permissions),
        )
        .route("/workspaces/{workspace}", get(workspaces::show))
        .route(
            "/workspaces/{workspace}/hooks",
            get(hooks::list_of_workspace).post(hooks::create_in_workspace),
        )
        .route(
            "/workspaces/{workspace}/hooks/{uid}",
            get(hooks::show_of_workspace)
                .put(hooks::update_in_workspace)
                .delete(hooks::delete_from_workspace),
        )
        .route("/hook_events", get(hooks::subjects))
        .route("/hook_events/{subject}", get(hooks::events))
        .route("/users/{user}", get(user::show_other))
        .route(
            "/users/{user}/ssh-keys",
            get(ssh_keys::list).post(ssh_keys::create),
        )
        .route(
            "/users/{user}/ssh-keys/{key}",
            get(ssh_keys::show)
                .put(ssh_keys::update)
                .delete(ssh_keys::delete),
        )
        .route("/repositories/{workspace}", get(repositories::list))
        .route(repository, get(repositories::show))
        .route(&at("/refs"), get(refs::list_all))
        .route(&at("/refs/branches"), get(refs::list_branches))
        .route(&at("/refs/branches/{*name}"), get(refs::show_branch))
        .route(&at("/refs/tags"), get(refs::list_tags))
        .route(&at("/refs/tags/{*name}"), get(refs::show_tag))
        .route(
            &at("/commits"),
            get(commits::list).post(commits::list_by_form),
        )
        .route(&at("/commits/{*revision}"), get(commits::list_of_revision))
        .route(&at("/commit/{commit}"), get(commits::show))
        .route(&at("/commit/{commit}/statuses"), get(statuses::list))
        .route(
            &at("/commit/{commit}/statuses/build"),
            post(statuses::create),
        )
        .route(
            &at("/commit/{commit}/statuses/build/{key}"),
            get(statuses::show).put(statuses::update),
        )
        .route(&at("/merge-base/{*spec}"), get(commits::merge_base))
        .route(&at("/src/{commit}/{*path}"), get(src::show))
        .route(&at("/src/{commit}"), get(src::top))
        .route(&at("/src/{commit}/"), get(src::top))
        .route(&at("/diffstat/{*spec}"), get(diffstat::list))
        .route(&at("/hooks"), get(hooks::list).post(hooks::create))
        .route(
            &at("/hooks/{uid}"),
            get(hooks::show).put(hooks::update).delete(hooks::delete),
        )
        .route(
            &at("/deploy-keys"),
            get(deploy_keys::list).post(deploy_keys::create),
        )
        .route(
            &at("/deploy-keys/{key}"),
            get(deploy_keys::show)
                .put(deploy_keys::update)
                .delete(deploy_keys::delete),
        )
        .route(
            &at("/pullrequests"),
            get(pull_requests::list).post(pull_request_acts::create),
        )
        .route(
            &at("/pullrequests/{id}"),
            get(pull_requests::show).put(pull_request_acts::update),
        )
        .route(
            &at("/pullrequests/{id}/merge"),
            post(pull_request_acts::merge),
        )
        .route(
            &at("/pullrequests/{id}/decline"),
            post(pull_request_acts::decline),
        )
        .route(
            &at("/pullrequests/{id}/comments"),
            get(pull_request_acts::comments).post(pull_request_acts::comment),
        )
        .route(
            &at("/pullrequests/{id}/statuses"),
            get(pull_requests::statuses),
        )
        .route(
            &at("/pullrequests/{id}/diffstat"),
            get(pull_requests::diffstat),
        )
        // Lists across workspaces, removed in 2026.
        .route("/repositories", any(gone))
        .route("/workspaces", any(gone))
        .route("/user/permissions/repositories", any(gone))
        .route("/user/permissions/workspaces", any(gone))
        .route("/teams", any(gone))
        .route("/snippets", any(gone))
        .fallback(async || ApiError::no_api())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(from_fn(partial_response))
        .layer(map_response(typed));
    without_slash(
        Router::new()
            .nest("/2.0", api)
            .fallback(async || ApiError::forbidden_plain())
            .with_state(server),
    )
}

/// Answers without a body carry a type too.
async fn typed(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

async fn gone() -> ApiError {
    ApiError::gone()
}
