//! The wizard, the switch and the webhook, through the whole router against the simulated Bitbuckets.

use std::time::Duration;

use pipewright_core::Role;
use pipewright_simulator::state::Permission;
use pipewright_store::applications::{self, Application, Watch};
use pipewright_store::repositories::{self, Search};
use pipewright_store::webhooks::{self, WebhookState};

use crate::integrations::tests::world::{TEAM, World, flash};

const LIST: &str = "/harbor-team/applications";

/// Goes through the wizard for a repository, with its ordinary settings, and gives the address it ends at.
pub(crate) async fn make_application(world: &mut World, slug: &str) -> String {
    let id = repository_id(world, slug).await;
    let address = format!("{LIST}/new/{id}");
    let first = world.owner.get(&address).await;
    assert!(
        first.text.contains("Looking into the repository"),
        "{}",
        first.text
    );
    world.background().await;
    let settings = world.owner.get(&address).await.text;
    assert!(
        settings.contains("bitbucket-pipelines.yml") && settings.contains(">main<"),
        "{settings}"
    );
    let fields = [
        ("name", slug),
        ("auto_build", "on"),
        ("pushes", "on"),
        ("pull_requests", "on"),
        ("tags", "on"),
        ("branches", ""),
    ];
    let review = world
        .owner
        .post(&format!("{address}/review"), &fields)
        .await;
    assert!(
        review.status == 200 && review.text.contains("Create"),
        "{}",
        review.text
    );
    let created = world
        .owner
        .post(&format!("{address}/create"), &fields)
        .await;
    assert_eq!(created.status, 303, "{}", created.text);
    created.location().to_owned()
}

async fn repository_id(world: &World, slug: &str) -> String {
    let search = Search {
        text: format!("/{slug}"),
        limit: 1,
        ..Search::default()
    };
    let (found, _) = repositories::search(&world.app().db, world.account().await.id, &search)
        .await
        .expect("searches");
    found.first().expect("is listed").id.to_string()
}

async fn application(world: &World, slug: &str) -> Application {
    applications::by_slug(&world.app().db, world.account().await.id, slug)
        .await
        .expect("reads")
        .expect("is there")
}

async fn connected() -> World {
    let mut world = World::new().await;
    world.connect_cloud().await;
    world.connect_server().await;
    world.background().await;
    world
}

#[tokio::test]
async fn a5_a18_repositories_are_searched_here_and_grouped_by_workspace_and_project() {
    let mut world = connected().await;
    let all = world.owner.get(&format!("{LIST}/new")).await.text;
    for expected in [
        "Harbor Labs",
        "harbor / checkout-api",
        "harbor-labs / sandbox",
        "Finance",
        "FIN / ledger",
        "mara / notes",
        "listed",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    let some = world
        .owner
        .get(&format!("{LIST}/new?q=CHECKOUT"))
        .await
        .text;
    assert!(some.contains("harbor / checkout-api") && !some.contains("web-shop"));
    let project = world.owner.get(&format!("{LIST}/new?owner=FIN")).await.text;
    assert!(project.contains("FIN / ledger") && !project.contains("harbor / checkout-api"));
    world.sim.cloud().faults().unreachable(true);
    world.sim.datacenter().faults().unreachable(true);
    assert!(
        world
            .owner
            .get(&format!("{LIST}/new?q=ledger"))
            .await
            .text
            .contains("FIN / ledger"),
        "no page waits on Bitbucket"
    );
}

#[tokio::test]
async fn a5_refresh_finds_what_is_new_and_a_failed_one_keeps_what_was_known() {
    let mut world = connected().await;
    world
        .sim
        .cloud()
        .add_repository("harbor", "brand-new", true)
        .expect("a repository");
    assert_eq!(
        world
            .owner
            .post("/harbor-team/repositories/refresh", &[])
            .await
            .status,
        303
    );
    world.background().await;
    assert!(
        world
            .owner
            .get(&format!("{LIST}/new?q=brand-new"))
            .await
            .text
            .contains("harbor / brand-new")
    );
    world.sim.cloud().faults().unreachable(true);
    world
        .owner
        .post("/harbor-team/repositories/refresh", &[])
        .await;
    world.background().await;
    let page = world
        .owner
        .get(&format!("{LIST}/new?q=brand-new"))
        .await
        .text;
    assert!(
        page.contains("could not be listed") && page.contains("harbor / brand-new"),
        "{page}"
    );
}

#[tokio::test]
async fn a5_from_a_repository_to_a_build_in_one_pass() {
    let mut world = connected().await;
    let address = make_application(&mut world, "checkout-api").await;
    assert_eq!(
        address,
        "/pipewright/harbor-team/applications/checkout-api/builds/1"
    );
    let list = world.owner.get(LIST).await.text;
    assert!(
        list.contains("checkout-api")
            && list.contains("#1")
            && list.contains("harbor/checkout-api"),
        "{list}"
    );
    let id = repository_id(&world, "checkout-api").await;
    let again = world
        .owner
        .post(
            &format!("{LIST}/new/{id}/create"),
            &[("name", "other"), ("pushes", "on")],
        )
        .await;
    assert_eq!(again.status, 409, "one application a repository");
    let second = make_application(&mut world, "ledger").await;
    assert_eq!(
        second,
        "/pipewright/harbor-team/applications/ledger/builds/1"
    );
}

#[tokio::test]
async fn a5_what_the_pipeline_file_says_is_shown_with_its_problems() {
    let mut world = connected().await;
    let broken = "pipelines:\n  default:\n    - step:\n        scripd: [\"true\"]\n";
    world
        .sim
        .cloud()
        .commit(
            "harbor/web-shop",
            "main",
            &[("bitbucket-pipelines.yml", broken)],
            "Break it",
            "mara",
        )
        .await
        .expect("a commit");
    let id = repository_id(&world, "web-shop").await;
    world.owner.get(&format!("{LIST}/new/{id}")).await;
    world.background().await;
    let page = world.owner.get(&format!("{LIST}/new/{id}")).await.text;
    assert!(
        page.contains("has errors") && page.contains("line 4"),
        "{page}"
    );
    let id = repository_id(&world, "sandbox").await;
    world.owner.get(&format!("{LIST}/new/{id}")).await;
    world.background().await;
    let page = world.owner.get(&format!("{LIST}/new/{id}")).await.text;
    assert!(page.contains("nothing was pushed yet"), "{page}");
}

#[tokio::test]
async fn a15_one_webhook_that_follows_the_switch_and_goes_with_the_application() {
    let mut world = connected().await;
    for (slug, full_name) in [
        ("checkout-api", "harbor/checkout-api"),
        ("ledger", "FIN/ledger"),
    ] {
        make_application(&mut world, slug).await;
        world.background().await;
        let hooks = |world: &World| {
            let at = if slug == "ledger" {
                world.sim.datacenter().webhooks(full_name)
            } else {
                world.sim.cloud().webhooks(full_name)
            };
            at.expect("is there")
        };
        let first = hooks(&world);
        assert_eq!(first.len(), 1);
        assert!(
            first[0]
                .url
                .starts_with("http://127.0.0.1:1/pipewright/hooks/")
                && first[0].url.len() > 70,
            "{}",
            first[0].url
        );
        assert!(
            first[0]
                .secret
                .as_ref()
                .is_some_and(|secret| secret.len() >= 43)
        );
        let page = world.owner.get(&format!("{LIST}/{slug}")).await.text;
        assert!(page.contains("class=\"pill ok\">present"), "{page}");

        let switch = format!("{LIST}/{slug}/auto-build");
        world.owner.post(&switch, &[("auto_build", "off")]).await;
        world.background().await;
        assert!(hooks(&world).is_empty(), "off: it is deleted");
        world.owner.post(&switch, &[("auto_build", "on")]).await;
        world.background().await;
        let second = hooks(&world);
        assert_eq!(second.len(), 1);
        assert_eq!(second[0].url, first[0].url, "its path stays");

        world
            .owner
            .post(&format!("{LIST}/{slug}/delete"), &[])
            .await;
        world.background().await;
        assert!(hooks(&world).is_empty(), "it goes with the application");
    }
}

#[tokio::test]
async fn a15_t16_one_that_was_deleted_changed_or_paused_by_hand_is_noticed_and_repaired() {
    let mut world = connected().await;
    make_application(&mut world, "checkout-api").await;
    world.background().await;
    let repository = application(&world, "checkout-api").await.repository;
    let state = async |world: &World| {
        webhooks::of_repository(&world.app().db, repository)
            .await
            .expect("reads")
            .expect("is there")
            .state
    };
    let id = world
        .sim
        .cloud()
        .webhooks("harbor/checkout-api")
        .expect("is there")[0]
        .id;

    world
        .sim
        .cloud()
        .write(|tables| tables.webhooks.get_mut(&id).expect("is there").active = false);
    world.background().await;
    assert_eq!(
        state(&world).await,
        WebhookState::Present,
        "it is looked at once a day"
    );
    world.site.clock.advance(Duration::from_hours(24));
    world.background().await;
    assert_eq!(state(&world).await, WebhookState::Paused);

    let check = format!("{LIST}/checkout-api/webhook/check");
    world.sim.cloud().write(|tables| {
        let webhook = tables.webhooks.get_mut(&id).expect("is there");
        webhook.active = true;
        webhook.events.retain(|event| event != "repo:push");
    });
    world.owner.post(&check, &[]).await;
    assert_eq!(state(&world).await, WebhookState::Changed);
    assert!(
        flash(&world.owner).contains("repo:push"),
        "{}",
        flash(&world.owner)
    );

    world
        .sim
        .cloud()
        .write(|tables| tables.webhooks.remove(&id));
    world.owner.post(&check, &[]).await;
    assert_eq!(state(&world).await, WebhookState::Missing);
    assert_eq!(
        application(&world, "checkout-api").await.watch,
        Watch::Polling,
        "until then refs are compared"
    );
    assert!(
        world
            .owner
            .get(&format!("{LIST}/checkout-api"))
            .await
            .text
            .contains("Repair")
    );

    world
        .owner
        .post(&format!("{LIST}/checkout-api/webhook/repair"), &[])
        .await;
    assert_eq!(state(&world).await, WebhookState::Present);
    assert_eq!(
        world
            .sim
            .cloud()
            .webhooks("harbor/checkout-api")
            .expect("is there")
            .len(),
        1
    );
    assert_eq!(
        application(&world, "checkout-api").await.watch,
        Watch::Webhook
    );
}

#[tokio::test]
async fn without_the_right_the_webhook_is_given_out_to_be_added_by_hand() {
    let mut world = connected().await;
    world
        .sim
        .cloud()
        .add_member("harbor", "mara", Permission::Read)
        .expect("less");
    make_application(&mut world, "checkout-api").await;
    world.background().await;
    let page = world.owner.get(&format!("{LIST}/checkout-api")).await.text;
    assert!(
        page.contains("refused")
            && page.contains("/pipewright/hooks/")
            && page.contains("To add it by hand"),
        "{page}"
    );
    assert_eq!(
        application(&world, "checkout-api").await.watch,
        Watch::Polling
    );
    let developer = world.site.user("dev@harbor.example").await;
    world.site.join(TEAM, &developer, Role::Developer).await;
    let page = world
        .site
        .signed_in(&developer)
        .await
        .get(&format!("{LIST}/checkout-api"))
        .await
        .text;
    assert!(
        page.contains("refused") && !page.contains("/pipewright/hooks/"),
        "the secret is for whoever may connect"
    );
}

#[tokio::test]
async fn where_bitbucket_cannot_reach_us_no_webhook_is_made_and_the_page_says_so() {
    let sim =
        pipewright_simulator::Simulator::start(pipewright_simulator::SimulatorOptions::default())
            .await
            .expect("starts");
    sim.sample_team().await.expect("the sample team");
    let mut world = World::with(sim, |config| config.webhooks_reach_us = false).await;
    world.connect_cloud().await;
    world.background().await;
    make_application(&mut world, "checkout-api").await;
    world.background().await;
    assert!(
        world
            .sim
            .cloud()
            .webhooks("harbor/checkout-api")
            .expect("is there")
            .is_empty()
    );
    assert_eq!(
        application(&world, "checkout-api").await.watch,
        Watch::Polling
    );
    let page = world.owner.get(&format!("{LIST}/checkout-api")).await.text;
    assert!(
        page.contains("Bitbucket cannot reach") && page.contains("30 s"),
        "{page}"
    );
}

#[tokio::test]
async fn a6_rules_are_saved_previewed_and_refused_with_a_sentence() {
    let mut world = connected().await;
    make_application(&mut world, "checkout-api").await;
    let path = format!("{LIST}/checkout-api/rules");
    let preview = world
        .owner
        .post(
            &path,
            &[
                ("act", "preview"),
                ("pushes", "on"),
                ("branches", "feature/*\nhotfix/**"),
            ],
        )
        .await;
    assert_eq!(preview.status, 200);
    assert!(
        preview.text.contains("feature/gift-cards")
            && preview.text.contains("No known branch matches"),
        "{}",
        preview.text
    );
    assert!(
        application(&world, "checkout-api")
            .await
            .rules
            .branches
            .is_empty(),
        "a preview saves nothing"
    );
    let refused = world
        .owner
        .post(&path, &[("act", "save"), ("branches", "{main")])
        .await;
    assert!(
        refused.status == 422 && refused.text.contains("{main"),
        "{}",
        refused.text
    );
    world
        .owner
        .post(
            &path,
            &[
                ("act", "save"),
                ("pushes", "on"),
                ("branches", "main\r\nrelease/*"),
            ],
        )
        .await;
    let rules = application(&world, "checkout-api").await.rules;
    assert!(
        rules.auto_build,
        "the form of rules does not touch the switch"
    );
    assert_eq!(
        (
            rules.pushes,
            rules.pull_requests,
            rules.tags,
            rules.branches.len()
        ),
        (true, false, false, 2)
    );
}

#[tokio::test]
async fn caches_are_listed_and_cleared_by_those_who_may_build() {
    let mut world = connected().await;
    make_application(&mut world, "checkout-api").await;
    let path = format!("{LIST}/checkout-api");
    assert!(
        !world.owner.get(&path).await.text.contains("Clear caches"),
        "there is none"
    );
    let id = application(&world, "checkout-api").await.id.to_string();
    let directory = world
        .app()
        .config
        .data_directory
        .join("runner/caches")
        .join(&id)
        .join("cargo");
    std::fs::create_dir_all(&directory).expect("directories");
    std::fs::write(directory.join("unversioned.tar.zst"), vec![0; 2_120_000]).expect("a file");
    let viewer = world.site.user("viewer@harbor.example").await;
    world.site.join(TEAM, &viewer, Role::Viewer).await;
    let mut viewer = world.site.signed_in(&viewer).await;
    let shown = viewer.get(&path).await.text;
    assert!(
        shown.contains("cargo") && shown.contains("2.1 MB") && !shown.contains("Clear caches"),
        "{shown}"
    );
    assert_eq!(
        viewer
            .post(&format!("{path}/caches/clear"), &[])
            .await
            .status,
        403
    );
    assert!(world.owner.get(&path).await.text.contains("Clear caches"));
    let cleared = world.owner.post(&format!("{path}/caches/clear"), &[]).await;
    assert_eq!(cleared.status, 303);
    assert!(
        world
            .owner
            .follow(&cleared)
            .await
            .text
            .contains("1 cache cleared.")
    );
    assert!(world.app().caches.list(&id).is_empty());
}

#[tokio::test]
async fn a21_b3_pages_and_acts_are_for_members_with_the_right() {
    let mut world = connected().await;
    make_application(&mut world, "checkout-api").await;
    let id = repository_id(&world, "web-shop").await;
    let pages = ["", "/new", "/checkout-api"];
    let acts = [
        "/checkout-api/auto-build",
        "/checkout-api/rules",
        "/checkout-api/delete",
        "/checkout-api/webhook/repair",
        "/checkout-api/run",
    ];
    let mut stranger = world.site.owner_of("other").await;
    for path in pages {
        assert_eq!(
            world
                .site
                .anonymous()
                .get(&format!("{LIST}{path}"))
                .await
                .status,
            303,
            "{path}"
        );
        assert_eq!(
            stranger.get(&format!("{LIST}{path}")).await.status,
            404,
            "{path}"
        );
    }
    let viewer = world.site.user("viewer@harbor.example").await;
    world.site.join(TEAM, &viewer, Role::Viewer).await;
    let mut viewer = world.site.signed_in(&viewer).await;
    for path in acts {
        let fields = [("auto_build", "off"), ("ref", "main")];
        assert_eq!(
            stranger
                .post(&format!("{LIST}{path}"), &fields)
                .await
                .status,
            404,
            "{path}"
        );
        assert_eq!(
            viewer.post(&format!("{LIST}{path}"), &fields).await.status,
            403,
            "{path}"
        );
    }
    assert_eq!(viewer.get(&format!("{LIST}/new")).await.status, 403);
    assert_eq!(
        viewer.get(&format!("{LIST}/checkout-api/run")).await.status,
        403
    );
    assert_eq!(
        stranger
            .get(&format!("/other/applications/new/{id}"))
            .await
            .status,
        404,
        "another account's repository"
    );
    assert_eq!(
        viewer.get(&format!("{LIST}/checkout-api")).await.status,
        200
    );
}
