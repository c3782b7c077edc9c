//! Pull-request events. `updated` does not say what changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cloud::wire::{self, Render, moment};
use crate::state::{PullRequest, PullRequestAction};

/// Adds what the event carries to a body and returns the event's name.
pub(super) fn fill(
    render: Render<'_>,
    body: &mut Value,
    request: &PullRequest,
    action: &PullRequestAction,
    now: Timestamp,
) -> String {
    body["pullrequest"] = wire::pull_request(render, request);
    let name = match action {
        PullRequestAction::Created => "created",
        PullRequestAction::SourceUpdated { .. } | PullRequestAction::Modified { .. } => "updated",
        PullRequestAction::Approved(user) | PullRequestAction::Unapproved(user) => {
            body["approval"] = json!({ "date": moment(now), "user": wire::user(render, *user) });
            if matches!(action, PullRequestAction::Approved(_)) {
                "approved"
            } else {
                "unapproved"
            }
        }
        PullRequestAction::Merged => "fulfilled",
        PullRequestAction::Declined => "rejected",
        PullRequestAction::Commented { id, text } => {
            let full = render.tables.full_name(request.repository);
            let at = format!(
                "{}/repositories/{full}/pullrequests/{}/comments/{id}",
                render.addresses.api_url, request.number
            );
            let html = format!(
                "{}/{full}/pull-requests/{}/_/diff#comment-{id}",
                render.addresses.web_url, request.number
            );
            body["comment"] = json!({
                "type": "pullrequest_comment",
                "id": id,
                "content": { "type": "rendered", "raw": text, "markup": "markdown", "html": format!("<p>{}</p>", escape(text)) },
                "user": body["actor"],
                "created_on": moment(now),
                "updated_on": moment(now),
                "deleted": false,
                "pending": false,
                "inline": Value::Null,
                "pullrequest": { "type": "pullrequest", "id": request.number, "title": request.title, "draft": request.draft },
                "links": { "self": { "href": at }, "html": { "href": html } },
            });
            "comment_created"
        }
    };
    format!("pullrequest:{name}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
