//! Build statuses.

use serde_json::{Value, json};

use super::{Render, braced, commit_reference, in_path, moment, repository_summary};
use crate::state::{Repository, StatusWrite};

/// A build status.
pub(in crate::cloud) fn status(
    render: Render<'_>,
    repository: &Repository,
    write: &StatusWrite,
) -> Value {
    let full = render.tables.full_name(repository.id);
    let at = format!(
        "{}/repositories/{full}/commit/{}",
        render.addresses.api_url, write.commit
    );
    json!({
        "type": "build",
        "uuid": braced(write.uuid),
        "key": write.key,
        "state": write.state,
        "name": write.name,
        "refname": write.refname,
        "url": write.url,
        "description": write.description.as_deref().unwrap_or_default(),
        "created_on": moment(write.created_at),
        "updated_on": moment(write.written_at),
        "commit": commit_reference(render, &full, &write.commit),
        "repository": repository_summary(render, repository),
        "links": {
            "self": { "href": format!("{at}/statuses/build/{}", in_path(&write.key)) },
            "commit": { "href": at },
        },
    })
}
