//! Pull requests. Their hashes have 12 characters.

use serde_json::{Value, json};

use super::{Render, commit_reference, moment, people, rendered, repository_summary};
use crate::state::{Comment, PullRequest, PullRequestEnd, PullRequestState, Reviewer};

const SHORT_HASH: usize = 12;

/// A pull request.
pub(in crate::cloud) fn pull_request(render: Render<'_>, request: &PullRequest) -> Value {
    let full = render.tables.full_name(request.repository);
    let at = format!(
        "{}/repositories/{full}/pullrequests/{}",
        render.addresses.api_url, request.number
    );
    let mut links = json!({
        "self": { "href": at },
        "html": { "href": format!("{}/{full}/pull-requests/{}", render.addresses.web_url, request.number) },
    });
    for name in [
        "commits",
        "approve",
        "request-changes",
        "diff",
        "diffstat",
        "comments",
        "activity",
        "merge",
        "decline",
        "statuses",
    ] {
        links[name] = json!({ "href": format!("{at}/{name}") });
    }
    let merge_commit = request
        .merge_commit
        .as_deref()
        .map(|hash| commit_reference(render, &full, short(hash)));
    let reviewers: Vec<Value> = request
        .reviewers
        .iter()
        .map(|reviewer| people::user(render, reviewer.user))
        .collect();
    json!({
        "type": "pullrequest",
        "id": request.number,
        "title": request.title,
        "description": request.description,
        "rendered": { "title": rendered(&request.title), "description": rendered(&request.description), "reason": rendered("") },
        "summary": rendered(&request.description),
        "state": state(request.state),
        "draft": request.draft,
        "queued": false,
        "comment_count": request.comments.len(),
        "task_count": 0,
        "close_source_branch": false,
        "reason": "",
        "merge_commit": merge_commit,
        "closed_by": request.closed_by.map(|user| people::user(render, user)),
        "author": people::user(render, request.author),
        "reviewers": reviewers,
        "participants": request.reviewers.iter().map(|reviewer| participant(render, request, reviewer)).collect::<Vec<_>>(),
        "source": end(render, &request.source),
        "destination": end(render, &request.destination),
        "created_on": moment(request.created_at),
        "updated_on": moment(request.updated_at),
        "links": links,
    })
}

/// What somebody wrote on a pull request.
pub(in crate::cloud) fn comment(
    render: Render<'_>,
    request: &PullRequest,
    comment: &Comment,
) -> Value {
    let full = render.tables.full_name(request.repository);
    let number = request.number;
    let at = format!(
        "{}/repositories/{full}/pullrequests/{number}",
        render.addresses.api_url
    );
    let page = format!("{}/{full}/pull-requests/{number}", render.addresses.web_url);
    json!({
        "type": "pullrequest_comment",
        "id": comment.id,
        "content": rendered(&comment.text),
        "user": people::user(render, comment.author),
        "deleted": false,
        "pending": false,
        "created_on": moment(comment.at),
        "updated_on": moment(comment.at),
        "pullrequest": {
            "type": "pullrequest",
            "id": number,
            "title": request.title,
            "links": { "self": { "href": at }, "html": { "href": page } },
        },
        "links": {
            "self": { "href": format!("{at}/comments/{}", comment.id) },
            "html": { "href": format!("{page}/_/diff#comment-{}", comment.id) },
        },
    })
}

fn state(state: PullRequestState) -> &'static str {
    match state {
        PullRequestState::Open => "OPEN",
        PullRequestState::Merged => "MERGED",
        PullRequestState::Declined => "DECLINED",
        PullRequestState::Superseded => "SUPERSEDED",
    }
}

fn short(hash: &str) -> &str {
    hash.get(..SHORT_HASH).unwrap_or(hash)
}

/// A deleted fork leaves neither repository nor commit.
fn end(render: Render<'_>, end: &PullRequestEnd) -> Value {
    let repository = end.repository.and_then(|id| render.tables.repository(id));
    let commit = repository.map(|repository| {
        commit_reference(
            render,
            &render.tables.full_name(repository.id),
            short(&end.commit),
        )
    });
    json!({
        "branch": { "name": end.short_name() },
        "commit": commit,
        "repository": repository.map(|repository| repository_summary(render, repository)),
    })
}

fn participant(render: Render<'_>, request: &PullRequest, reviewer: &Reviewer) -> Value {
    let state = match (reviewer.approved, reviewer.changes_requested) {
        (true, _) => json!("approved"),
        (false, true) => json!("changes_requested"),
        (false, false) => Value::Null,
    };
    let mut participant = json!({
        "type": "participant",
        "user": people::user(render, reviewer.user),
        "role": "REVIEWER",
        "approved": reviewer.approved,
        "state": state,
    });
    if reviewer.approved || reviewer.changes_requested {
        participant["participated_on"] = json!(moment(request.updated_at));
    }
    participant
}
