//! Writing: webhooks and what they bring, statuses, keys.

use crate::lab::{Lab, REPOSITORY, address};
use crate::support::{PUBLIC_KEY, headers, judge_requests, receiver, status, webhook};
use pipewright_bitbucket::remote::{AddedKey, KeyAccess, WebhookRequest, WebhookState};
use pipewright_bitbucket::status::{PostedStatus, StatusState};
use pipewright_bitbucket::webhook::{
    ChangeKind, Event, PullRequestAction, decode, verify_signature,
};
use pipewright_bitbucket::{ApiError, Product, RepositoryAddress};
use pipewright_simulator::Version;
use rstest::rstest;

#[rstest]
#[case(Version::new(6, 10, 0))]
#[case(Version::new(9, 4, 24))]
#[tokio::test]
async fn a15_there_is_one_webhook_whatever_happens(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
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
    let made = bitbucket
        .ensure_webhook(&address, &request, None)
        .await
        .expect("a webhook");
    assert!(made.created && made.events.contains(&"repo:refs_changed".to_owned()));
    assert_eq!(
        made.events.contains(&"pr:from_ref_updated".to_owned()),
        version >= Version::new(7, 0, 0),
        "old servers refuse unknown names"
    );
    assert_eq!(
        made.missing.is_empty(),
        version >= Version::new(7, 0, 0),
        "what is left out is told: {:?}",
        made.missing
    );
    assert_eq!(
        state(Some(made.id.clone())).await,
        WebhookState::Present {
            id: made.id.clone(),
            missing: made.missing.clone(),
        }
    );
    datacenter.write(|tables| {
        for hook in tables.webhooks.values_mut() {
            hook.active = false;
            hook.secret = None;
        }
    });
    assert!(matches!(state(None).await, WebhookState::Paused { .. }));
    datacenter
        .add_webhook(
            REPOSITORY,
            request.url.as_str(),
            None,
            &["repo:refs_changed"],
        )
        .expect("a duplicate");
    let repaired = bitbucket
        .ensure_webhook(&address, &request, Some(&made.id))
        .await
        .expect("repaired");
    assert_eq!(
        (repaired.created, repaired.duplicates_removed, &repaired.id),
        (false, 1, &made.id)
    );
    let hooks = datacenter.webhooks(REPOSITORY).expect("the hooks");
    assert_eq!(hooks.len(), 1);
    assert!(
        hooks[0].active
            && hooks[0].verify_tls
            && hooks[0].secret.as_deref() == Some(request.secret.expose()),
        "all was written anew"
    );
    assert_eq!(
        bitbucket
            .delete_webhook(&address, &request.url, None)
            .await
            .expect("removed"),
        1
    );
    assert_eq!(
        bitbucket
            .delete_webhook(&address, &request.url, Some(&made.id))
            .await
            .expect("nothing left"),
        0
    );
    assert_eq!(state(None).await, WebhookState::Missing);
    judge_requests(
        pipewright_simulator::Product::Datacenter,
        lab.simulator.datacenter_record(),
    );
}

#[tokio::test]
async fn a15_without_the_right_to_administer_nothing_is_made() {
    let lab = Lab::start(Version::default()).await;
    let bitbucket = lab.connected("noor");
    let address = address(&bitbucket).await;
    let error = bitbucket
        .ensure_webhook(&address, &webhook("a"), None)
        .await
        .expect_err("noor only reads");
    assert!(
        matches!(error, ApiError::Forbidden { .. }),
        "a missing right is not a wrong credential: {error:?}"
    );
}

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn t1_t2_t11_t12_what_is_pushed_comes_back_signed_and_is_understood(
    #[case] version: Version,
) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let request = WebhookRequest {
        url: receiver().await,
        ..webhook("push")
    };
    bitbucket
        .ensure_webhook(&address, &request, None)
        .await
        .expect("a webhook");
    let commit = datacenter
        .commit(REPOSITORY, "feature/a", &[("a.txt", "a")], "Add a", "ivo")
        .await
        .expect("pushed");
    datacenter
        .create_tag(REPOSITORY, "v1", "feature/a", Some("annotated"), "ivo")
        .await
        .expect("tagged");
    let number = datacenter
        .open_pull_request_from_tag(REPOSITORY, "From a tag", "v1", "main", "ivo")
        .await
        .expect("opened");
    datacenter
        .delete_branch(REPOSITORY, "feature/a", "ivo")
        .await
        .expect("deleted");
    datacenter
        .announce_empty_push(REPOSITORY, "ivo")
        .await
        .expect("announced");
    datacenter
        .move_repository(REPOSITORY, "OPS", "mara")
        .await
        .expect("moved");
    datacenter.settled().await;

    let mut events = Vec::new();
    let deliveries = datacenter.deliveries("OPS/ledger").expect("deliveries");
    for delivery in &deliveries {
        let headers = headers(delivery);
        assert!(headers.request_id.is_some());
        verify_signature(
            &request.secret,
            &delivery.body,
            headers.signature.as_deref(),
        )
        .expect("signed by us");
        events.push(
            decode(Product::DataCenter, &headers.event_key, &delivery.body).expect("understood"),
        );
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
    assert_eq!(pushes.len(), 4, "{events:?}");
    let created = &pushes[0].changes[0];
    assert_eq!(
        (created.kind, created.new.as_ref().map(ToString::to_string)),
        (ChangeKind::Created, Some(commit.clone()))
    );
    let tagged = &pushes[1].changes[0];
    let moved = RepositoryAddress {
        space: "OPS".to_owned(),
        ..address.clone()
    };
    let tag = tagged.reference.name().expect("a tag");
    let mut peeled = tagged.new.clone().expect("a commit or a tag object");
    assert_eq!(
        tagged.new_is_maybe_tag_object,
        version < Version::new(8, 0, 0),
        "newer servers name the commit"
    );
    if tagged.new_is_maybe_tag_object {
        peeled = bitbucket
            .peel_tag(&moved, tag, &peeled)
            .await
            .expect("peeled");
    }
    assert_eq!(peeled.to_string(), commit, "t12");
    assert!(
        pushes[2].changes[0].kind == ChangeKind::Deleted && pushes[2].changes[0].new.is_none(),
        "t11"
    );
    assert!(pushes[3].changes.is_empty());
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
    assert_eq!(
        opened
            .pull_request
            .source
            .reference
            .as_ref()
            .expect("a tag")
            .to_string(),
        "refs/tags/v1",
        "t15"
    );
    let Some(Event::RepositoryMoved {
        repository,
        old_full_name,
    }) = events.last()
    else {
        panic!("{:?}", events.last())
    };
    assert_eq!(
        (repository.full_name.as_str(), old_full_name.as_deref()),
        ("OPS/ledger", Some(REPOSITORY))
    );
}

#[rstest]
#[case(Version::new(6, 10, 0), "FAILED", false)]
#[case(Version::new(7, 21, 23), "FAILED", true)]
#[case(Version::new(9, 4, 24), "CANCELLED", true)]
#[tokio::test]
async fn t4_t5_statuses_take_the_form_that_the_version_knows(
    #[case] version: Version,
    #[case] stopped: &str,
    #[case] rich: bool,
) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("ivo");
    let address = address(&bitbucket).await;
    let head = datacenter
        .head(REPOSITORY, "main")
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
    let shown: Vec<_> = datacenter.read(|tables| {
        tables
            .current_statuses(&head)
            .into_iter()
            .cloned()
            .collect()
    });
    assert_eq!(shown.len(), 1, "the same key overwrites");
    assert_eq!(
        (shown[0].state.as_str(), shown[0].repository.is_some()),
        (stopped, rich)
    );
    if rich {
        assert_eq!(shown[0].refname.as_deref(), Some("refs/heads/main"));
        assert_eq!(
            shown[0]
                .extra
                .get("parent")
                .and_then(|parent| parent.as_str()),
            Some("pipewright/checkout-api/default")
        );
        judge_requests(
            pipewright_simulator::Product::Datacenter,
            lab.simulator.datacenter_record(),
        );
    }
}

#[tokio::test]
async fn a16_keys_are_added_once_and_removed_again() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let added = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read)
        .await
        .expect("added");
    assert!(matches!(added, AddedKey::Added(_)));
    let again = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read)
        .await
        .expect("there");
    assert_eq!(again, AddedKey::AlreadyThere(added.key().clone()));
    let taken = bitbucket.add_user_key(PUBLIC_KEY, "Pipewright").await;
    assert!(
        matches!(taken, Err(ApiError::Conflict { .. })),
        "a key is either a user's or an access key: {taken:?}"
    );
    bitbucket
        .remove_repository_key(&address, &added.key().id)
        .await
        .expect("removed");
    bitbucket
        .remove_repository_key(&address, &added.key().id)
        .await
        .expect("gone is no error");
    assert!(datacenter.access_keys(REPOSITORY).expect("keys").is_empty());
    let mine = bitbucket
        .add_user_key(PUBLIC_KEY, "Pipewright")
        .await
        .expect("added");
    assert_eq!(datacenter.user_ssh_keys("mara").expect("keys").len(), 1);
    bitbucket
        .remove_user_key(&mine.key().id)
        .await
        .expect("removed");
    assert!(datacenter.user_ssh_keys("mara").expect("keys").is_empty());
    judge_requests(
        pipewright_simulator::Product::Datacenter,
        lab.simulator.datacenter_record(),
    );
}
