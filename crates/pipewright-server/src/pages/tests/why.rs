//! The page that says why something ran or did not.

use http::StatusCode;
use pipewright_core::build::{StepOutcome, StepState};
use pipewright_core::ids::{BuildId, DeliveryId};
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::deliveries::{DeliveryState, settle};

use super::scene::{APPLICATION, Scene};

async fn decide(
    scene: &Scene,
    delivery: DeliveryId,
    ref_name: &str,
    digit: char,
    said: (&'static str, &str),
    build: Option<BuildId>,
) {
    let new = NewDecision {
        account_id: scene.account,
        delivery_id: delivery,
        application_id: Some(scene.application),
        position: 0,
        change_kind: ChangeKind::Updated,
        ref_name: Some(ref_name.to_owned()),
        old_hash: None,
        new_hash: Some(digit.to_string().repeat(40)),
        outcome: if build.is_some() {
            DecisionOutcome::Built
        } else {
            DecisionOutcome::NotBuilt
        },
        reason: said.0,
        sentence: said.1.to_owned(),
        build_id: build,
        decided_at: scene.now(),
    };
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    decisions::insert(&mut tx, &new).await.expect("decides");
    settle(&mut tx, delivery, DeliveryState::Decided, None, scene.now())
        .await
        .expect("settles");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn a_change_has_its_story_whatever_it_is_called() {
    let mut scene = Scene::new().await;
    let page = scene.owner.get(&format!("{APPLICATION}/why")).await;
    assert!(
        page.text.contains("Nothing has happened yet")
            && page.text.contains("Bitbucket has not reported anything"),
        "{}",
        page.text
    );

    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"], &["Docs"]]).await;
    scene
        .step(build, 1, StepState::Finished(StepOutcome::Skipped))
        .await;
    let pushed = scene.delivery("one", "{}").await;
    decide(
        &scene,
        pushed,
        "refs/heads/main",
        '7',
        ("built", "Built as #1: a branch was pushed."),
        Some(build),
    )
    .await;
    let request = scene.delivery("two", r#"{"pullrequest":{"id":12}}"#).await;
    decide(
        &scene,
        request,
        "refs/heads/fork",
        '8',
        (
            "pull_requests_off",
            "checkout-api does not build pull requests.",
        ),
        None,
    )
    .await;
    scene.delivery("three", "{}").await;

    let built = [
        "Bitbucket reported a push",
        "Built as #1",
        "It runs <code>default</code> of the file",
        "Docs was skipped.",
    ];
    let not_built = [
        "checkout-api does not build pull requests.",
        "What to do:",
        "Let Auto-build build pull requests.",
        "#auto-build",
    ];
    for about in ["main", "refs%2Fheads%2Fmain", "7777", &"7".repeat(40)] {
        let page = scene
            .owner
            .get(&format!("{APPLICATION}/why?about={about}"))
            .await;
        for expected in built {
            assert!(
                page.text.contains(expected),
                "{about}: {expected} is missing in {}",
                page.text
            );
        }
        assert!(!page.text.contains(not_built[0]), "{about}");
    }
    for about in ["fork", "8888"] {
        let page = scene
            .owner
            .get(&format!("{APPLICATION}/why?about={about}"))
            .await;
        for expected in not_built {
            assert!(
                page.text.contains(expected),
                "{about}: {expected} is missing in {}",
                page.text
            );
        }
        assert!(!page.text.contains(built[1]), "{about}");
    }
    let everything = scene.owner.get(&format!("{APPLICATION}/why")).await.text;
    assert!(
        everything.contains(built[1])
            && everything.contains(not_built[0])
            && everything.contains("Not decided"),
        "{everything}"
    );
    let unknown = scene
        .owner
        .get(&format!("{APPLICATION}/why?about=%3Cevil%3E"))
        .await
        .text;
    assert!(
        unknown.contains("Nothing is known about") && !unknown.contains("<evil>"),
        "{unknown}"
    );
    let nonsense = scene
        .owner
        .get(&format!("{APPLICATION}/why?about=a..b"))
        .await
        .text;
    assert!(nonsense.contains("That cannot be a branch"), "{nonsense}");

    let timeline = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/timeline"))
        .await
        .text;
    assert!(
        timeline.contains("so <code>default</code> runs.") && timeline.contains("/why?about="),
        "{timeline}"
    );
    let delivery = scene
        .owner
        .get(&format!("/harbor/deliveries/{request}"))
        .await
        .text;
    assert!(
        delivery.contains("/applications/checkout-api/why?about=fork"),
        "{delivery}"
    );
}

#[tokio::test]
async fn the_story_of_another_account_is_not_there() {
    let scene = Scene::new().await;
    let mut stranger = scene.site.owner_of("other").await;
    for path in [
        format!("{APPLICATION}/why"),
        "/other/applications/checkout-api/why".to_owned(),
    ] {
        assert_eq!(
            stranger.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(
            scene.site.anonymous().get(&path).await.status,
            StatusCode::SEE_OTHER,
            "{path}"
        );
    }
}
