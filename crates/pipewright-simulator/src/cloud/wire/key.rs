//! SSH keys of users and deploy keys of repositories.

use serde_json::{Value, json};

use super::{Render, braced, moment, people, repository_summary};
use crate::state::{Repository, SshKey, UserId};

/// A key of a user.
pub(in crate::cloud) fn user_key(render: Render<'_>, key: &SshKey, owner: UserId) -> Value {
    let holder = render
        .tables
        .user(owner)
        .map(|user| braced(user.uuid))
        .unwrap_or_default();
    json!({
        "type": "ssh_key",
        "uuid": braced(key.uuid),
        "key": key.openssh(),
        "comment": key.comment,
        "label": key.label,
        "fingerprint": key.fingerprint,
        "created_on": moment(key.created_at),
        "last_used": key.last_used.map(moment),
        "expires_on": key.expires_at.map(moment),
        "owner": people::user(render, owner),
        "links": { "self": { "href": format!("{}/users/{holder}/ssh-keys/{}", render.addresses.api_url, key.uuid) } },
    })
}

/// A deploy key. Its id is a number, unlike a user key's.
pub(in crate::cloud) fn deploy_key(
    render: Render<'_>,
    key: &SshKey,
    repository: &Repository,
) -> Value {
    let full = render.tables.full_name(repository.id);
    json!({
        "type": "deploy_key",
        "id": key.id,
        "key": key.openssh(),
        "comment": key.comment,
        "label": key.label,
        "created_on": moment(key.created_at),
        "added_on": moment(key.created_at),
        "last_used": key.last_used.map(moment),
        "repository": repository_summary(render, repository),
        "links": { "self": { "href": format!("{}/repositories/{full}/deploy-keys/{}", render.addresses.api_url, key.id) } },
    })
}
