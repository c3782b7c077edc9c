//! The buttons, and the matrix of role × action as pages enforce it.

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::build::{BuildOutcome, BuildState, StepOutcome, StepState};
use pipewright_store::steps;

use super::scene::{APPLICATION, Scene};

/// Address, form, and who may: owner, admin, developer, viewer. Whoever may is answered something other than 403.
type Act<'a> = (String, &'a [(&'a str, &'a str)], [bool; 4]);

#[tokio::test]
async fn every_role_may_do_through_pages_exactly_what_its_rights_say() {
    let mut scene = Scene::new().await;
    let delivery = scene.delivery("one", "{}").await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"]]).await;
    let build = format!("{APPLICATION}/builds/1");
    let redeliver = format!("/harbor/deliveries/{delivery}/redeliver");
    let members = "/harbor/settings/members";
    let matrix: &[Act<'_>] = &[
        (format!("{build}/run"), &[], [true, true, true, false]),
        (
            format!("{build}/rerun"),
            &[("what", "all")],
            [true, true, true, false],
        ),
        (redeliver, &[], [true, true, true, false]),
        (
            format!("{APPLICATION}/run"),
            &[("ref", "a b")],
            [true, true, true, false],
        ),
        (
            format!("{members}/invite"),
            &[("email", "x@example.com"), ("role", "viewer")],
            [true, true, false, false],
        ),
        (
            format!("{members}/withdraw"),
            &[("id", "01900000-0000-7000-8000-000000000000")],
            [true, true, false, false],
        ),
        (format!("{build}/stop"), &[], [true, true, true, false]),
        (
            format!("{APPLICATION}/ssh-keys/generate"),
            &[],
            [true, true, false, false],
        ),
        (
            "/harbor/settings/oidc/algorithm".to_owned(),
            &[("algorithm", "RS256")],
            [true, true, false, false],
        ),
        (
            "/harbor/settings/oidc/rotate".to_owned(),
            &[],
            [true, true, false, false],
        ),
        (
            format!("{APPLICATION}/ssh-keys/set"),
            &[("private_key", "x")],
            [true, true, false, false],
        ),
        (
            format!("{APPLICATION}/ssh-keys/known-hosts"),
            &[("lines", "x")],
            [true, true, false, false],
        ),
        (
            format!("{APPLICATION}/ssh-keys/known-hosts/fetch"),
            &[("host", "-x")],
            [true, true, false, false],
        ),
    ];
    for (role, column) in [(Role::Viewer, 3), (Role::Developer, 2), (Role::Admin, 1)] {
        let mut browser = scene.member(role).await;
        for (path, form, may) in matrix {
            let status = browser.post(path, form).await.status;
            assert_eq!(
                status != StatusCode::FORBIDDEN,
                may[column],
                "{} × {path}: {status}",
                role.as_str()
            );
        }
        let may_read_history = role.may(pipewright_core::Right::ManageMembers);
        let status = browser.get("/harbor/settings/audit-log").await.status;
        assert_eq!(
            status == StatusCode::OK,
            may_read_history,
            "{} × audit log",
            role.as_str()
        );
        for path in [
            build.as_str(),
            "/harbor/builds",
            "/harbor/deliveries",
            members,
        ] {
            assert_eq!(
                browser.get(path).await.status,
                StatusCode::OK,
                "{} sees {path}",
                role.as_str()
            );
        }
    }
    for (path, form, _) in matrix {
        assert_ne!(
            scene.owner.post(path, form).await.status,
            StatusCode::FORBIDDEN,
            "owner × {path}"
        );
    }
}

#[tokio::test]
async fn manual_steps_side_by_side_are_started_alone_or_all_together() {
    let mut scene = Scene::new().await;
    for (number, digit) in [(1, '7'), (2, '8')] {
        let build = scene.push("main", digit, "Change").await;
        scene.plan(build, &[&["Staging", "Production"]]).await;
        for position in [0, 1] {
            scene.step(build, position, StepState::Manual).await;
        }
        scene
            .state(build, BuildState::Running, BuildState::Paused, None)
            .await;
        let path = format!("{APPLICATION}/builds/{number}");
        let page = scene.owner.get(&format!("{path}?step=2")).await.text;
        for button in [
            "<button class=\"btn primary\" name=\"step\" value=\"\">Run all 2</button>",
            "name=\"step\" value=\"1\" aria-label=\"Run Staging\">Run</button>",
            "name=\"step\" value=\"2\" aria-label=\"Run Production\">Run</button>",
            "<button class=\"btn primary\" name=\"step\" value=\"2\">Run Production</button>",
        ] {
            assert!(page.contains(button), "{button} is missing in {page}");
        }
        let (pressed, other) = if number == 1 {
            ("", StepState::Queued)
        } else {
            ("2", StepState::Manual)
        };
        scene
            .owner
            .post(&format!("{path}/run"), &[("step", pressed)])
            .await;
        let states: Vec<StepState> = steps::list(&scene.site.app.db, build)
            .await
            .expect("lists")
            .into_iter()
            .map(|step| step.state)
            .collect();
        assert_eq!(states, [other, StepState::Queued], "after “{pressed}”");
        let after = scene.owner.get(&path).await.text;
        assert!(!after.contains("Run all"), "{after}");
        assert_eq!(
            after.contains("value=\"1\">Run Staging</button>"),
            number == 2,
            "{after}"
        );
    }
}

#[tokio::test]
async fn a_build_is_stopped_and_rerun_and_history_tells_who() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"]]).await;
    scene
        .step(build, 0, StepState::Finished(StepOutcome::Failed))
        .await;
    scene
        .state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Failed),
            None,
        )
        .await;
    let path = format!("{APPLICATION}/builds/1");
    let ended = scene.owner.post(&format!("{path}/stop"), &[]).await;
    assert!(
        scene
            .owner
            .follow(&ended)
            .await
            .text
            .contains("The build has ended"),
        "says why not"
    );
    let rerun = scene
        .owner
        .post(&format!("{path}/rerun"), &[("what", "failed")])
        .await;
    assert!(
        scene
            .owner
            .follow(&rerun)
            .await
            .text
            .contains("Rerun: 1 step runs again, nothing is kept.")
    );
    let stopped = scene.owner.post(&format!("{path}/stop"), &[]).await;
    let page = scene.owner.follow(&stopped).await;
    assert!(page.text.contains("Stopped by mara."), "{}", page.text);
    assert_eq!(
        scene
            .owner
            .post(&format!("{path}/rerun"), &[("what", "x")])
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    let log = scene.owner.get("/harbor/settings/audit-log").await;
    assert!(
        log.text.contains("stopped checkout-api #1 of ")
            && log.text.contains("ran checkout-api #1 of ")
            && log.text.contains("checkout-api #1")
    );
}
