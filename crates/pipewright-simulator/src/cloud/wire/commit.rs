//! Commits.

use serde_json::{Value, json};

use super::{Render, commit_moment, people, rendered};
use crate::git::CommitInfo;

/// Where a commit stands, which decides how much of it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloud) enum CommitForm {
    /// The target of a ref in a webhook: two links.
    Target,
    /// An element of a push's `commits`: all links.
    Listed,
    /// An answer of the API: all links and the repository.
    Answer,
}

/// A commit.
pub(in crate::cloud) fn commit(
    render: Render<'_>,
    full_name: &str,
    info: &CommitInfo,
    form: CommitForm,
) -> Value {
    let mut whole = commit_reference(render, full_name, &info.hash);
    whole["date"] = json!(commit_moment(info.committed_at));
    whole["author"] = author(render, &info.author_name, &info.author_email);
    whole["committer"] = json!({});
    whole["message"] = json!(info.message);
    whole["summary"] = rendered(&info.message);
    whole["parents"] = info
        .parents
        .iter()
        .map(|hash| commit_reference(render, full_name, hash))
        .collect();
    whole["rendered"] = json!({});
    whole["properties"] = json!({});
    if form != CommitForm::Target {
        let at = format!("{}/repositories/{full_name}", render.addresses.api_url);
        let hash = &info.hash;
        for (name, path) in [
            ("diff", format!("diff/{hash}")),
            ("approve", format!("commit/{hash}/approve")),
            ("comments", format!("commit/{hash}/comments")),
            ("statuses", format!("commit/{hash}/statuses")),
            ("patch", format!("patch/{hash}")),
        ] {
            whole["links"][name] = json!({ "href": format!("{at}/{path}") });
        }
    }
    if form == CommitForm::Answer {
        whole["rendered"] = json!({ "message": rendered(&info.message) });
        whole["committer"] = author(render, &info.committer_name, &info.committer_email);
        let repository = full_name
            .split_once('/')
            .and_then(|(space, slug)| render.tables.repository_by_path(space, slug));
        whole["repository"] = repository.map_or(Value::Null, |repository| {
            super::repository_summary(render, repository)
        });
    }
    whole
}

/// Hash, type and links.
pub(in crate::cloud) fn commit_reference(render: Render<'_>, full_name: &str, hash: &str) -> Value {
    json!({
        "type": "commit",
        "hash": hash,
        "links": {
            "self": { "href": format!("{}/repositories/{full_name}/commit/{hash}", render.addresses.api_url) },
            "html": { "href": format!("{}/{full_name}/commits/{hash}", render.addresses.web_url) },
        },
    })
}

/// `user` is there only when somebody has the address.
pub(super) fn author(render: Render<'_>, name: &str, email: &str) -> Value {
    let mut author = json!({ "type": "author", "raw": format!("{name} <{email}>") });
    if let Some(user) = render.tables.user_by_email(email) {
        author["user"] = people::user(render, user.id);
    }
    author
}
