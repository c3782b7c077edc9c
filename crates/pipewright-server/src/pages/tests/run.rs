//! **Run…**: what is offered is what is known here, and what was entered stays.

use http::StatusCode;
use pipewright_core::build::BuildState;
use pipewright_core::ids::BuildId;
use pipewright_store::builds;

use super::scene::{APPLICATION, Scene};

const FILE: &str = "pipelines:\n  branches:\n    main:\n      - step: {script: [make]}\n  custom:\n    release <b>:\n      - variables:\n          - {name: ENV, default: dev, description: Where it goes, allowed-values: [dev, prod]}\n          - {name: NOTE, default: none yet}\n          - {name: TEXT, default: \"\\na\\nb\"}\n      - step: {script: [make]}\n    nightly:\n      - step: {script: [make]}\n";

const RELEASE: &str = "release <b>";

/// A scene in which a build of `main` was planned from the file.
async fn scene() -> (Scene, BuildId) {
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
    (scene, build)
}

fn run() -> String {
    format!("{APPLICATION}/run")
}

#[tokio::test]
async fn the_pipelines_of_the_default_branch_are_offered_at_once_with_their_commit() {
    let (mut scene, _) = scene().await;
    let page = scene.owner.get(&run()).await;
    for expected in [
        "value=\"main\"",
        "<code>branches: main</code>",
        "<code>7777777</code> on main",
        "release &#60;b&#62;",
        "1 step, 3 variables",
        "nightly",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
    assert!(
        !page.text.contains("var:ENV"),
        "no custom pipeline is chosen yet"
    );
    for (path, link) in [
        (APPLICATION.to_owned(), "Run…"),
        (format!("{APPLICATION}/builds"), "Run…"),
    ] {
        let from = scene.owner.get(&path).await.text;
        assert!(
            from.contains(&format!("href=\"{}\">{link}", run())),
            "{path} leads there: {from}"
        );
    }
}

#[tokio::test]
async fn a_custom_pipeline_asks_for_its_variables() {
    let (mut scene, _) = scene().await;
    let page = scene
        .owner
        .get(&format!("{}?ref=main&custom=release+%3Cb%3E", run()))
        .await
        .text;
    for expected in [
        "<select name=\"var:ENV\">",
        "<option value=\"dev\" selected>",
        "Where it goes",
        "name=\"var:NOTE\" value=\"none yet\"",
        "name=\"others\"",
        // A line break right after the tag is the browser's to drop; the default's own stay.
        "<textarea class=\"mono\" name=\"var:TEXT\" rows=\"4\" spellcheck=\"false\">\n\na\nb</textarea>",
    ] {
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
}

#[tokio::test]
async fn a_branch_that_is_not_known_here_shows_another_ones_file_and_says_so() {
    let (mut scene, _) = scene().await;
    let page = scene
        .owner
        .get(&format!("{}?ref=feature%2F%24(x)&custom=nightly", run()))
        .await
        .text;
    assert!(
        page.contains("Nothing is known here about feature/$(x) yet") && page.contains("nightly"),
        "{page}"
    );
    let push = scene
        .owner
        .get(&format!("{}?ref=feature%2Fx", run()))
        .await
        .text;
    assert!(
        push.contains("does not match the branch"),
        "what a push would run, and why nothing: {push}"
    );
    let mut scene = Scene::new().await;
    let unknown = scene.owner.get(&run()).await.text;
    assert!(
        unknown.contains("Nothing is known here about this repository")
            && unknown.contains("Custom pipeline"),
        "{unknown}"
    );
}

#[tokio::test]
async fn what_cannot_be_built_is_explained_and_what_was_entered_stays() {
    let (mut scene, _) = scene().await;
    let form = |env: &'static str, others: &'static str| {
        [
            ("ref", "main"),
            ("custom", RELEASE),
            ("var:ENV", env),
            ("var:NOTE", "<mine>"),
            ("others", others),
        ]
    };
    for (env, others, expected) in [
        ("moon", "A=1", "use one of `dev`, `prod`."),
        ("prod", "A=1\nno", "Line 2 of the other variables"),
        ("prod", "ENV=dev", "ENV has a field of its own"),
        ("prod", "A=1\nA=2", "A is given twice"),
    ] {
        let page = scene.owner.post(&run(), &form(env, others)).await;
        assert_eq!(
            page.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            page.text
        );
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
        assert!(
            page.text.contains("value=\"&#60;mine&#62;\""),
            "what was entered stays: {}",
            page.text
        );
        assert!(
            page.text
                .contains(&format!("<option value=\"{env}\" selected>")),
            "{}",
            page.text
        );
    }
    let nul = scene
        .owner
        .post(&run(), &[("ref", "main"), ("custom", "a\0b")])
        .await;
    assert!(
        nul.status == StatusCode::UNPROCESSABLE_ENTITY
            && nul.text.contains("holds the character NUL"),
        "{}",
        nul.text
    );
    let bad_ref = scene.owner.post(&run(), &[("ref", "a..b")]).await;
    assert!(
        bad_ref
            .text
            .contains("is not a branch or tag name that git accepts"),
        "{}",
        bad_ref.text
    );
    // This scene's Bitbucket cannot be asked: the answer is a sentence beside the form, not a page without it.
    let refused = scene.owner.post(&run(), &form("prod", "A=1")).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("A=1"),
        "{}",
        refused.text
    );
}
