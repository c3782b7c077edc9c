//! Writing: webhooks and what they bring, statuses, keys.

use crate::lab::{Lab, address};
use crate::support::{PUBLIC_KEY, headers, judge_requests, receiver, status, webhook};
use pipewright_bitbucket::remote::{
    AddedKey, KeyAccess, Permission, WebhookChange, WebhookRequest, WebhookState,
};
use pipewright_bitbucket::status::{PostedStatus, StatusState, StatusUrlProblem};
use pipewright_bitbucket::webhook::{
    ChangeKind, Event, PullRequestAction, decode, verify_signature,
};
use pipewright_bitbucket::{ApiError, Product};
use pipewright_core::Secret;
use pipewright_simulator::{CloudSettings, NewPullRequest};

#[tokio::test]
async fn a15_there_is_one_webhook_whatever_happens() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let repository = "harbor/checkout-api";
    let address = address(&bitbucket, repository).await;
    let request = webhook("one");
    let state = |id: Option<String>| {
        let (bitbucket, address, request) = (&bitbucket, &address, &request);
        async move {
            bitbucket
                .webhook_state(address, request, id.as_deref())
                .await
                .expect("a state")
        }
    };
    assert_eq!(state(None).await, WebhookState::Missing);
    cloud
        .add_webhook(
            repository,
            "https://other.example.com/hook",
            None,
            &["repo:push"],
        )
        .expect("somebody else's hook");

    let made = bitbucket
        .ensure_webhook(&address, &request, None)
        .await
        .expect("a webhook");
    assert!(
        made.created
            && made.events.contains(&"repo:push".to_owned())
            && made.events.contains(&"repo:updated".to_owned())
    );
    assert_eq!(
        state(Some(made.id.clone())).await,
        WebhookState::Present {
            id: made.id.clone(),
            missing: Vec::new(),
        }
    );
    let again = bitbucket
        .ensure_webhook(&address, &request, None)
        .await
        .expect("found by its address");
    assert_eq!((again.created, &again.id), (false, &made.id));

    // Somebody switches it off, takes events away, and makes another with the same address.
    cloud.write(|tables| {
        for hook in tables
            .webhooks
            .values_mut()
            .filter(|hook| hook.url == request.url.as_str())
        {
            hook.active = false;
            hook.events = vec!["repo:push".to_owned()];
            hook.secret = None;
        }
    });
    assert!(matches!(state(None).await, WebhookState::Paused { .. }));
    cloud
        .add_webhook(repository, request.url.as_str(), None, &["repo:push"])
        .expect("a duplicate");
    let repaired = bitbucket
        .ensure_webhook(&address, &request, Some(&made.id))
        .await
        .expect("repaired");
    assert_eq!(
        (repaired.created, repaired.duplicates_removed, &repaired.id),
        (false, 1, &made.id)
    );
    let hooks = cloud.webhooks(repository).expect("the hooks");
    assert_eq!(hooks.len(), 2, "ours and somebody else's");
    let ours = hooks
        .iter()
        .find(|hook| hook.url == request.url.as_str())
        .expect("ours");
    assert!(
        ours.active
            && ours.secret.as_deref() == Some(request.secret.expose())
            && ours.events.len() >= 5
    );

    // Our address changes: the known hook moves along.
    let moved = webhook("two");
    match bitbucket
        .webhook_state(&address, &moved, Some(&made.id))
        .await
        .expect("a state")
    {
        WebhookState::Changed { changes, .. } => {
            assert_eq!(changes, [WebhookChange::Url(request.url.to_string())]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        bitbucket
            .ensure_webhook(&address, &moved, Some(&made.id))
            .await
            .expect("moved")
            .id,
        made.id
    );
    assert_eq!(
        bitbucket
            .delete_webhook(&address, &moved.url, None)
            .await
            .expect("removed"),
        1
    );
    assert_eq!(
        bitbucket
            .delete_webhook(&address, &moved.url, Some(&made.id))
            .await
            .expect("nothing left"),
        0
    );
    assert_eq!(cloud.webhooks(repository).expect("the hooks").len(), 1);
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}

#[tokio::test]
async fn a15_without_the_right_to_administer_nothing_is_made() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("ivo").await;
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket
        .ensure_webhook(&address, &webhook("a"), None)
        .await
        .expect_err("ivo only writes");
    assert!(
        matches!(error, ApiError::Forbidden { .. }) && error.needs_a_person(),
        "{error}"
    );
    assert_eq!(
        bitbucket
            .repository(&address)
            .await
            .expect("readable")
            .permission,
        Some(Permission::Write)
    );
}

#[tokio::test]
async fn a_refused_hook_address_says_why() {
    let lab = Lab::start().await;
    lab.simulator.cloud().set_settings(CloudSettings {
        refuse_private_hook_urls: true,
        ..CloudSettings::default()
    });
    let bitbucket = lab.connected("mara").await;
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket
        .ensure_webhook(&address, &webhook("a"), None)
        .await
        .expect_err("loopback is refused");
    assert!(
        matches!(&error, ApiError::Invalid { .. }) && error.to_string().contains("url"),
        "{error}"
    );
}

#[tokio::test]
async fn t1_t2_what_is_pushed_comes_back_signed_and_is_understood() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let request = WebhookRequest {
        url: receiver().await,
        ..webhook("push")
    };
    let made = bitbucket
        .ensure_webhook(&address, &request, None)
        .await
        .expect("a webhook");
    let updates = [
        pipewright_simulator::RefUpdate::branch("main").commit(&[("a.txt", "a")], "Add a"),
        pipewright_simulator::RefUpdate::branch("release/1").commit(&[("b.txt", "b")], "Add b"),
        pipewright_simulator::RefUpdate::tag("v1").to(&cloud
            .head("harbor/checkout-api", "main")
            .await
            .expect("a head")
            .expect("a head")),
    ];
    let hashes = cloud
        .push("harbor/checkout-api", &updates, "ivo")
        .await
        .expect("pushed");
    let number = cloud
        .open_pull_request(NewPullRequest {
            repository: "harbor/checkout-api",
            title: "Release",
            source: "release/1",
            source_repository: None,
            destination: "main",
            author: "ivo",
        })
        .await
        .expect("opened");
    cloud
        .delete_branch("harbor/checkout-api", "release/1", "ivo")
        .await
        .expect("deleted");
    cloud.settled().await;

    let mut events = Vec::new();
    for delivery in cloud.deliveries("harbor/checkout-api").expect("deliveries") {
        let headers = headers(&delivery);
        assert_eq!(
            headers.hook_id.as_deref(),
            Some(made.id.trim_matches(['{', '}']))
        );
        assert!(headers.request_id.is_some() && headers.attempt_number.is_some());
        verify_signature(
            &request.secret,
            &delivery.body,
            headers.signature.as_deref(),
        )
        .expect("signed by us");
        assert!(
            verify_signature(
                &Secret::new("other"),
                &delivery.body,
                headers.signature.as_deref()
            )
            .is_err()
        );
        events
            .push(decode(Product::Cloud, &headers.event_key, &delivery.body).expect("understood"));
    }
    let pushes: Vec<_> = events
        .iter()
        .filter_map(|event| {
            if let Event::Push(push) = event {
                Some(push)
            } else {
                None
            }
        })
        .collect();
    let first = pushes[0];
    assert_eq!(first.repository.address.remote_id, address.remote_id);
    assert_eq!(
        first.actor.as_ref().expect("an actor").display_name,
        "Ivo Tanaka"
    );
    assert_eq!(first.changes.len(), 3, "every change of the push is there");
    for (change, hash) in first.changes.iter().zip(&hashes) {
        assert_eq!(change.new.as_ref().map(ToString::to_string), *hash);
    }
    assert_eq!(
        first.changes[0]
            .head
            .as_ref()
            .expect("a commit")
            .message
            .trim(),
        "Add a"
    );
    let deleted = &pushes.last().expect("a deletion").changes[0];
    assert!(
        deleted.kind == ChangeKind::Deleted && deleted.new.is_none(),
        "t11"
    );
    let opened = events
        .iter()
        .find_map(|event| {
            if let Event::PullRequest(event) = event {
                Some(event)
            } else {
                None
            }
        })
        .expect("a pull request");
    assert_eq!(
        (opened.action, opened.pull_request.id, opened.from_fork),
        (PullRequestAction::Opened, number, false)
    );
    let short = opened.pull_request.source.commit.clone().expect("a commit");
    assert_eq!(
        Some(
            bitbucket
                .resolve_commit(&address, &short)
                .await
                .expect("resolved")
                .to_string()
        ),
        hashes[1]
    );
}

#[tokio::test]
async fn t3_t4_statuses_are_posted_and_overwritten() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("ivo").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let head = cloud
        .head("harbor/checkout-api", "main")
        .await
        .expect("a head")
        .expect("a head");
    for state in [StatusState::InProgress, StatusState::Stopped] {
        assert_eq!(
            bitbucket
                .post_status(&address, &status(&head, state))
                .await
                .expect("posted"),
            PostedStatus::Posted
        );
    }
    let shown: Vec<_> = cloud.read(|tables| {
        tables
            .current_statuses(&head)
            .into_iter()
            .cloned()
            .collect()
    });
    assert_eq!(shown.len(), 1, "the same key overwrites");
    assert_eq!(
        (shown[0].state.as_str(), shown[0].refname.as_deref()),
        ("STOPPED", Some("main"))
    );
    let mut unseen = status(&head, StatusState::Failed);
    unseen.url = "http://localhost:8080/builds/7"
        .parse()
        .expect("an address");
    let skipped = PostedStatus::Skipped(StatusUrlProblem::HostWithoutDot("localhost".to_owned()));
    assert_eq!(
        bitbucket
            .post_status(&address, &unseen)
            .await
            .expect("no error"),
        skipped
    );
    let mut endless = status(&head, StatusState::Failed);
    endless.description = "👍".repeat(1_000);
    endless.name = "n".repeat(1_000);
    assert_eq!(
        bitbucket
            .post_status(&address, &endless)
            .await
            .expect("cut, not refused"),
        PostedStatus::Posted
    );
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}

#[tokio::test]
async fn a16_keys_are_added_once_and_removed_again() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let added = bitbucket
        .add_user_key(PUBLIC_KEY, "Pipewright")
        .await
        .expect("added");
    assert!(matches!(added, AddedKey::Added(_)));
    let again = bitbucket
        .add_user_key(PUBLIC_KEY, "Pipewright")
        .await
        .expect("there");
    assert_eq!(again, AddedKey::AlreadyThere(added.key().clone()));
    let taken = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read)
        .await;
    assert!(
        matches!(taken, Err(ApiError::Invalid { .. })),
        "a key has one owner: {taken:?}"
    );
    bitbucket
        .remove_user_key(&added.key().id)
        .await
        .expect("removed");
    bitbucket
        .remove_user_key(&added.key().id)
        .await
        .expect("gone is no error");
    assert!(cloud.user_ssh_keys("mara").expect("keys").is_empty());
    let deploy = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read)
        .await
        .expect("added");
    assert_eq!(
        cloud
            .access_keys("harbor/checkout-api")
            .expect("keys")
            .len(),
        1
    );
    bitbucket
        .remove_repository_key(&address, &deploy.key().id)
        .await
        .expect("removed");
    assert!(
        cloud
            .access_keys("harbor/checkout-api")
            .expect("keys")
            .is_empty()
    );
    let write = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Write)
        .await;
    assert!(matches!(write, Err(ApiError::BadRequest { .. })));
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}
