//! Users and workspaces.

use serde_json::{Value, json};

use super::{Render, braced, braced_in_path, moment};
use crate::state::{Space, User, UserId};

/// A user as it stands inside other objects; null when the user is gone.
pub(in crate::cloud) fn user(render: Render<'_>, id: UserId) -> Value {
    render
        .tables
        .user(id)
        .map_or(Value::Null, |user| summary(render, user))
}

fn summary(render: Render<'_>, user: &User) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let path = braced_in_path(user.uuid);
    json!({
        "type": "user",
        "display_name": user.display_name,
        "uuid": braced(user.uuid),
        "account_id": user.account_id,
        "nickname": user.name,
        "links": {
            "self": { "href": format!("{api}/users/{path}") },
            "avatar": { "href": format!("{web}/account/{path}/avatar/") },
            "html": { "href": format!("{web}/{path}/") },
        },
    })
}

/// A user in answer to `GET /user`.
pub(in crate::cloud) fn user_with_details(render: Render<'_>, user: &User) -> Value {
    let api = &render.addresses.api_url;
    let path = braced_in_path(user.uuid);
    let mut whole = summary(render, user);
    whole["created_on"] = json!(moment(user.created_at));
    whole["username"] = json!(user.name);
    whole["has_2fa_enabled"] = Value::Null;
    whole["is_staff"] = json!(false);
    whole["account_status"] = json!(if user.active { "active" } else { "inactive" });
    whole["location"] = Value::Null;
    whole["links"]["repositories"] = json!({ "href": format!("{api}/repositories/{path}") });
    whole["links"]["snippets"] = json!({ "href": format!("{api}/snippets/{path}") });
    whole["links"]["hooks"] = json!({ "href": format!("{api}/workspaces/{path}/hooks") });
    whole
}

/// A workspace as it stands inside repositories.
pub(in crate::cloud) fn workspace_summary(render: Render<'_>, space: &Space) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let slug = &space.key;
    json!({
        "type": "workspace",
        "uuid": braced(space.uuid),
        "name": space.name,
        "slug": slug,
        "links": {
            "avatar": { "href": format!("{web}/workspaces/{slug}/avatar/?ts={}", space.created_at.as_second()) },
            "html": { "href": format!("{web}/{slug}/") },
            "self": { "href": format!("{api}/workspaces/{slug}") },
        },
    })
}

/// A workspace in answer to `GET /workspaces/{workspace}`.
pub(in crate::cloud) fn workspace(render: Render<'_>, space: &Space) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let slug = &space.key;
    let mut whole = workspace_summary(render, space);
    whole["is_private"] = json!(!space.public);
    whole["is_privacy_enforced"] = json!(false);
    whole["forking_mode"] = json!("allow_forks");
    whole["is_personal"] = json!(space.personal_of.is_some());
    whole["created_on"] = json!(moment(space.created_at));
    for (name, address) in [
        ("hooks", format!("{api}/workspaces/{slug}/hooks")),
        ("html_overview", format!("{web}/{slug}/workspace/overview/")),
        ("members", format!("{api}/workspaces/{slug}/members")),
        (
            "owners",
            format!("{api}/workspaces/{slug}/members?q=permission%3D%22owner%22"),
        ),
        ("projects", format!("{api}/workspaces/{slug}/projects")),
        ("repositories", format!("{api}/repositories/{slug}")),
        ("snippets", format!("{api}/snippets/{slug}")),
    ] {
        whole["links"][name] = json!({ "href": address });
    }
    whole
}

/// One element of `GET /user/workspaces`. It has no name: Bitbucket gives none here.
pub(in crate::cloud) fn workspace_access(
    render: Render<'_>,
    space: &Space,
    administrator: bool,
) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let slug = &space.key;
    json!({
        "type": "workspace_access",
        "administrator": administrator,
        "workspace": {
            "type": "workspace_base",
            "uuid": braced(space.uuid),
            "slug": slug,
            "links": {
                "avatar": { "href": format!("{web}/workspaces/{slug}/avatar/") },
                "self": { "href": format!("{api}/workspaces/{slug}") },
            },
        },
    })
}
