//! Test reports through the whole runner: found after the script, however it ended, and told with its end.

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::{ArtifactPlan, CaptureOn, StepPlan};
use pipewright_core::wire::{Directive, TestReport, TestState};

use crate::runner::Bench;
use crate::support::dispatcher::{Seen, assignment};
use crate::support::step;

/// A script line that writes a report with a case that passed and one that failed.
const WRITES: &str = "mkdir -p app/target/surefire-reports; echo \"<testsuite name='s'><testcase classname='c' name='good' time='0.25'/><testcase classname='c' name='bad'><failure message='no ${TOKEN}'>at x with ${TOKEN}</failure></testcase></testsuite>\" > app/target/surefire-reports/TEST-a.xml";

impl Bench {
    async fn tests_of(&self, plan: StepPlan) -> (Seen, TestReport) {
        let work = assignment(
            plan,
            None,
            &[("TOKEN", "s3cr3t-of-tests")],
            &["s3cr3t-of-tests"],
        );
        let attempt = self.dispatcher.give(work);
        let (report, _) = self.dispatcher.report(attempt).await;
        let tests = report.tests.map(|tests| *tests).unwrap_or_default();
        (self.dispatcher.seen(attempt), tests)
    }
}

#[tokio::test]
async fn what_tests_said_is_told_of_a_step_that_failed_and_is_masked() {
    let bench = Bench::start(1);
    let (seen, tests) = bench
        .tests_of(step(
            &[
                WRITES,
                "mkdir TestResults; echo '<testsuite><testcase' > TestResults/broken.xml; exit 1",
            ],
            &[],
        ))
        .await;
    assert_eq!(
        seen.report.as_ref().expect("a report").outcome,
        AttemptOutcome::Failed
    );
    let text = seen.text();
    assert!(
        text.contains("Tests: 2 in 1 file, 1 passed, 1 failed\n"),
        "{text}"
    );
    assert!(
        text.contains("The test report TestResults/broken.xml is not read: it ends in line"),
        "{text}"
    );
    let cases: Vec<_> = tests
        .cases
        .iter()
        .map(|case| (case.name.as_str(), case.state, case.message.as_str()))
        .collect();
    assert_eq!(
        cases,
        [
            ("good", TestState::Passed, ""),
            ("bad", TestState::Failed, "no $TOKEN"),
        ]
    );
    assert_eq!(tests.cases[1].output, "at x with $TOKEN");
    assert_eq!(tests.unread_files, 1);
    bench.end().await;
}

#[tokio::test]
async fn a_stopped_step_tells_what_its_tests_said_so_far() {
    let bench = Bench::start(1);
    let plan = step(&[WRITES, "echo ready; sleep 600"], &[]);
    let attempt = bench.dispatcher.give(assignment(plan, None, &[], &[]));
    bench
        .dispatcher
        .until(attempt, |seen| seen.text().contains("\nready\n"))
        .await;
    bench.dispatcher.direct(attempt, Directive::Stop).await;
    let (report, _) = bench.dispatcher.report(attempt).await;
    assert_eq!(report.outcome, AttemptOutcome::Stopped);
    assert_eq!(report.tests.expect("a report").totals.all(), 2);
    bench.end().await;
}

#[tokio::test]
async fn the_pipeline_file_names_reports_and_links_lead_nowhere() {
    let bench = Bench::start(1);
    let outside = tempfile::tempdir().expect("a directory");
    let secret = outside.path().join("test-results/secret.xml");
    std::fs::create_dir(outside.path().join("test-results")).expect("a directory");
    std::fs::write(&secret, "<testsuite><testcase name='secret'/></testsuite>").expect("a file");
    let named = ArtifactPlan {
        name: "reports".to_owned(),
        paths: vec!["out/**".to_owned()],
        ignore_paths: Vec::new(),
        shared: false,
        test_reports: true,
        depth: None,
        capture_on: CaptureOn::Always,
    };
    let links = format!(
        "mkdir out test-results; ln -s {secret} out/a.xml; ln -s {secret} test-results/b.xml; ln -s {all} test-reports",
        secret = secret.display(),
        all = outside.path().join("test-results").display()
    );
    let plan = StepPlan {
        artifacts: vec![named],
        max_time_minutes: 1,
        ..step(
            &[
                &links,
                "echo '<testsuite><testcase name=\"own\"/></testsuite>' > out/own.xml",
            ],
            &[],
        )
    };
    let (_, tests) = bench.tests_of(plan).await;
    let names: Vec<_> = tests.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["own"]);
    bench.end().await;
}

#[tokio::test]
async fn a_step_without_reports_says_nothing_of_tests() {
    let bench = Bench::start(1);
    let (seen, tests) = bench.tests_of(step(&["echo fine"], &[])).await;
    assert!(tests.is_empty() && !seen.text().contains("Tests:"));
    bench.end().await;
}
