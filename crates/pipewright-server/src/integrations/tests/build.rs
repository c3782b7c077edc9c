//! From a connection to a build that cloned over SSH, with every loop running.

use std::time::Duration;

use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::applications::{self, LastBuild};

use super::world::{TEAM, World};
use crate::applications::tests::make_application;
use crate::background::Background;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

async fn world() -> World {
    let sim = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    sim.sample_team().await.expect("the sample team");
    World::with(sim, |config| config.runner_slots = 1).await
}

/// Waits for the end of a build of the one application.
async fn ended(world: &World, number: i64) -> LastBuild {
    let mut news = world.app().live().news.follow();
    let account = world.account().await.id;
    let end = async {
        loop {
            let db = &world.app().db;
            let listed = applications::by_account(db, account).await.expect("reads");
            let ids: Vec<_> = listed.iter().map(|one| one.application.id).collect();
            let all = applications::last_builds(db, &ids).await.expect("reads");
            let build = all.into_iter().find(|build| build.number == number);
            if let Some(build) =
                build.filter(|build| matches!(build.state, BuildState::Finished(_)))
            {
                return build;
            }
            // A follower that lagged looks again, which is all it would do anyway.
            let _ = tokio::time::timeout(Duration::from_secs(1), news.recv()).await;
        }
    };
    tokio::time::timeout(PATIENCE, end)
        .await
        .expect("the build ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a4_a_build_says_that_the_key_is_missing_and_passes_once_it_is_there() {
    for (kind, slug) in [("cloud", "checkout-api"), ("datacenter", "ledger")] {
        let mut world = world().await;
        let integration = if kind == "cloud" {
            world.connect_cloud().await
        } else {
            world.connect_server().await
        };
        world.background().await;
        make_application(&mut world, slug).await;
        let path = std::env::var("PATH").expect("a PATH");
        let background = Background::start(
            world.app(),
            vec![("PATH".to_owned(), path)],
            crate::Notify::default(),
        );
        let first = ended(&world, 1).await;
        assert_eq!(
            first.state,
            BuildState::Finished(BuildOutcome::Errored),
            "{first:?}"
        );
        let sentence = first.state_message.unwrap_or_default();
        assert!(sentence.contains("SSH key"), "{sentence}");

        let key = &integration.key.public;
        let added = if kind == "cloud" {
            world.sim.cloud().add_user_ssh_key("mara", key, "by hand")
        } else {
            world
                .sim
                .datacenter()
                .add_user_ssh_key("mara", key, "by hand")
        };
        added.expect("a key");
        let run = world
            .owner
            .post(
                &format!("/{TEAM}/applications/{slug}/run"),
                &[("ref", "main")],
            )
            .await;
        assert!(run.location().ends_with("/builds/2"), "{run:?}");
        let second = ended(&world, 2).await;
        assert_eq!(
            second.state,
            BuildState::Finished(BuildOutcome::Passed),
            "{second:?}"
        );

        let schedules = format!("/{TEAM}/applications/{slug}/schedules");
        let schedule = [
            ("ref", "main"),
            ("cron", "0 6 1 1 *"),
            ("zone", "UTC"),
            ("act", "save"),
        ];
        let saved = world
            .owner
            .post(&format!("{schedules}/new"), &schedule)
            .await;
        assert!(saved.location().ends_with(&schedules), "{saved:?}");
        let list = world.owner.get(&schedules).await.text;
        let button = list
            .split('"')
            .find(|part| part.contains(&schedules) && part.ends_with("/run"))
            .expect("a button");
        // Whatever sub-path it is under, which the browser adds.
        let run = world
            .owner
            .post(&button[button.find(&schedules).unwrap_or_default()..], &[])
            .await;
        assert!(run.location().ends_with("/builds/3"), "{run:?}");
        assert!(
            world
                .owner
                .get(&schedules)
                .await
                .text
                .contains("/builds/3\""),
            "the list leads to the last build"
        );
        let history = world
            .owner
            .get(&format!("/{TEAM}/settings/audit-log"))
            .await
            .text;
        assert!(
            history.contains(" #2") && history.contains(" #3"),
            "both builds have their line: {history}"
        );
        ended(&world, 3).await;
        background.drain(Duration::ZERO).await;
        background.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a8_a_build_after_the_access_was_revoked_says_reconnect_and_the_rest_goes_on() {
    let mut world = world().await;
    let integration = world.connect_cloud().await;
    world.background().await;
    make_application(&mut world, "checkout-api").await;
    world
        .owner
        .post(
            &format!("{}/{}/clone-via", super::world::PAGE, integration.id),
            &[("via", "https")],
        )
        .await;
    let consumer = crate::access::consumer::load(world.app())
        .await
        .expect("opens")
        .expect("is there");
    world
        .sim
        .cloud()
        .revoke_grant("mara", &consumer.key)
        .expect("mara");
    world.site.clock.advance(Duration::from_hours(2));
    let path = std::env::var("PATH").expect("a PATH");
    let background = Background::start(
        world.app(),
        vec![("PATH".to_owned(), path)],
        crate::Notify::default(),
    );
    let build = ended(&world, 1).await;
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Errored),
        "{build:?}"
    );
    assert!(
        build
            .state_message
            .as_deref()
            .unwrap_or_default()
            .contains("access was revoked"),
        "{build:?}"
    );
    assert_eq!(
        world
            .owner
            .get(&format!("/{TEAM}/applications"))
            .await
            .status,
        200
    );
    background.drain(Duration::ZERO).await;
    background.close().await;
}
