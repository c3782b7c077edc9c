//! Our bodies beside captures of real ones: the same keys with the same types wherever both are present.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lab::{Lab, MARA, capture, ledger, shared};
use crate::{
    actions::{NewPullRequest, PullRequestChange},
    datacenter::Version,
};

const REPOSITORY: &str = "FIN/ledger";

/// The shape of a value: every place in it with the types seen there. Items of a list share one place.
fn shape(value: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut shape = BTreeMap::new();
    describe(value, String::new(), &mut shape);
    shape
}

fn describe(value: &Value, place: String, shape: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| describe(item, format!("{place}[]"), shape)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| describe(field, format!("{place}.{name}"), shape)),
        _ => {}
    }
    shape.entry(place).or_default().insert(kind);
}

/// Places that one side has and the other lacks although both have what is around it, and places of other types.
///
/// Lists that are empty on one side tell nothing about their items.
fn differences(ours: &Value, theirs: &Value, except: &[&str]) -> Vec<String> {
    let (ours, theirs) = (shape(ours), shape(theirs));
    let parent = |place: &str| {
        let cut = place.rfind(['.', '[']).unwrap_or(0);
        place[..cut].to_owned()
    };
    let mut found = Vec::new();
    for (place, kinds) in &ours {
        match theirs.get(place) {
            Some(other) if other != kinds => {
                found.push(format!("{place}: ours {kinds:?}, theirs {other:?}"));
            }
            None if theirs.contains_key(&parent(place)) && !place.ends_with("[]") => {
                found.push(format!("{place}: only ours"));
            }
            _ => {}
        }
    }
    for place in theirs.keys() {
        if !ours.contains_key(place) && ours.contains_key(&parent(place)) && !place.ends_with("[]")
        {
            found.push(format!("{place}: only theirs"));
        }
    }
    found.retain(|line| {
        !except.iter().any(|known| {
            line.split(':')
                .next()
                .is_some_and(|place| place.ends_with(known))
        })
    });
    found
}

/// Parts that depend on what an installation or a commit holds, not on the product: descriptions are left out when
/// empty, and an author without an account is only a name. Each has a test of its own elsewhere.
const BY_CONTENT: &[&str] = &[
    ".description",
    // The repositories of some captures are in personal projects.
    ".project.owner",
    ".project.public",
    "author.active",
    "author.displayName",
    "author.id",
    "author.links",
    "author.slug",
    "author.type",
    "committer.active",
    "committer.displayName",
    "committer.id",
    "committer.links",
    "committer.slug",
    "committer.type",
];

async fn sent_at(version: Version) -> BTreeMap<String, Vec<Value>> {
    let lab = Lab::start().await;
    lab.dc.set_version(version);
    let events: Vec<&str> = crate::datacenter::events::known_events(version);
    lab.dc
        .add_webhook(REPOSITORY, "http://127.0.0.1:9/", None, &events)
        .expect("a repository");
    lab.dc
        .commit(REPOSITORY, "main", &[("a.txt", "1\n")], "One", "mara")
        .await
        .expect("a commit");
    lab.dc
        .create_tag(REPOSITORY, "v1", "main", Some("First"), "mara")
        .await
        .expect("a tag");
    lab.dc
        .create_branch(REPOSITORY, "gone", "main", "mara")
        .await
        .expect("a branch");
    lab.dc
        .delete_branch(REPOSITORY, "gone", "mara")
        .await
        .expect("a branch");
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "1\n")], "Topic", "mara")
        .await
        .expect("a commit");
    lab.dc
        .create_branch(REPOSITORY, "release", "main", "mara")
        .await
        .expect("a branch");
    let new = || NewPullRequest {
        repository: REPOSITORY,
        title: "Topic",
        source: "topic",
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    let number = lab
        .dc
        .open_pull_request(new())
        .await
        .expect("a pull request");
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "2\n")], "More", "mara")
        .await
        .expect("a commit");
    let change = PullRequestChange {
        destination: Some("release"),
        description: Some("Why"),
        ..PullRequestChange::default()
    };
    lab.dc
        .update_pull_request(REPOSITORY, number, change, "mara")
        .await
        .expect("open");
    lab.dc
        .merge_pull_request(REPOSITORY, number, "mara")
        .await
        .expect("no conflict");
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "3\n")], "Again", "mara")
        .await
        .expect("a commit");
    let second = lab
        .dc
        .open_pull_request(new())
        .await
        .expect("a pull request");
    lab.dc
        .decline_pull_request(REPOSITORY, second, "mara")
        .await
        .expect("open");
    lab.dc
        .create_tag(REPOSITORY, "v2", "topic", None, "mara")
        .await
        .expect("a tag");
    let tagged = lab
        .dc
        .open_pull_request_from_tag(REPOSITORY, "From a tag", "v2", "main", "mara")
        .await
        .expect("a pull request");
    lab.dc
        .delete_pull_request(REPOSITORY, tagged, "mara")
        .await
        .expect("there");
    lab.dc
        .rename_repository(REPOSITORY, "books", "mara")
        .await
        .expect("a free slug");
    lab.dc.settled().await;
    let mut sent: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for delivery in lab.dc.deliveries("FIN/books").expect("a repository") {
        let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
        let change = body["changes"][0]["type"]
            .as_str()
            .map(|kind| format!(" {kind} {}", body["changes"][0]["ref"]["type"]));
        sent.entry(format!(
            "{}{}",
            delivery.event_key,
            change.unwrap_or_default().replace('"', "")
        ))
        .or_default()
        .push(body);
    }
    sent
}

#[tokio::test]
async fn payloads_have_the_shape_of_the_captures() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    for (version, pairs) in [
        (
            Version::new(9, 4, 24),
            vec![
                ("repo:refs_changed UPDATE BRANCH", "push-branch-update.json"),
                (
                    "repo:refs_changed ADD TAG",
                    "push-tag-created-annotated.json",
                ),
                ("pr:opened", "pr-opened-woodpecker.json"),
                ("pr:merged", "pr-merged.json"),
            ],
        ),
        (
            Version::new(10, 2, 6),
            vec![
                (
                    "repo:refs_changed ADD BRANCH",
                    "push-branch-created-v10.json",
                ),
                (
                    "repo:refs_changed UPDATE BRANCH",
                    "push-branch-update-v10.3-iso-timestamps.json",
                ),
                (
                    "repo:refs_changed DELETE BRANCH",
                    "push-branch-deleted.json",
                ),
                ("pr:opened", "pr-opened-v10.json"),
                ("pr:deleted", "pr-deleted-v10.json"),
            ],
        ),
        (
            Version::new(7, 2, 0),
            vec![("pr:from_ref_updated", "pr-from-ref-updated-2020.json")],
        ),
        (
            Version::new(6, 10, 0),
            vec![
                (
                    "repo:refs_changed UPDATE BRANCH",
                    "push-branch-update-2019.json",
                ),
                ("pr:modified", "pr-modified.json"),
                ("pr:declined", "pr-declined.json"),
                ("repo:modified", "repo-modified.json"),
            ],
        ),
        (
            Version::new(5, 16, 0),
            vec![
                (
                    "repo:refs_changed UPDATE BRANCH",
                    "push-branch-update-2023.json",
                ),
                ("pr:opened", "pr-opened-minimal-2018.json"),
            ],
        ),
    ] {
        let sent = sent_at(version).await;
        for (event, name) in pairs {
            let ours = sent
                .get(event)
                .unwrap_or_else(|| panic!("{version} sent no {event}: {:?}", sent.keys()))
                .first();
            let theirs = capture(&shared, &format!("webhooks/{name}"));
            let found = differences(ours.expect("one at least"), &theirs, BY_CONTENT);
            wrong.extend(
                found
                    .into_iter()
                    .map(|line| format!("{version} {event} beside {name}: {line}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn answers_have_the_shape_of_the_captures() {
    let Some(shared) = shared() else { return };
    let lab = Lab::start().await;
    lab.dc
        .create_tag(REPOSITORY, "v1", "main", Some("First"), "mara")
        .await
        .expect("a tag");
    let commit = lab
        .dc
        .commit(REPOSITORY, "main", &[("a.txt", "1\n")], "One", "mara")
        .await
        .expect("a commit");
    let hook = serde_json::json!({
        "name": "n", "url": "https://ci.example.com/", "events": ["pr:opened"], "configuration": { "secret": "s" },
    });
    lab.post(MARA, &ledger("/webhooks"), hook).await.expect(201);
    let mut wrong = Vec::new();
    for (path, name, except) in [
        (
            "/rest/api/1.0/users/mara".to_owned(),
            "api/user.json",
            &[][..],
        ),
        (
            "/rest/api/1.0/projects".to_owned(),
            "api/projects-page.json",
            &[],
        ),
        (
            ledger(""),
            "api/repository.json",
            &[".hierarchyId", ".archived"],
        ),
        (ledger("/branches"), "api/branches.json", &[]),
        (ledger("/tags/v1"), "api/tag-annotated.json", &[]),
        (ledger("/default-branch"), "api/default-branch.json", &[]),
        (
            ledger(&format!("/commits/{commit}")),
            "api/commit.json",
            &[],
        ),
        (
            ledger("/browse/a.txt?type=true"),
            "api/browse-type-file.json",
            &[],
        ),
        (
            ledger("/webhooks"),
            "api/webhooks-page.json",
            &[".createdBy", ".secret"],
        ),
        (
            "/rest/api/latest/build/capabilities".to_owned(),
            "instance/build-capabilities.json",
            &[],
        ),
        (
            "/rest/ssh/1.0/settings".to_owned(),
            "doc-examples/ssh-settings.json",
            &[],
        ),
        (
            "/rest/api/1.0/projects/none".to_owned(),
            "errors/project-not-found.json",
            &[],
        ),
        (
            "/rest/api/1.0/projects/FIN/repos/none".to_owned(),
            "errors/repository-not-found.json",
            &[],
        ),
        (ledger("/commits/none"), "errors/commit-not-found.json", &[]),
        (
            ledger("/pull-requests/101"),
            "errors/pull-request-not-found.json",
            &[],
        ),
    ] {
        let ours = lab.get(MARA, &path).await.json();
        let except = [BY_CONTENT, except].concat();
        let found = differences(&ours, &capture(&shared, name), &except);
        wrong.extend(
            found
                .into_iter()
                .map(|line| format!("{path} beside {name}: {line}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_missing_or_changed_field_is_a_difference() {
    let ours = serde_json::json!({ "a": 1, "list": [{ "x": 1 }], "only": true });
    let theirs = serde_json::json!({ "a": "1", "list": [{ "x": 1, "y": 2 }] });
    let found = differences(&ours, &theirs, &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(differences(&ours, &theirs, &[".a", ".y", ".only"]).is_empty());
}
