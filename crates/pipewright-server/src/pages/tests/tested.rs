//! What tests said, on the pages of a build, in lists, and over builds.

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};
use pipewright_core::ids::BuildId;
use pipewright_core::wire::{TestCase, TestReport, TestState};

use super::scene::{APPLICATION, Scene};

fn case(name: &str, state: TestState, micros: u64) -> TestCase {
    TestCase {
        suite: "shop::cart".to_owned(),
        name: name.to_owned(),
        file: Some("tests/cart.rs".to_owned()),
        line: Some(12),
        state,
        is_flaky: false,
        micros,
        message: if state.is_failure() {
            format!("{name} is <not> right")
        } else {
            String::new()
        },
        output: if state.is_failure() {
            "left: <1>\nright: 2".to_owned()
        } else {
            String::new()
        },
    }
}

fn report(cases: Vec<TestCase>) -> TestReport {
    let mut report = TestReport {
        files: 1,
        bytes: 1100,
        ..TestReport::default()
    };
    for case in cases {
        report.push(case);
    }
    report
}

impl Scene {
    /// A build of one step whose tests said this.
    async fn tested(&self, digit: char, report: TestReport) -> BuildId {
        let build = self.push("main", digit, "Change").await;
        self.plan(build, &[&["Unit tests"]]).await;
        let failed = report.totals.failures() > 0;
        let running = self.run(build, 0, 1).await;
        let (attempt, step, end) = if failed {
            (
                AttemptOutcome::Failed,
                StepOutcome::Failed,
                BuildOutcome::Failed,
            )
        } else {
            (
                AttemptOutcome::Passed,
                StepOutcome::Passed,
                BuildOutcome::Passed,
            )
        };
        self.finish_telling(running, attempt, report).await;
        self.step(build, 0, StepState::Finished(step)).await;
        self.state(build, BuildState::Running, BuildState::Finished(end), None)
            .await;
        build
    }
}

#[tokio::test]
async fn the_tab_tells_failures_first_and_lists_tell_totals() {
    let mut scene = Scene::new().await;
    scene
        .tested(
            '7',
            report(vec![
                case("adds", TestState::Passed, 1000),
                case("removes", TestState::Passed, 1000),
            ]),
        )
        .await;
    let mut said = report(vec![
        case("adds", TestState::Passed, 2_500_000),
        case("removes", TestState::Failed, 40_000),
        case("clears", TestState::Skipped, 0),
    ]);
    said.push_unread(
        "test-results/bench.xml",
        "ends in line 214 inside <testcase>",
    );
    scene.tested('8', said).await;

    let page = scene
        .owner
        .get(&format!("{APPLICATION}/builds/2/tests"))
        .await;
    for words in [
        "Tests <small>1 of 3</small>",
        "shop::cart::removes",
        "<span class=\"mini bad\">new</span>",
        "removes is &#60;not&#62; right",
        "left: &#60;1&#62;\nright: 2",
        "Unit tests · tests/cart.rs:12",
        "Of the last 2 builds: passed in 1, failed in 1",
        "1 file not read",
        "ends in line 214 inside &#60;testcase&#62;; its tests are not counted.",
        "1 more than in #1",
        "+2.5 s",
        "these 2 are 100 % of the time",
        "Find in the log",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let (failed, slowest) = (
        page.text.find("<h2>Failed</h2>").expect("failures"),
        page.text.find("<h2>Slowest</h2>").expect("the slowest"),
    );
    assert!(failed < slowest);
    for (query, shown, hidden) in [
        ("show=skipped", "shop::cart::clears", "shop::cart::adds"),
        ("show=failed", "shop::cart::removes", "shop::cart::adds"),
        ("q=CART%20A", "shop::cart::adds", "shop::cart::clears"),
        ("show=all&step=1", "shop::cart::clears", "No test matches"),
        ("q=%25", "No test matches", "shop::cart::clears"),
        (
            "show=nonsense&step=-4",
            "<h2>Failed</h2>",
            "No test matches",
        ),
    ] {
        let page = scene
            .owner
            .get(&format!("{APPLICATION}/builds/2/tests?{query}"))
            .await;
        assert_eq!(page.status, StatusCode::OK);
        let main = page.text.split("</header>").last().unwrap_or_default();
        assert!(page.text.contains(shown), "{query}: {shown}");
        assert!(!main.contains(hidden), "{query}: {hidden}");
    }
    let list = scene.owner.get(&format!("{APPLICATION}/builds")).await;
    assert!(list.text.contains("1 of 3 tests failed"));
    assert!(list.text.contains(">2 tests</a>"));

    // The history of the test that failed, by the link that leads to it.
    let link = page
        .text
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|link| link.contains("/applications/") && link.contains("/tests/"))
        .expect("a link to its history")
        .to_owned();
    let history = scene.owner.get(&link).await;
    for words in [
        "shop::cart::removes",
        "Failed in 1 of 2 results",
        "#2",
        "removes is &#60;not&#62; right",
    ] {
        assert!(history.text.contains(words), "{words}: {}", history.text);
    }
    let nowhere = format!("{APPLICATION}/tests/00000000000000000000000000000000");
    assert_eq!(
        scene.owner.get(&nowhere).await.status,
        StatusCode::NOT_FOUND
    );
    let mut viewer = scene.member(Role::Viewer).await;
    assert_eq!(viewer.get(&link).await.status, StatusCode::OK);
}

#[tokio::test]
async fn both_results_on_one_commit_are_flaky_and_no_report_is_said() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"]]).await;
    let page = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/tests"))
        .await;
    assert!(
        page.text
            .contains("No step of this build left a test report.")
    );
    for (number, state) in [(1, TestState::Failed), (2, TestState::Passed)] {
        let running = scene.run(build, 0, number).await;
        let outcome = if state.is_failure() {
            AttemptOutcome::Failed
        } else {
            AttemptOutcome::Passed
        };
        scene
            .finish_telling(running, outcome, report(vec![case("adds", state, 5000)]))
            .await;
    }
    let page = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/tests"))
        .await;
    for words in [
        "Tests <small>1 of 1</small>",
        "<h2>Flaky</h2>",
        "<span class=\"mini wait\">flaky</span>",
        "flaky in 1",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.text.contains("<h2>Failed</h2>"));
}
