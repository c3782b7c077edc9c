//! Repositories: whole, short, and as webhooks carry them.

use serde_json::{Value, json};

use super::{Render, braced, braced_in_path, moment, people};
use crate::state::{Repository, Space};

/// Where a repository lives in addresses: `workspace/slug`.
fn full_name(render: Render<'_>, repository: &Repository) -> String {
    render.tables.full_name(repository.id)
}

/// A repository as it stands inside other objects.
pub(in crate::cloud) fn repository_summary(render: Render<'_>, repository: &Repository) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let full = full_name(render, repository);
    json!({
        "type": "repository",
        "full_name": full,
        "name": repository.name,
        "uuid": braced(repository.uuid),
        "links": {
            "self": { "href": format!("{api}/repositories/{full}") },
            "html": { "href": format!("{web}/{full}") },
            "avatar": { "href": format!("{web}/ravatar/{}?ts=default", braced_in_path(repository.uuid)) },
        },
    })
}

/// A repository as webhooks carry it: no main branch, no slug, no clone links.
pub(in crate::cloud) fn repository_for_webhook(
    render: Render<'_>,
    repository: &Repository,
) -> Value {
    let mut whole = repository_summary(render, repository);
    whole["scm"] = json!("git");
    whole["website"] = Value::Null;
    whole["is_private"] = json!(repository.private);
    if let Some(space) = render.tables.space(repository.space) {
        whole["owner"] = owner(render, space);
        whole["workspace"] = people::workspace_summary(render, space);
        whole["project"] = project(render, space);
    }
    let parent = repository
        .parent
        .and_then(|id| render.tables.repository(id));
    whole["parent"] = parent.map_or(Value::Null, |parent| repository_summary(render, parent));
    whole
}

/// A repository in answer to a request. `size` is in bytes; `caller` is the name that stands in the https clone link.
pub(in crate::cloud) fn repository(
    render: Render<'_>,
    repository: &Repository,
    size: u64,
    caller: Option<&str>,
) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let full = full_name(render, repository);
    let mut whole = repository_for_webhook(render, repository);
    whole["slug"] = json!(repository.slug);
    whole["description"] = json!(repository.description);
    whole["fork_policy"] = json!("allow_forks");
    whole["created_on"] = json!(moment(repository.created_at));
    whole["updated_on"] = json!(moment(repository.updated_at));
    whole["size"] = json!(size);
    whole["language"] = json!("");
    whole["mainbranch"] = if repository.empty {
        Value::Null
    } else {
        json!({ "name": repository.default_branch, "type": "branch" })
    };
    whole["override_settings"] =
        json!({ "default_merge_strategy": false, "branching_model": false });
    whole["enforced_signed_commits"] = Value::Null;
    whole["has_issues"] = json!(false);
    whole["has_wiki"] = json!(false);
    for (name, path) in [
        ("pullrequests", "pullrequests"),
        ("commits", "commits"),
        ("forks", "forks"),
        ("watchers", "watchers"),
        ("branches", "refs/branches"),
        ("tags", "refs/tags"),
        ("downloads", "downloads"),
        ("source", "src"),
        ("hooks", "hooks"),
    ] {
        whole["links"][name] = json!({ "href": format!("{api}/repositories/{full}/{path}") });
    }
    let host = web.replacen(
        "://",
        &caller.map_or_else(|| "://".to_owned(), |name| format!("://{name}@")),
        1,
    );
    whole["links"]["clone"] = json!([
        { "name": "https", "href": format!("{host}/{full}.git") },
        { "name": "ssh", "href": format!("ssh://git@{}:{}/{full}.git", render.addresses.ssh_host, render.addresses.ssh_port) },
    ]);
    whole
}

fn owner(render: Render<'_>, space: &Space) -> Value {
    if let Some(user) = space.personal_of {
        return people::user(render, user);
    }
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let path = braced_in_path(space.uuid);
    json!({
        "type": "team",
        "display_name": space.name,
        "username": space.key,
        "uuid": braced(space.uuid),
        "links": {
            "self": { "href": format!("{api}/workspaces/{path}") },
            "avatar": { "href": format!("{web}/account/{}/avatar/", space.key) },
            "html": { "href": format!("{web}/{path}/") },
        },
    })
}

/// Every workspace has one project here: the one Bitbucket makes for repositories that name none.
fn project(render: Render<'_>, space: &Space) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let (slug, key) = (&space.key, "PROJ");
    json!({
        "type": "project",
        "key": key,
        "uuid": braced(uuid::Uuid::from_u128(space.uuid.as_u128() ^ 1)),
        "name": "Untitled project",
        "links": {
            "self": { "href": format!("{api}/workspaces/{slug}/projects/{key}") },
            "html": { "href": format!("{web}/{slug}/workspace/projects/{key}") },
            "avatar": { "href": format!("{web}/{slug}/workspace/projects/{key}/avatar/32") },
        },
    })
}
