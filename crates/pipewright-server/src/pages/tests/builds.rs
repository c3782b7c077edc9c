//! The list of builds and the page of one.

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::build::{BuildOutcome, BuildState, StepOutcome, StepState};
use pipewright_core::plan::ImportedFrom;
use pipewright_store::{builds, steps};

use super::scene::{APPLICATION, Scene};

#[tokio::test]
async fn a_build_says_what_it_is_of_where_it_stands_and_why() {
    let mut scene = Scene::new().await;
    scene
        .passed(
            "feature/a<b",
            '7',
            "Retry idempotent captures\n\nLong story.",
            b"\x1d+ make <all>\n\x1b[32mPASS\x1b[0m\n",
        )
        .await;
    let page = scene.owner.get(&format!("{APPLICATION}/builds/1")).await;
    assert_eq!(page.status, StatusCode::OK);
    for expected in [
        "<h1 class=\"break\">Retry idempotent captures</h1>",
        "Passed 0 ms",
        "feature/a&#60;b",
        "https://bitbucket.org/harbor/checkout-api/commits/7777777777777777777777777777777777777777",
        "by <b>Mara Lindqvist</b>",
        "started 180 ms after the push",
        "<code>branches: main</code>",
        "on runner <b>rack-3</b>",
        "<span class=\"cmd\">$ make &lt;all&gt;</span>",
        "<span class=\"f2\">PASS</span>",
        "line=2#L2",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
    let timeline = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/timeline"))
        .await;
    assert!(
        timeline.text.contains("script 14 s") && timeline.text.contains("mara@example.com"),
        "{}",
        timeline.text
    );
    let file = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/pipeline-file"))
        .await;
    assert!(
        file.text.contains("make &#60;all&#62;") && file.text.contains("120 min"),
        "{}",
        file.text
    );
    for missing in ["2", "0", "x", "-1", "99999999999999999999"] {
        assert_eq!(
            scene
                .owner
                .get(&format!("{APPLICATION}/builds/{missing}"))
                .await
                .status,
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test]
async fn a_build_of_another_account_is_not_there() {
    let scene = Scene::new().await;
    let (build, running) = scene.passed("main", '7', "Secret plans", b"secret\n").await;
    let mut stranger = scene.site.owner_of("other").await;
    let mut anonymous = scene.site.anonymous();
    let logs = format!("/harbor/logs/{}", running.id);
    let through_their_own = format!("/other/logs/{}", running.id);
    for path in [
        format!("{APPLICATION}/builds/1"),
        format!("{APPLICATION}/builds/1?part=log"),
        format!("{APPLICATION}/builds/1/timeline"),
        format!("{APPLICATION}/builds/1/pipeline-file"),
        format!("{APPLICATION}/builds"),
        "/harbor/builds".to_owned(),
        "/harbor/deliveries".to_owned(),
        format!("{logs}/lines?from=0&count=9"),
        format!("{logs}/live"),
        format!("{logs}/raw"),
        format!("{through_their_own}/lines?from=0&count=9"),
        format!("{through_their_own}/live"),
        format!("{through_their_own}/raw"),
        "/other/applications/checkout-api/builds/1".to_owned(),
    ] {
        for (browser, status) in [
            (&mut stranger, StatusCode::NOT_FOUND),
            (&mut anonymous, StatusCode::SEE_OTHER),
        ] {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!answer.text.contains("ecret"), "{path}: {build}");
        }
    }
}

#[tokio::test]
async fn a_page_draws_its_parts_anew_while_the_build_goes_on_and_not_after() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    let path = format!("{APPLICATION}/builds/1");
    let queued = scene.owner.get(&path).await;
    assert!(
        queued.text.contains("Its pipeline file is being read")
            && queued.text.contains("?part=head"),
        "{}",
        queued.text
    );
    scene
        .plan(build, &[&["Lint"], &["Unit tests", "Contract tests"]])
        .await;
    let running = scene.run(build, 0, 1).await;
    scene.print(running, b"one\n");
    let head = scene.owner.get(&format!("{path}?part=head")).await;
    assert!(
        head.text.starts_with("<section id=\"head\"")
            || head.text.trim_start().starts_with("<section id=\"head\"")
    );
    assert!(
        !head.text.contains("<html") && head.text.contains("Contract tests"),
        "only the part"
    );
    let log = scene.owner.get(&format!("{path}?part=log")).await;
    assert!(
        log.text.contains("data-tail=\"log:harbor:") && !log.text.contains("<html"),
        "{}",
        log.text
    );
    scene
        .state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Stopped),
            Some("Stopped by Mara."),
        )
        .await;
    let stopped = scene.owner.get(&path).await;
    assert!(
        stopped.text.contains("Stopped by Mara.") && !stopped.text.contains("?part=head"),
        "{}",
        stopped.text
    );
}

#[tokio::test]
async fn an_invalid_file_is_shown_with_the_line_it_is_about() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    let file = "pipelines:\n  default:\n    - stepp:\n        script: [x]\n";
    let parsed = pipewright_spec::parse("bitbucket-pipelines.yml", file.as_bytes());
    let diagnostics = serde_json::to_value(&parsed.diagnostics).expect("JSON");
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    let now = scene.now();
    builds::set_plan(
        &mut tx,
        build,
        None,
        Some(file.as_bytes()),
        &diagnostics,
        now,
    )
    .await
    .expect("stores");
    tx.commit().await.expect("commits");
    scene
        .state(
            build,
            BuildState::Queued,
            BuildState::Finished(BuildOutcome::Invalid),
            None,
        )
        .await;
    let page = scene.owner.get(&format!("{APPLICATION}/builds/1")).await;
    for expected in [
        "Invalid file",
        "cannot be run as it is",
        "<mark>",
        "stepp",
        "line 3, column",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_build_that_waits_for_a_person_offers_run_to_whoever_may() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Deploy"]]).await;
    scene.step(build, 0, StepState::Manual).await;
    scene
        .state(build, BuildState::Running, BuildState::Paused, None)
        .await;
    let path = format!("{APPLICATION}/builds/1");
    let page = scene.owner.get(&path).await;
    assert!(
        page.text.contains("Waits for a person to start Deploy.")
            && page.text.contains(">Stop</button>"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("aria-label=\"Run Deploy\">Run</button>"),
        "at the step: {}",
        page.text
    );
    assert!(
        page.text.contains("value=\"1\">Run Deploy</button>"),
        "at the top: {}",
        page.text
    );
    let mut viewer = scene.member(Role::Viewer).await;
    let page = viewer.get(&path).await;
    assert!(
        page.text.contains("Waits for a person")
            && !page.text.contains("Run Deploy")
            && !page.text.contains(">Stop</button>")
    );
}

#[tokio::test]
async fn every_step_is_drawn_with_its_state_in_words_and_where_the_build_can_run_again() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene
        .plan(
            build,
            &[
                &["Lint"],
                &["Unit tests", "Contract tests"],
                &["Docs"],
                &["Package"],
            ],
        )
        .await;
    for (position, outcome) in [
        StepOutcome::Passed,
        StepOutcome::FailedIgnored,
        StepOutcome::Failed,
        StepOutcome::NotRun,
        StepOutcome::Skipped,
    ]
    .into_iter()
    .enumerate()
    {
        scene
            .step(build, position, StepState::Finished(outcome))
            .await;
    }
    scene
        .state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Failed),
            None,
        )
        .await;
    let path = format!("{APPLICATION}/builds/1");
    let page = scene.owner.get(&path).await;
    for expected in [
        "<p class=\"group-head\"><b>Parallel</b>",
        "Failed, ignored</b>",
        "Skipped</b>",
        "Not run</b>",
        "A step before it did not end well.",
        "Its condition was not met.",
        "i-ignored",
        "i-skipped",
        "aria-label=\"Rerun from Contract tests\"",
        "Rerun failed steps",
        "Rerun everything",
        "All 5 steps run again",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
    assert!(
        !page.text.contains("Rerun from Docs"),
        "it cannot begin before a step that failed"
    );
    let mut viewer = scene.member(Role::Viewer).await;
    let page = viewer.get(&path).await;
    assert!(
        page.text.contains("Failed, ignored") && !page.text.contains("Rerun"),
        "{}",
        page.text
    );
    let rerun = scene
        .owner
        .post(&format!("{path}/rerun"), &[("what", "3")])
        .await;
    let page = scene.owner.follow(&rerun).await;
    assert!(
        page.text
            .contains("Rerun: 3 steps run again, 2 are kept as they are."),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_pipeline_file_is_shown_with_its_problems_its_choice_and_its_plan_and_downloaded_as_it_is()
 {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    let file = "\u{feff}image: rust:1\npipelines:\n  default:\n    - step:\n        name: Unit tests\n        scirpt: []\n        script: [make]\n  tags:\n    v*:\n      - step: {script: [make]}\n";
    let parsed = pipewright_spec::parse("bitbucket-pipelines.yml", file.as_bytes());
    let diagnostics = serde_json::to_value(&parsed.diagnostics).expect("JSON");
    let trigger = pipewright_spec::Trigger::Branch {
        name: "main".to_owned(),
    };
    let Some(pipewright_spec::Planned::Plan(plan, _)) =
        parsed.pipeline_file.map(|file| file.plan(&trigger))
    else {
        panic!("a plan")
    };
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    builds::set_plan(
        &mut tx,
        build,
        Some(&plan),
        Some(file.as_bytes()),
        &diagnostics,
        scene.now(),
    )
    .await
    .expect("stores");
    steps::insert_all(&mut tx, build, &plan)
        .await
        .expect("steps");
    tx.commit().await.expect("commits");
    let path = format!("{APPLICATION}/builds/1/pipeline-file");
    let page = scene.owner.get(&path).await;
    for expected in [
        "2 warnings",
        "href=\"#F6\">line 6, column 9</a>",
        "did you mean",
        "so <code>default</code> runs.",
        "tags: v*",
        "runs for tags only",
        "rust:1",
        "120 min",
        "id=\"F6\"",
        "p-warn",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
    let raw = scene.owner.get(&format!("{path}/raw")).await;
    assert_eq!(raw.text, file, "byte for byte");
    assert!(
        raw.headers["content-disposition"]
            .to_str()
            .expect("text")
            .starts_with("attachment")
    );
    let mut stranger = scene.site.owner_of("other").await;
    assert_eq!(
        stranger.get(&format!("{path}/raw")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn lists_are_narrowed_and_paged_and_give_only_their_rows_to_the_script() {
    let mut scene = Scene::new().await;
    for (index, branch) in ["main", "feature/$(x)&y", "main"].into_iter().enumerate() {
        let digit =
            char::from_digit(u32::try_from(index).expect("small") + 1, 10).expect("a digit");
        scene
            .passed(branch, digit, &format!("Change {index}"), b"x\n")
            .await;
    }
    let waiting = scene.push("main", '9', "Waits").await;
    let all = scene.owner.get("/harbor/builds").await;
    assert_eq!(
        all.text.matches("class=\"break\"").count(),
        4,
        "{}",
        all.text
    );
    for (query, count) in [
        ("state=passed", 3),
        ("state=queued", 1),
        ("state=failed", 0),
        ("branch=main", 3),
        ("branch=feature/%24%28x%29%26y", 1),
        ("branch=a%20b", 0),
        ("branch=main&state=passed", 2),
        ("state=nonsense", 4),
        (&format!("before={waiting}"), 3),
    ] {
        for list in ["/harbor/builds".to_owned(), format!("{APPLICATION}/builds")] {
            let page = scene.owner.get(&format!("{list}?{query}")).await;
            assert_eq!(
                page.text.matches("class=\"break\"").count(),
                count,
                "{list}?{query}"
            );
        }
    }
    assert_eq!(
        scene.owner.get("/harbor/builds?before=x").await.status,
        StatusCode::NOT_FOUND
    );
    for number in 0..40 {
        scene.push(&format!("branch-{number}"), '8', "More").await;
    }
    let first = scene.owner.get("/harbor/builds").await;
    let older = first
        .text
        .split("href=\"/harbor/builds?before=")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a next page");
    let second = scene
        .owner
        .get(&format!("/harbor/builds?before={older}"))
        .await;
    assert_eq!(
        first.text.matches("class=\"break\"").count()
            + second.text.matches("class=\"break\"").count(),
        44
    );
    assert!(
        first.text.contains("data-live") && !second.text.contains("data-live"),
        "only the newest page changes"
    );
    scene
        .owner
        .headers
        .insert("x-fragment", "1".parse().expect("a header"));
    let rows = scene.owner.get("/harbor/builds").await;
    assert!(
        rows.text.trim_start().starts_with("<section") && !rows.text.contains("<html"),
        "{}",
        rows.text
    );
}

#[tokio::test]
async fn steps_and_problems_of_an_imported_file_are_not_shown_as_lines_of_the_one_that_imports() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    let problem = |file: Option<&str>, line: u32| {
        let span = serde_json::json!({ "line": line, "column": 1, "start": 0, "end": 4 });
        serde_json::json!({ "severity": "warning", "code": "PW0101", "message": format!("odd in {file:?}"), "file": file, "primary": span,
            "labels": [{ "span": span, "text": "first given here" }], "path": "pipelines" })
    };
    let mut plan = super::scene::plan(&[&["Build"]]);
    plan.imported = Some(ImportedFrom {
        file: "tools:main".to_owned(),
        pipeline: "share <b>".to_owned(),
        commit: Some("9".repeat(40).parse().expect("a commit")),
    });
    let file = b"one:\ntwo:\nthree:\nfour:\n";
    let problems = serde_json::json!([problem(Some("tools:main"), 2), problem(None, 4)]);
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    builds::set_plan(
        &mut tx,
        build,
        Some(&plan),
        Some(file),
        &problems,
        scene.now(),
    )
    .await
    .expect("plans");
    steps::insert_all(&mut tx, build, &plan)
        .await
        .expect("steps");
    tx.commit().await.expect("commits");
    let page = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/pipeline-file"))
        .await
        .text;
    let from = "imported from <code class=\"break\">tools:main</code> (pipeline <code class=\"break\">share &#60;b&#62;</code>) at <code>9999999</code>.";
    for expected in [
        from,
        "<span class=\"break\">tools:main</span>: line 2, column 1",
        "href=\"#F4\"",
        "<span class=\"line p-warn\" id=\"F4\">",
    ] {
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
    for unexpected in [
        "href=\"#F2\"",
        "href=\"#F3\"",
        "p-warn\" id=\"F2\"",
        "<span class=\"line at\" id",
    ] {
        assert!(!page.contains(unexpected), "{unexpected} is in {page}");
    }
}
