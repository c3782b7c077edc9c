//! Every captured delivery is decoded, and what matters in each is looked at.

use rstest::rstest;

use super::*;
use crate::facade::Product;
use crate::remote::RefOrRefused;
use crate::testing::{files, shared};
use pipewright_core::Secret;

fn push(product: Product, key: &str, body: &[u8]) -> Push {
    match decode(product, key, body) {
        Ok(Event::Push(push)) => push,
        other => panic!("expected a push: {other:?}"),
    }
}

fn cloud(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(shared("fixtures/bitbucket-cloud/webhooks")?.join(name)).expect("a capture"))
}

fn server(name: &str) -> Option<Vec<u8>> {
    Some(
        std::fs::read(shared("fixtures/bitbucket-datacenter/webhooks")?.join(name))
            .expect("a capture"),
    )
}

/// The event's name of a capture of Cloud, from its file's name.
fn cloud_key(file: &str) -> Option<&'static str> {
    let table = [
        ("push-", "repo:push"),
        ("pullrequest-created", "pullrequest:created"),
        ("pullrequest-updated", "pullrequest:updated"),
        ("pullrequest-fulfilled", "pullrequest:fulfilled"),
        ("pullrequest-rejected", "pullrequest:rejected"),
        ("pullrequest-approved", "pullrequest:approved"),
        ("pullrequest-unapproved", "pullrequest:unapproved"),
        ("pullrequest-comment", "pullrequest:comment_created"),
        ("commit-status", "repo:commit_status_created"),
        ("commit-comment", "repo:commit_comment_created"),
        ("repo-updated", "repo:updated"),
        ("repo-fork", "repo:fork"),
        ("issue", "issue:created"),
    ];
    table
        .into_iter()
        .find(|(start, _)| file.starts_with(start))
        .map(|(_, key)| key)
}

#[test]
fn every_capture_of_cloud_decodes() {
    let Some(directory) = shared("fixtures/bitbucket-cloud/webhooks") else {
        return;
    };
    let mut decoded = 0;
    for (name, body) in files(directory, ".json") {
        let Some(key) = cloud_key(&name) else {
            continue;
        };
        let event =
            decode(Product::Cloud, key, &body).unwrap_or_else(|error| panic!("{name}: {error}"));
        match (key, event) {
            ("repo:push", Event::Push(push)) => {
                assert_eq!(
                    push.changes.is_empty(),
                    name == "push-no-changes.json",
                    "{name}"
                );
                assert!(
                    push.actor.is_some() && push.repository.full_name.contains('/'),
                    "{name}"
                );
                for change in &push.changes {
                    assert_eq!(
                        change.new.is_none(),
                        change.kind == ChangeKind::Deleted,
                        "{name}"
                    );
                    assert_eq!(
                        change.old.is_none(),
                        change.kind == ChangeKind::Created,
                        "{name}"
                    );
                    assert_eq!(change.head.is_some(), change.new.is_some(), "{name}");
                    assert!(
                        change.reference.name().is_some() && !change.new_is_maybe_tag_object,
                        "{name}"
                    );
                }
            }
            (
                "pullrequest:created"
                | "pullrequest:updated"
                | "pullrequest:fulfilled"
                | "pullrequest:rejected",
                Event::PullRequest(event),
            ) => {
                let forks = [
                    "created-from-fork",
                    "created-atlantis",
                    "updated-new-commit",
                    "updated-new-destination",
                ];
                assert_eq!(
                    event.from_fork,
                    forks.iter().any(|fork| name.contains(fork)),
                    "{name}"
                );
                assert!(event.pull_request.source.commit.is_some(), "{name}");
            }
            (
                "repo:updated",
                Event::RepositoryRenamed {
                    repository,
                    old_full_name,
                },
            ) => {
                assert_eq!(repository.full_name, "teamawesome/repository");
                assert_eq!(repository.address.slug, "repository");
                assert_eq!(
                    old_full_name.as_deref(),
                    Some("teamawesome/repository_name")
                );
            }
            (key, Event::Ignored { event_key }) => assert_eq!(key, event_key, "{name}"),
            (key, event) => panic!("{name}, {key}: {event:?}"),
        }
        decoded += 1;
    }
    assert!(decoded >= 42, "{decoded} captures");
}

#[test]
fn every_capture_of_data_center_decodes() {
    let Some(directory) = shared("fixtures/bitbucket-datacenter/webhooks") else {
        return;
    };
    let mut decoded = 0;
    for (name, body) in files(directory, ".json") {
        let key = match name.as_str() {
            "signature-vectors.json" => continue,
            "ping.json" => "diagnostics:ping".to_owned(),
            name if name.starts_with("mirror") => "mirror:repo_synchronized".to_owned(),
            _ => {
                let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                body["eventKey"]
                    .as_str()
                    .map_or_else(|| panic!("{name} has no event key"), str::to_owned)
            }
        };
        let event = decode(Product::DataCenter, &key, &body)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        match (key.as_str(), event) {
            ("repo:refs_changed", Event::Push(push)) => {
                assert_eq!(
                    push.changes.is_empty(),
                    name == "push-no-changes.json",
                    "{name}"
                );
                for change in &push.changes {
                    let deletes = name.contains("deleted") || name == "push-signed.json";
                    assert_eq!(change.kind == ChangeKind::Deleted, deletes, "{name}");
                    assert_eq!(
                        change.new.is_none(),
                        change.kind == ChangeKind::Deleted,
                        "{name}: zero hashes are no commits"
                    );
                    assert_eq!(
                        change.old.is_none(),
                        change.kind == ChangeKind::Created,
                        "{name}"
                    );
                    let tag = change
                        .reference
                        .name()
                        .is_some_and(|name| !name.is_branch());
                    assert!(tag || !change.new_is_maybe_tag_object, "{name}");
                    assert!(
                        change.head.as_ref().is_none_or(|head| head.date.is_some()),
                        "{name}: dates of every version are read"
                    );
                }
            }
            (key, Event::PullRequest(event)) => {
                assert!(key.starts_with("pr:"), "{name}");
                // The anonymised id of one capture has 39 digits.
                let whole = event
                    .pull_request
                    .source
                    .commit
                    .as_ref()
                    .is_some_and(|commit| commit.full().is_some());
                assert_eq!(whole, name != "pr-from-ref-updated-2020.json", "{name}");
                assert!(
                    event
                        .pull_request
                        .source
                        .reference
                        .as_ref()
                        .is_some_and(|found| found.name().is_some()),
                    "{name}"
                );
            }
            (
                "repo:modified",
                Event::RepositoryRenamed {
                    repository,
                    old_full_name,
                },
            ) => {
                assert_eq!(repository.full_name, "gopher/webhook-test");
                assert_eq!(old_full_name.as_deref(), Some("gopher/webhook-test-2"));
            }
            ("diagnostics:ping", Event::Ping) => {}
            (key, Event::Ignored { event_key }) => assert_eq!(key, event_key, "{name}"),
            (key, event) => panic!("{name}, {key}: {event:?}"),
        }
        decoded += 1;
    }
    assert!(decoded >= 55, "{decoded} captures");
}

#[test]
fn t1_all_changes_of_a_push_are_seen() {
    let Some(body) = cloud("push-multiple-changes.json") else {
        return;
    };
    let push = push(Product::Cloud, "repo:push", &body);
    let kinds: Vec<_> = push
        .changes
        .iter()
        .map(|change| (change.kind, change.truncated))
        .collect();
    assert_eq!(
        kinds,
        [
            (ChangeKind::Updated, false),
            (ChangeKind::Created, true),
            (ChangeKind::Created, false)
        ]
    );
    assert!(
        push.changes[2]
            .reference
            .name()
            .is_some_and(|name| !name.is_branch()),
        "the third is a tag"
    );
}

#[test]
fn a_forced_push_says_so() {
    let Some(body) = cloud("push-branch-forced-truncated.json") else {
        return;
    };
    let change = push(Product::Cloud, "repo:push", &body).changes.remove(0);
    assert!(change.forced && change.truncated);
}

#[test]
fn t12_an_annotated_tag_is_peeled_where_the_delivery_names_its_commit() {
    let Some(annotated) = server("push-tag-created-annotated.json") else {
        return;
    };
    let change = push(Product::DataCenter, "repo:refs_changed", &annotated)
        .changes
        .remove(0);
    assert_eq!(
        change.new.expect("a commit").as_str(),
        "fb522a6f08c7c7df337312e4e65ec1b57710672e"
    );
    assert!(!change.new_is_maybe_tag_object);
    assert_eq!(
        change.head.expect("the commit").message,
        "Suppress echo command part"
    );
    let Some(old_server) = server("push-tag-created-2018.json") else {
        return;
    };
    let change = push(Product::DataCenter, "repo:refs_changed", &old_server)
        .changes
        .remove(0);
    assert!(
        change.new_is_maybe_tag_object,
        "an old server does not say, so it must be asked"
    );
}

#[test]
fn t15_a_pull_request_may_start_from_a_tag() {
    let Some(body) = server("pr-opened-from-tag.json") else {
        return;
    };
    let Ok(Event::PullRequest(event)) = decode(Product::DataCenter, "pr:opened", &body) else {
        panic!("a pull request")
    };
    assert_eq!(event.action, PullRequestAction::Opened);
    assert_eq!(
        event
            .pull_request
            .source
            .reference
            .expect("a ref")
            .to_string(),
        "refs/tags/v1.0"
    );
}

#[test]
fn a19_a_fork_is_a_fork() {
    let (Some(cloud), Some(server)) = (
        cloud("pullrequest-created-from-fork.json"),
        server("pr-opened-from-fork.json"),
    ) else {
        return;
    };
    for (product, key, body) in [
        (Product::Cloud, "pullrequest:created", cloud),
        (Product::DataCenter, "pr:opened", server),
    ] {
        let Ok(Event::PullRequest(event)) = decode(product, key, &body) else {
            panic!("a pull request")
        };
        let source = event.pull_request.source.repository.expect("the fork");
        assert!(event.from_fork && source.address.remote_id != event.repository.address.remote_id);
    }
}

#[test]
fn t16_a_source_update_names_what_it_was_before() {
    let Some(body) = server("pr-from-ref-updated.json") else {
        return;
    };
    let Ok(Event::PullRequest(event)) = decode(Product::DataCenter, "pr:from_ref_updated", &body)
    else {
        panic!("a pull request")
    };
    assert_eq!(event.action, PullRequestAction::Updated);
    assert!(
        event
            .previous_source
            .is_some_and(|previous| Some(&previous) != event.pull_request.source.commit.as_ref())
    );
}

#[test]
fn t2_published_signatures_match() {
    let Some(directory) = shared("fixtures") else {
        return;
    };
    let read = |path: &str| std::fs::read(directory.join(path)).expect("a capture");
    let vectors: serde_json::Value =
        serde_json::from_slice(&read("bitbucket-cloud/webhooks/signature-vectors.json"))
            .expect("JSON");
    let mut checked = 0;
    for vector in vectors.as_array().expect("a list") {
        let text = |name: &str| vector[name].as_str();
        let body = match text("body_file") {
            Some(file) => read(&format!("bitbucket-cloud/webhooks/{file}")),
            None => text("body").expect("a body").as_bytes().to_vec(),
        };
        let valid = verify_signature(
            &Secret::new(text("secret").expect("a secret")),
            &body,
            text("value"),
        )
        .is_ok();
        assert_eq!(Some(valid), vector["valid"].as_bool(), "{vector}");
        checked += 1;
    }
    let vectors: serde_json::Value = serde_json::from_slice(&read(
        "bitbucket-datacenter/webhooks/signature-vectors.json",
    ))
    .expect("JSON");
    for vector in vectors["vectors"].as_array().expect("a list") {
        let text = |name: &str| vector[name].as_str();
        let body = match text("file") {
            Some(file) => read(&format!("bitbucket-datacenter/{file}")),
            None => text("body")
                .or_else(|| text("text"))
                .expect("a body")
                .as_bytes()
                .to_vec(),
        };
        assert_eq!(
            verify_signature(
                &Secret::new(text("secret").expect("a secret")),
                &body,
                text("value")
            ),
            Ok(()),
            "{vector}"
        );
        checked += 1;
    }
    assert!(checked >= 5);
}

#[rstest]
#[case(Product::Cloud, "repo:push", "")]
#[case(Product::Cloud, "repo:push", "not json")]
#[case(Product::Cloud, "repo:push", "[]")]
#[case(Product::Cloud, "repo:push", "{}")]
#[case(
    Product::Cloud,
    "pullrequest:created",
    r#"{"repository":{"uuid":"{a}"},"pullrequest":{}}"#
)]
#[case(Product::Cloud, "repo:deleted", "{}")]
#[case(Product::DataCenter, "repo:refs_changed", "not json")]
#[case(Product::DataCenter, "pr:opened", r#"{"pullRequest":{"id":7}}"#)]
#[case(Product::DataCenter, "repo:modified", r#"{"old":{},"new":{}}"#)]
fn a_malformed_body_is_a_sentence(#[case] product: Product, #[case] key: &str, #[case] body: &str) {
    let error = decode(product, key, body.as_bytes()).expect_err("nothing to understand");
    assert!(
        error.to_string().contains(key) && error.to_string().contains("redeliver"),
        "{error}"
    );
}

/// Every field that a push does not use, absent, null and of another shape: the change is read all the same.
#[rstest]
#[case(
    r#""repository":null,"actor":null"#,
    r#""links":null,"commits":null,"truncated":null"#
)]
#[case(
    r#""repository":{"uuid":"{a}","links":null,"project":null,"workspace":7},"actor":[1]"#,
    r#""links":[],"commits":"x","forced":"yes""#
)]
#[case(r#""x":1"#, r#""y":2"#)]
fn a_push_of_cloud_asks_only_for_what_it_uses(#[case] beside: &str, #[case] within: &str) {
    let good = format!(
        r#"{{"new":{{"type":"branch","name":"good","target":{{"hash":"{}","links":null,"author":null,"parents":null}},"links":null}},"old":null,{within}}}"#,
        "a".repeat(40)
    );
    for odd in [
        "null",
        "{}",
        "7",
        r#"{"new":null,"old":null}"#,
        r#"{"new":{"type":"branch","name":"odd","target":null}}"#,
        r#"{"new":{"type":"branch","name":"odd","target":{"hash":"short"}}}"#,
        r#"{"new":{"type":"branch","name":null,"target":{"hash":"x"}}}"#,
    ] {
        let body = format!(r#"{{{beside},"push":{{"changes":[{odd},{good}]}}}}"#);
        let push = push(Product::Cloud, "repo:push", body.as_bytes());
        assert_eq!(push.changes.len(), 1, "{odd}");
        assert_eq!(
            push.changes[0]
                .reference
                .name()
                .map(|name| name.short().to_owned()),
            Some("good".to_owned())
        );
        assert_eq!(
            (push.unreadable.len(), push.unreadable[0].position),
            (1, 0),
            "{odd}"
        );
        let names_it = push.unreadable[0]
            .reference
            .as_ref()
            .is_some_and(|reference| reference.to_string() == "refs/heads/odd");
        assert_eq!(names_it, odd.contains("odd"), "{odd}");
    }
}

#[rstest]
#[case(r#""repository":null,"actor":null,"commits":null,"toCommit":null,"date":null"#)]
#[case(r#""repository":{"id":7,"slug":"a","links":null,"project":null},"actor":7,"commits":[null,7],"toCommit":"x","date":{}"#)]
#[case(r#""x":1"#)]
fn a_push_of_data_center_asks_only_for_what_it_uses(#[case] beside: &str) {
    let good = format!(
        r#"{{"ref":null,"refId":"refs/heads/good","fromHash":null,"toHash":"{}","type":null}}"#,
        "a".repeat(40)
    );
    for odd in [
        "null",
        "{}",
        "7",
        r#"{"refId":"refs/heads/odd","type":"ADD"}"#,
        r#"{"ref":{"id":"refs/heads/odd","repository":null},"toHash":null,"type":"UPDATE"}"#,
    ] {
        let body = format!(r#"{{{beside},"changes":[{good},{odd}]}}"#);
        let push = push(Product::DataCenter, "repo:refs_changed", body.as_bytes());
        assert_eq!(push.changes.len(), 1, "{odd}");
        assert_eq!(
            (push.unreadable.len(), push.unreadable[0].position),
            (1, 1),
            "{odd}"
        );
        let names_it = push.unreadable[0]
            .reference
            .as_ref()
            .is_some_and(|reference| reference.to_string() == "refs/heads/odd");
        assert_eq!(names_it, odd.contains("odd"), "{odd}");
    }
}

#[test]
fn a_delivery_says_which_repository_it_is_about_or_leaves_it_out() {
    let id = |product, key: &str, body: &str| {
        decode(product, key, body.as_bytes())
            .expect("an event")
            .repository_id()
            .map(str::to_owned)
    };
    let cloud = |repository: &str| {
        id(
            Product::Cloud,
            "repo:push",
            &format!(r#"{{"repository":{repository},"push":{{"changes":[]}}}}"#),
        )
    };
    assert_eq!(cloud(r#"{"uuid":"{a}"}"#).as_deref(), Some("{a}"));
    assert_eq!(cloud(r#"{"full_name":"acme/site"}"#), None);
    assert_eq!(cloud("null"), None);
    let data_center = |repository: &str| {
        id(
            Product::DataCenter,
            "repo:refs_changed",
            &format!(r#"{{"repository":{repository},"changes":[]}}"#),
        )
    };
    assert_eq!(data_center(r#"{"id":7}"#).as_deref(), Some("7"));
    assert_eq!(
        data_center(r#"{"slug":"site","project":{"key":"A"}}"#),
        None
    );
}

#[test]
fn deeply_nested_bodies_end_in_an_error_too() {
    let body = "[".repeat(100_000);
    assert!(decode(Product::Cloud, "repo:push", body.as_bytes()).is_err());
}

#[test]
fn a_name_that_git_refuses_is_kept_with_its_reason_and_loses_no_other_change() {
    let body = r#"{"repository":{"uuid":"{a}","full_name":"acme/site"},"push":{"changes":[
        {"new":{"type":"branch","name":"a..b","target":{"hash":"7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012"}}},
        {"new":{"type":"tag","name":"v1","target":{"hash":"7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012"}}}]}}"#;
    let push = push(Product::Cloud, "repo:push", body.as_bytes());
    assert!(
        matches!(&push.changes[0].reference, RefOrRefused::Refused { name, .. } if name == "a..b")
    );
    assert!(push.changes[1].reference.name().is_some());
    assert_eq!(push.repository.address.slug, "site");
}

#[test]
fn unknown_events_and_pings_are_no_errors() {
    for product in [Product::Cloud, Product::DataCenter] {
        assert!(matches!(
            decode(product, "telepathy:received", b"junk"),
            Ok(Event::Ignored { .. })
        ));
    }
    assert_eq!(
        decode(Product::DataCenter, "diagnostics:ping", br#"{"test":true}"#),
        Ok(Event::Ping)
    );
}

#[test]
fn updates_that_do_not_matter_are_ignored() {
    let cloud = r#"{"repository":{"uuid":"{a}"},"changes":{"website":{"new":"x","old":"y"}}}"#;
    assert!(matches!(
        decode(Product::Cloud, "repo:updated", cloud.as_bytes()),
        Ok(Event::Ignored { .. })
    ));
    let repository = |key: &str, slug: &str| {
        format!(r#"{{"id":7,"slug":"{slug}","name":"{slug}","project":{{"key":"{key}"}}}}"#)
    };
    let body = |old: String, new: String| format!(r#"{{"old":{old},"new":{new}}}"#);
    let decode = |body: String| {
        decode(Product::DataCenter, "repo:modified", body.as_bytes()).expect("an event")
    };
    assert!(matches!(
        decode(body(repository("PRJ", "a"), repository("prj", "a"))),
        Event::Ignored { .. }
    ));
    assert!(matches!(
        decode(body(repository("PRJ", "a"), repository("OPS", "a"))),
        Event::RepositoryMoved { .. }
    ));
    assert!(matches!(
        decode(body(repository("PRJ", "a"), repository("PRJ", "b"))),
        Event::RepositoryRenamed { .. }
    ));
}
