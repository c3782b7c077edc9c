//! The control API: what tests in another process, and the curious, drive a simulator with. JSON over HTTP, no
//! authentication, loopback only. Errors are `{"error": sentence}` with 400 or 404.
//!
//! `{product}` is `cloud` or `datacenter`; `{space}` a workspace slug or project key; people are named by user name.
//!
//! | call | body → answer |
//! |---|---|
//! | `GET /` | → addresses of everything |
//! | `GET /clock` | → `{"now"}` |
//! | `POST /clock/advance` | `{"seconds"}` → `{"now"}` |
//! | `POST /sample-team` | → 204 |
//! | `POST /{product}/users` | `{"name","display","email","password"}` → 204 |
//! | `GET, POST /{product}/users/{user}/ssh-keys` | POST `{"key","label"?}` → 204; GET → list |
//! | `POST /{product}/spaces` | `{"key","name","personal_of"?}` → 204 |
//! | `POST /{product}/members` | `{"space","user","permission": "read"\|"write"\|"admin"}` → 204 |
//! | `POST /{product}/repositories` | `{"space","slug","private"}` → 204 |
//! | `POST /{product}/repositories/{space}/{slug}/commits` | `{"branch","files":{path:text},"message","author"}` → `{"hash"}` |
//! | `POST …/force-push` | the same → `{"hash"}` |
//! | `POST …/push` | `{"by","updates":[…]}`, see below → `{"hashes":[hash\|null]}` |
//! | `GET …/head?revision=` | → `{"hash"\|null}` |
//! | `POST …/tags` | `{"tag","of","message"?,"by"}` → 204 |
//! | `POST …/delete-branch` | `{"branch","by"}` → 204 |
//! | `POST …/forks` | `{"space","slug","by"}` → 204 |
//! | `POST …/rename` | `{"slug","by"}` → 204 |
//! | `POST …/access` | `{"user","permission"\|null}` → 204 |
//! | `POST …/access-keys` | `{"key","label"?,"permission"}` → 204 |
//! | `GET, POST …/pull-requests` | POST `{"title","source","source_repository"?,"destination","author"}` → `{"number"}` |
//! | `POST …/pull-requests/{number}/{verb}` | `{"by"}`; verb `approve`, `unapprove`, `decline`, `merge`, `update` (`title`?, `description`?, `destination`?), `comment` (`text`) → 204 |
//! | `GET …/statuses/{commit}` | → every accepted write in order |
//! | `GET, POST …/webhooks` | POST `{"url","secret"?,"events"}` → 204; GET → list, secrets told |
//! | `GET …/deliveries` | → what was sent: event, state, body, attempts with headers and outcome |
//! | `POST …/raw-event` | `{"event_key","body"}` → 204 |
//! | `POST /{product}/deliveries/{id}/redeliver` | → `{"id"}` |
//! | `POST /{product}/settled` | waits until no delivery is under way → 204 |
//! | `POST /{product}/faults` | one fault, see [`Fault`] → 204 |
//! | `DELETE /{product}/faults` | ends them all, releases what was held → 204 |
//! | `GET /{product}/ssh-host-key` | → `{"key","fingerprint","known_hosts"}` |
//! | `POST /{product}/ssh-host-key` | changes it → the same |
//! | `POST /cloud/consumers` | `{"workspace","name","callback_url","scopes","private"?}` → `{"key","secret"}` |
//! | `DELETE /cloud/consumers/{key}` | → 204 |
//! | `POST /cloud/grants/revoke` | `{"user","consumer"}` → 204 |
//! | `POST /cloud/api-tokens` | `{"user","scopes"}` → `{"token"}` |
//! | `POST /cloud/access-tokens` | `{"of","scopes"}` → `{"token"}` |
//! | `GET, PUT /cloud/settings` | [`crate::CloudSettings`] |
//! | `PUT /cloud/token-generation` | `"current"` or `"older"` → 204 |
//! | `PUT /datacenter/version` | `"10.2"` → 204 |
//! | `PUT /datacenter/basic` | `true` or `false` → 204 |
//!
//! One update of a push names `branch` or `tag` and one of: `commits` (`[{"files","message"}]`), `rewrite`
//! (`{"files","message"}`), `to` (a hash), `annotated` (`{"hash","message"}`), or nothing, which deletes the ref.

mod both;
mod error;
mod faults;
mod products;
mod repository;
mod show;
mod world;

use axum::Router;
use axum::routing::{get, post, put};

pub use faults::Fault;
pub(crate) use world::World;

pub(crate) fn router(world: World) -> Router {
    let at = |rest: &str| format!("/{{product}}/repositories/{{space}}/{{slug}}/{rest}");
    Router::new()
        .route("/", get(world::addresses))
        .route("/clock", get(world::clock))
        .route("/clock/advance", post(world::advance))
        .route("/sample-team", post(world::sample_team))
        .route("/{product}/users", post(both::add_user))
        .route(
            "/{product}/users/{user}/ssh-keys",
            get(both::ssh_keys).post(both::add_ssh_key),
        )
        .route("/{product}/spaces", post(both::add_space))
        .route("/{product}/members", post(both::add_member))
        .route("/{product}/repositories", post(both::add_repository))
        .route(
            "/{product}/deliveries/{id}/redeliver",
            post(both::redeliver),
        )
        .route("/{product}/settled", post(both::settled))
        .route("/{product}/faults", post(faults::add).delete(faults::clear))
        .route(
            "/{product}/ssh-host-key",
            get(both::host_key).post(both::change_host_key),
        )
        .route(&at("commits"), post(repository::commit))
        .route(&at("force-push"), post(repository::force_push))
        .route(&at("push"), post(repository::push))
        .route(&at("head"), get(repository::head))
        .route(&at("tags"), post(repository::tag))
        .route(&at("delete-branch"), post(repository::delete_branch))
        .route(&at("forks"), post(repository::fork))
        .route(&at("rename"), post(repository::rename))
        .route(&at("access"), post(repository::set_access))
        .route(&at("access-keys"), post(repository::add_access_key))
        .route(
            &at("pull-requests"),
            get(repository::pull_requests).post(repository::open_pull_request),
        )
        .route(
            &at("pull-requests/{number}/{verb}"),
            post(repository::change_pull_request),
        )
        .route(&at("statuses/{commit}"), get(repository::statuses))
        .route(
            &at("webhooks"),
            get(repository::webhooks).post(repository::add_webhook),
        )
        .route(&at("deliveries"), get(repository::deliveries))
        .route(&at("raw-event"), post(repository::raw_event))
        .route("/cloud/consumers", post(products::add_consumer))
        .route(
            "/cloud/consumers/{key}",
            axum::routing::delete(products::delete_consumer),
        )
        .route("/cloud/grants/revoke", post(products::revoke_grant))
        .route("/cloud/api-tokens", post(products::add_api_token))
        .route("/cloud/access-tokens", post(products::add_access_token))
        .route(
            "/cloud/settings",
            get(products::settings).put(products::set_settings),
        )
        .route("/cloud/token-generation", put(products::set_generation))
        .route("/datacenter/version", put(products::set_version))
        .route("/datacenter/basic", put(products::set_basic))
        .with_state(world)
}
