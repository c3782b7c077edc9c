//! Branches and tags.

use serde_json::{Value, json};

use super::commit::author;
use super::{CommitForm, Render, commit, commit_moment, in_path};
use crate::git::{CommitInfo, GitRef};
use crate::state::ref_name;

/// Where a ref stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloud) enum ReferenceForm {
    /// In a webhook.
    Webhook,
    /// In an answer of the API.
    Answer,
}

/// A branch or tag with its commit. `target.hash` is always the commit; an annotated tag's own id is not given.
pub(in crate::cloud) fn reference(
    render: Render<'_>,
    full_name: &str,
    found: &GitRef,
    info: &CommitInfo,
    form: ReferenceForm,
) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let name = found.short_name();
    let path = in_path(name);
    let is_tag = ref_name::is_tag(&found.name);
    let (kind, collection, page) = if is_tag {
        ("tag", "tags", "commits/tag")
    } else {
        ("branch", "branches", "branch")
    };
    let commit_form = if form == ReferenceForm::Webhook {
        CommitForm::Target
    } else {
        CommitForm::Answer
    };
    let mut whole = json!({
        "type": kind,
        "name": name,
        "target": commit(render, full_name, info, commit_form),
        "links": {
            "self": { "href": format!("{api}/repositories/{full_name}/refs/{collection}/{path}") },
            "commits": { "href": format!("{api}/repositories/{full_name}/commits/{path}") },
            "html": { "href": format!("{web}/{full_name}/{page}/{path}") },
        },
    });
    if is_tag {
        whole["message"] = json!(found.tag_message);
        whole["date"] = json!(found.tagged_at.map(commit_moment));
        whole["tagger"] = tagger(render, found, form);
    } else {
        let strategies = [
            "merge_commit",
            "squash",
            "fast_forward",
            "squash_fast_forward",
            "rebase_fast_forward",
            "rebase_merge",
        ];
        whole["merge_strategies"] = json!(strategies);
        whole["sync_strategies"] = json!(["merge_commit", "rebase"]);
        whole["default_merge_strategy"] = json!("merge_commit");
        whole["links"]["pullrequest_create"] =
            json!({ "href": format!("{web}/{full_name}/pull-requests/new?source={path}&t=1") });
    }
    whole
}

/// Webhooks say an empty object, the API says who.
fn tagger(render: Render<'_>, found: &GitRef, form: ReferenceForm) -> Value {
    let Some(tagger) = &found.tagger else {
        return Value::Null;
    };
    if form == ReferenceForm::Webhook {
        return json!({});
    }
    let (name, email) = tagger
        .rsplit_once(" <")
        .map_or((tagger.as_str(), ""), |(name, email)| {
            (name, email.trim_end_matches('>'))
        });
    author(render, name, email)
}
