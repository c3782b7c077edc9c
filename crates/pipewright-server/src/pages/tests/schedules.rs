//! The pages of schedules.

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::build::BuildState;
use pipewright_store::builds;
use pipewright_store::schedules::{self, Listed};

use super::scene::{APPLICATION, Scene};
use crate::schedules::MOST_SCHEDULES;

const FILE: &str = "pipelines:\n  default:\n    - step: {script: [make]}\n  custom:\n    nightly:\n      - variables:\n          - {name: ENV, default: dev, allowed-values: [dev, prod]}\n      - step: {script: [make]}\n";

fn path() -> String {
    format!("{APPLICATION}/schedules")
}

async fn scene() -> Scene {
    let scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    builds::set_plan(
        &mut tx,
        build,
        None,
        Some(FILE.as_bytes()),
        &serde_json::json!([]),
        scene.now(),
    )
    .await
    .expect("stores");
    builds::set_state(
        &mut tx,
        build,
        BuildState::Queued,
        BuildState::Running,
        None,
        scene.now(),
    )
    .await
    .expect("runs");
    tx.commit().await.expect("commits");
    scene
}

async fn kept(scene: &Scene) -> Vec<Listed> {
    schedules::list(&scene.site.app.db, scene.account, scene.application)
        .await
        .expect("lists")
}

fn form<'a>(act: &'a str, cron: &'a str, env: &'a str) -> [(&'a str, &'a str); 7] {
    [
        ("ref", "main"),
        ("custom", "nightly"),
        ("var:ENV", env),
        ("cron", cron),
        ("zone", "Europe/Berlin"),
        ("on", "on"),
        ("act", act),
    ]
}

#[tokio::test]
async fn a_schedule_is_made_listed_changed_switched_and_deleted() {
    let mut scene = scene().await;
    assert!(
        scene
            .owner
            .get(APPLICATION)
            .await
            .text
            .contains("/schedules\">Schedules</a>"),
        "the application's page leads there"
    );
    let new = scene.owner.get(&format!("{}/new", path())).await.text;
    for expected in [
        "<option value=\"nightly\">nightly",
        "value=\"30 2 * * *\"",
        "At 02:30.",
        "Sat 16 Jan 2027, 02:30 UTC",
        "Australia/Sydney",
    ] {
        assert!(new.contains(expected), "{expected} is missing in {new}");
    }
    let chosen = scene
        .owner
        .post(
            &format!("{}/new", path()),
            &form("choose", "0 6 * * *", "dev"),
        )
        .await
        .text;
    assert!(
        chosen.contains("name=\"var:ENV\"") && chosen.contains("value=\"0 6 * * *\""),
        "{chosen}"
    );
    assert!(kept(&scene).await.is_empty(), "only Save saves");

    let made = scene
        .owner
        .post(
            &format!("{}/new", path()),
            &form("save", "0 6 * * MON-FRI", "prod"),
        )
        .await;
    assert_eq!(made.location(), path());
    let list = scene.owner.get(&path()).await.text;
    for expected in [
        "At 06:00, on Monday",
        "Europe/Berlin",
        "<code>nightly</code>",
        "with 1 variable",
        "Mon 18 Jan 2027, 06:00 CET",
        "none yet",
    ] {
        assert!(list.contains(expected), "{expected} is missing in {list}");
    }
    let id = kept(&scene).await[0].schedule.id;
    let own = format!("{}/{id}", path());
    let shown = scene.owner.get(&own).await.text;
    assert!(
        shown.contains("<option value=\"prod\" selected>") && shown.contains("0 6 * * MON-FRI"),
        "{shown}"
    );

    // The default is not kept: should the file change it, the schedule follows.
    scene
        .owner
        .post(&own, &form("save", "0 30 7 * * MON-FRI *", "dev"))
        .await;
    let changed = kept(&scene).await.remove(0).schedule;
    assert_eq!(
        (
            changed.spec.variables.len(),
            changed.spec.time_zone.as_str()
        ),
        (0, "UTC"),
        "Bitbucket's form counts in UTC"
    );
    scene
        .owner
        .post(&format!("{own}/switch"), &[("to", "off")])
        .await;
    assert_eq!(kept(&scene).await[0].schedule.next_at, None);
    scene
        .owner
        .post(&format!("{own}/switch"), &[("to", "on")])
        .await;
    assert!(kept(&scene).await[0].schedule.next_at.is_some());
    scene.owner.post(&format!("{own}/delete"), &[]).await;
    assert!(kept(&scene).await.is_empty());
    assert_eq!(scene.owner.get(&own).await.status, StatusCode::NOT_FOUND);
    let log = scene.owner.get("/harbor/settings/audit-log").await.text;
    for act in [
        "made a schedule of",
        "changed a schedule of",
        "switched off a schedule of",
        "deleted a schedule of",
    ] {
        assert!(log.contains(act), "{act} is missing in {log}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_schedule_is_explained_and_stays() {
    let mut scene = scene().await;
    for (cron, env, expected) in [
        (
            "0 25 * * *",
            "dev",
            "The hour “25” (characters 3 to 4) is out of range",
        ),
        ("0 0 30 2 *", "dev", "never comes true"),
        ("0 6 * * *", "moon", "use one of `dev`, `prod`"),
    ] {
        let page = scene
            .owner
            .post(&format!("{}/new", path()), &form("save", cron, env))
            .await;
        assert_eq!(
            page.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            page.text
        );
        assert!(
            page.text.contains(expected) && page.text.contains(&format!("value=\"{cron}\"")),
            "{expected}: {}",
            page.text
        );
    }
    let mut nul = form("save", "0 6 * * *", "dev");
    nul[1].1 = "a\0b";
    let page = scene.owner.post(&format!("{}/new", path()), &nul).await;
    assert!(
        page.status == StatusCode::UNPROCESSABLE_ENTITY
            && page.text.contains("holds the character NUL"),
        "{}",
        page.text
    );
    assert!(kept(&scene).await.is_empty());
    let preset = scene
        .owner
        .post(&format!("{}/new", path()), &form("weekly", "", "dev"))
        .await
        .text;
    assert!(preset.contains("value=\"0 6 * * MON\""), "{preset}");
}

#[tokio::test]
async fn the_next_times_follow_what_is_typed() {
    let mut scene = scene().await;
    let times = scene
        .owner
        .get(&format!(
            "{}/times?cron=30+2+*+*+*&zone=America%2FNew_York",
            path()
        ))
        .await
        .text;
    assert!(
        times.trim_start().starts_with("<div id=\"times\"") && times.matches("<li>").count() == 5,
        "{times}"
    );
    assert!(times.contains("Sat 16 Jan 2027, 02:30 EST"), "{times}");
    let wrong = scene
        .owner
        .get(&format!(
            "{}/times?cron=%3Cevil%3E+2+*+*+*&zone=UTC",
            path()
        ))
        .await
        .text;
    assert!(
        wrong.contains("The minute") && !wrong.contains("<evil"),
        "{wrong}"
    );
}

#[tokio::test]
async fn schedules_are_for_members_who_may_build_and_limited() {
    let mut scene = scene().await;
    let mut viewer = scene.member(Role::Viewer).await;
    assert_eq!(viewer.get(&path()).await.status, StatusCode::OK);
    assert_eq!(
        viewer.get(&format!("{}/new", path())).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        viewer
            .post(
                &format!("{}/new", path()),
                &form("save", "0 6 * * *", "dev")
            )
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let mut stranger = scene.site.owner_of("other").await;
    assert_eq!(stranger.get(&path()).await.status, StatusCode::NOT_FOUND);
    for _ in 0..MOST_SCHEDULES {
        assert_eq!(
            scene
                .owner
                .post(
                    &format!("{}/new", path()),
                    &form("save", "0 6 * * *", "dev")
                )
                .await
                .status,
            StatusCode::SEE_OTHER
        );
    }
    let one_more = scene
        .owner
        .post(
            &format!("{}/new", path()),
            &form("save", "0 6 * * *", "dev"),
        )
        .await;
    assert!(
        one_more.text.contains("at most 50 schedules"),
        "{}",
        one_more.text
    );
    // Another application's address does not lead to it.
    let id = kept(&scene).await[0].schedule.id;
    assert_eq!(
        scene
            .owner
            .get(&format!("/harbor/applications/none/schedules/{id}"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_value_of_several_lines_stays_as_it_is() {
    let mut scene = scene().await;
    let mut fields = form("save", "0 6 * * *", "prod").to_vec();
    fields.push(("more:KEY", "one\r\ntwo"));
    assert_eq!(
        scene
            .owner
            .post(&format!("{}/new", path()), &fields)
            .await
            .location(),
        path()
    );
    let saved = kept(&scene).await.remove(0).schedule;
    assert!(
        saved
            .spec
            .variables
            .contains(&("KEY".to_owned(), "one\ntwo".to_owned())),
        "{:?}",
        saved.spec.variables
    );
    let shown = scene
        .owner
        .get(&format!("{}/{}", path(), saved.id))
        .await
        .text;
    assert!(
        shown.contains("name=\"more:KEY\" rows=\"4\" spellcheck=\"false\">\none\ntwo</textarea>"),
        "{shown}"
    );
    assert!(!shown.contains("KEY=one"), "{shown}");
}
