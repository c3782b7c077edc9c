//! Our JSON beside captures of the real thing: the same fields, of the same kinds.

use std::path::Path;

use pipewright_simulator::{NewPullRequest, RefUpdate};
use serde_json::{Value, json};

use crate::support::{Receiver, captures, signed_in, team};

/// Where ours and theirs differ: `-path` is missing here, `+path` is only here, `~path` is of another kind. A null on
/// either side fits everything.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                match ours.get(name) {
                    Some(own) => differences(&format!("{path}.{name}"), own, value, found),
                    None => found.push(format!("-{path}.{name}")),
                }
            }
            found.extend(
                ours.keys()
                    .filter(|name| !theirs.contains_key(*name))
                    .map(|name| format!("+{path}.{name}")),
            );
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(own), Some(their)) = (ours.first(), theirs.first()) {
                differences(&format!("{path}[]"), own, their, found);
            }
        }
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => found.push(format!("~{path}: {ours} against {theirs}")),
    }
}

/// Fields whose presence depends on the account or the age of a capture, by the end of their path.
const EXPECTED: [&str; 8] = [
    // An author without an account has no user.
    "author.user",
    // Only teams have it; the capture is of a personal workspace.
    "owner.username",
    // Personal accounts have them; the capture's owner is one, ours is a team.
    "owner.account_id",
    "owner.nickname",
    // Older captures lack what came later.
    "subject.type",
    "pullrequest.queued",
    "links.pullrequest_create",
    ".subject_type",
];

#[track_caller]
fn assert_like(directory: &Path, capture: &str, ours: &Value, also_expected: &[&str]) {
    let text = std::fs::read_to_string(directory.join(capture))
        .unwrap_or_else(|error| panic!("{capture}: {error}"));
    let theirs: Value = serde_json::from_str(&text).expect("a capture is JSON");
    let mut found = Vec::new();
    differences("", ours, &theirs, &mut found);
    found.retain(|difference| {
        !EXPECTED
            .iter()
            .chain(also_expected)
            .any(|expected| difference.ends_with(expected))
    });
    assert!(
        found.is_empty(),
        "{capture}:\n  {}\n{ours:#}",
        found.join("\n  ")
    );
}

#[tokio::test]
async fn pushes_look_like_the_captures() {
    let Some(directory) = captures() else { return };
    let sim = team().await;
    let cloud = sim.cloud();
    let first = cloud
        .commit("harbor/api", "main", &[("a", "1")], "One", "mara")
        .await
        .expect("a commit");
    cloud
        .commit("harbor/api", "main", &[("a", "2")], "Two", "mara")
        .await
        .expect("a commit");
    cloud
        .create_branch("harbor/api", "old", "main", "mara")
        .await
        .expect("a branch");
    cloud
        .create_tag("harbor/api", "old-tag", "main", None, "mara")
        .await
        .expect("a tag");
    let receiver = Receiver::start(&[]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    let mut many = RefUpdate::branch("main");
    for number in 0..6 {
        many = many.commit(&[("a", &format!("many {number}"))], "Many");
    }
    let cases = [
        (
            "push-branch-created.json",
            vec![RefUpdate::branch("feature/test").commit(&[("b", "b")], "Add simple pipeline")],
        ),
        (
            "push-branch-deleted.json",
            vec![RefUpdate::branch("old").delete()],
        ),
        (
            "push-tag-created-lightweight.json",
            vec![RefUpdate::tag("simple").to(&first)],
        ),
        (
            "push-tag-created-annotated.json",
            vec![RefUpdate::tag("annotated").annotated(&first, "Message")],
        ),
        (
            "push-tag-deleted.json",
            vec![RefUpdate::tag("old-tag").delete()],
        ),
        ("push-multiple-changes.json", vec![many]),
        (
            "push-branch-forced-truncated.json",
            vec![RefUpdate::branch("main").rewrite(&[("a", "forced")], "Forced")],
        ),
    ];
    for (index, (capture, updates)) in cases.into_iter().enumerate() {
        cloud
            .push("harbor/api", &updates, "mara")
            .await
            .expect("a push");
        cloud.settled().await;
        let body = receiver.got()[index].json();
        let older: &[&str] = match capture {
            // An older capture, before summaries, strategies and account ids.
            "push-multiple-changes.json" => &[
                ".committer",
                ".summary",
                ".rendered",
                ".properties",
                ".account_id",
                ".nickname",
                ".merge_strategies",
                ".sync_strategies",
                ".default_merge_strategy",
                ".username",
                ".website",
                ".parent",
                ".workspace",
                ".author.type",
            ],
            _ => &[],
        };
        assert_like(&directory.join("webhooks"), capture, &body, older);
    }
}

#[tokio::test]
async fn pull_requests_and_statuses_look_like_the_captures() {
    let Some(directory) = captures() else { return };
    let sim = team().await;
    let cloud = sim.cloud();
    let hash = cloud
        .commit("harbor/api", "main", &[("a", "1")], "One", "mara")
        .await
        .expect("a commit");
    cloud
        .commit("harbor/api", "feature/x", &[("b", "1")], "Feature", "ivo")
        .await
        .expect("a commit");
    let receiver = Receiver::start(&[]).await;
    let events = [
        "pullrequest:created",
        "pullrequest:updated",
        "repo:commit_status_created",
    ];
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &events)
        .expect("a webhook");
    let new = NewPullRequest {
        repository: "harbor/api",
        title: "Feature",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "ivo",
    };
    cloud.open_pull_request(new).await.expect("a pull request");
    cloud.settled().await;
    cloud
        .approve_pull_request("harbor/api", 1, "mara", true)
        .await
        .expect("an approval");
    cloud
        .commit("harbor/api", "feature/x", &[("b", "2")], "More", "ivo")
        .await
        .expect("a commit");
    cloud.settled().await;
    let got = receiver.got();
    // Bitbucket leaves the strategies of the source branch away at will.
    let vague = [
        ".source.branch.links",
        ".source.branch.sync_strategies",
        "rendered.reason",
    ];
    assert_like(
        &directory.join("webhooks"),
        "pullrequest-updated.json",
        &got[1].json(),
        &[&vague[..], &[".summary"]].concat(),
    );

    let api = signed_in(&sim, "mara").await;
    let status = json!({ "key": "k", "state": "FAILED", "url": "https://ci.example.com/1", "name": "n", "description": "d" });
    let made = api
        .call(
            "POST",
            &format!("/repositories/harbor/api/commit/{hash}/statuses/build"),
            Some(status),
            201,
        )
        .await;
    assert_like(
        &directory.join("api"),
        "commit-status-created.json",
        &made,
        &[".uuid"],
    );
}

#[tokio::test]
async fn answers_look_like_the_captures() {
    let Some(directory) = captures() else { return };
    let directory = directory.join("api");
    let sim = team().await;
    let cloud = sim.cloud();
    let first = cloud
        .commit("harbor/api", "main", &[("script.bat", "1")], "One", "mara")
        .await
        .expect("a commit");
    let second = cloud
        .commit("harbor/api", "main", &[("script.bat", "2")], "Two", "mara")
        .await
        .expect("a commit");
    cloud
        .create_tag("harbor/api", "v1", "main", Some("One"), "mara")
        .await
        .expect("a tag");
    let api = signed_in(&sim, "mara").await;
    let at = "/repositories/harbor/api";
    let newer = [
        ".summary",
        ".rendered",
        ".properties",
        ".committer",
        ".merge_strategies",
        ".sync_strategies",
        ".default_merge_strategy",
        ".nickname",
        ".account_id",
        ".username",
    ];
    for (path, capture, also) in [
        ("/user".to_owned(), "user.json", &[][..]),
        (
            "/user/emails".to_owned(),
            "user-emails-page.json",
            &["values[].type"][..],
        ),
        (
            "/user/workspaces".to_owned(),
            "user-workspaces-page.json",
            &[],
        ),
        (
            "/workspaces/harbor".to_owned(),
            "workspace.json",
            &[".is_personal"],
        ),
        (at.to_owned(), "repository.json", &[]),
        (format!("{at}/refs/branches"), "branches-page.json", &newer),
        (
            format!("{at}/refs/tags"),
            "tags-page.json",
            &[
                "-.size",
                "+.size",
                ".summary",
                ".rendered",
                ".properties",
                ".committer",
            ],
        ),
        (
            format!("{at}/commits?include={second}&exclude={first}"),
            "commits-include-exclude.json",
            &[".committer", ".properties"],
        ),
        (
            format!("{at}/src/{first}/script.bat?format=meta"),
            "src-file-meta.json",
            &[],
        ),
        (
            format!("{at}/diffstat/{second}..{first}"),
            "diffstat.json",
            &[],
        ),
        (
            "/user/workspaces/harbor/permissions/repositories".to_owned(),
            "user-workspace-repository-permissions-page.json",
            &[".links", ".account_id"],
        ),
    ] {
        let body = api.get(&path).await;
        assert_like(&directory, capture, &body, also);
    }
    let hook = json!({ "description": "d", "url": "https://ci.example.com/h", "events": ["repo:push"], "secret": "s" });
    let made = api
        .call("POST", &format!("{at}/hooks"), Some(hook), 201)
        .await;
    assert_like(&directory, "hook-created.json", &made, &[]);
}
