//! The server about itself: version, capabilities, SSH settings, rate limit.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::datacenter::{
    caller::Caller,
    error::{ApiError, ApiResult},
    events::known_events,
    server::{Server, ok},
};

/// `application-properties`: the one resource that needs no sign-in. All values are strings.
pub(in crate::datacenter) async fn application_properties(
    State(server): State<Arc<Server>>,
) -> Response {
    let values = server.settings.values();
    ok(json!({
        "version": values.version.to_string(),
        "buildNumber": values.version.build_number(),
        "buildDate": "1731888000000",
        "displayName": values.display_name,
    }))
}

/// `/rest/capabilities`: links to the capabilities of each part.
pub(in crate::datacenter) async fn capabilities(State(server): State<Arc<Server>>) -> Response {
    let version = server.settings.version();
    let base = server.links().base;
    let mut parts = Map::from_iter([
        (
            "webhooks".to_owned(),
            json!(format!("{base}/rest/webhooks/latest/capabilities")),
        ),
        (
            "code-insights".to_owned(),
            json!(format!("{base}/rest/insights/latest/capabilities")),
        ),
    ]);
    if version.has_rich_statuses() {
        parts.insert(
            "build".to_owned(),
            json!(format!("{base}/rest/api/latest/build/capabilities")),
        );
    }
    ok(json!({
        "links": { "self": format!("{base}/rest/capabilities") },
        "application": "stash",
        "buildDate": "2024-11-18T00:00:00Z",
        "capabilities": parts,
    }))
}

/// Names of the events that a webhook may ask for.
pub(in crate::datacenter) async fn webhook_capabilities(
    State(server): State<Arc<Server>>,
) -> Response {
    ok(json!({ "application-webhooks": known_events(server.settings.version()) }))
}

/// Which kinds of build status the server takes.
pub(in crate::datacenter) async fn build_capabilities(
    State(server): State<Arc<Server>>,
) -> Response {
    let version = server.settings.version();
    if !version.has_rich_statuses() {
        return ApiError::missing("No build capabilities.").into_response();
    }
    let mut kinds = vec!["richBuildStatus"];
    if version.has_cancelled() {
        kinds.push("cancelledStatus");
    }
    ok(json!({ "buildStatus": kinds }))
}

/// SSH settings: any signed-in user may read them.
pub(in crate::datacenter) async fn ssh_settings(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    let addresses = server.installation.addresses();
    let values = server.settings.values();
    let port = addresses.ssh_port;
    Ok(ok(json!({
        "enabled": values.ssh_enabled,
        "port": port,
        "baseUrl": format!("ssh://{}:{port}", addresses.ssh_host),
        "accessKeysEnabled": values.access_keys_enabled,
        "fingerprint": { "algorithm": "SHA-256", "value": server.host_key_fingerprint() },
    })))
}

/// The rate limit: any signed-in user may read it.
pub(in crate::datacenter) async fn rate_limit_settings(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    let limit = server.settings.values().rate_limit;
    let (capacity, fill_rate) = limit.map_or((60, 5), |limit| (limit.capacity, limit.fill_rate));
    let mut answer = json!({ "enabled": limit.is_some() });
    answer["defaultSettings"] = Value::from_iter([("capacity", capacity), ("fillRate", fill_rate)]);
    Ok(ok(answer))
}
