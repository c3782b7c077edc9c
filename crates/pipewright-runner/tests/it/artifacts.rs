//! Artifacts through the whole runner: kept after the script, restored before the next one's.

use std::time::Duration;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::ArtifactId;
use pipewright_core::plan::{ArtifactPlan, CaptureOn, StepPlan};
use pipewright_core::wire::{ArtifactKind, Directive, GivenArtifact};

use crate::runner::Bench;
use crate::support::dispatcher::{Seen, assignment};
use crate::support::step;

fn artifact(name: &str, paths: &[&str]) -> ArtifactPlan {
    ArtifactPlan {
        name: name.to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        ignore_paths: Vec::new(),
        shared: true,
        test_reports: false,
        depth: None,
        capture_on: CaptureOn::Always,
    }
}

fn leaving(script: &[&str], artifacts: Vec<ArtifactPlan>) -> StepPlan {
    StepPlan {
        artifacts,
        ..step(script, &[])
    }
}

impl Bench {
    async fn run_step(&self, plan: StepPlan, given: Vec<GivenArtifact>) -> Seen {
        let mut work = assignment(plan, None, &[], &[]);
        work.artifacts = given;
        let attempt = self.dispatcher.give(work);
        self.dispatcher.report(attempt).await;
        self.dispatcher.seen(attempt)
    }
}

fn given(seen: &Seen, step_name: &str) -> Vec<GivenArtifact> {
    let given = |id, name: &str| GivenArtifact {
        id,
        step_name: step_name.to_owned(),
        name: name.to_owned(),
        is_expired: false,
    };
    seen.artifacts
        .iter()
        .map(|(artifact, _)| given(artifact.id, &artifact.name))
        .collect()
}

#[tokio::test]
async fn files_travel_to_a_later_step_whole() {
    let bench = Bench::start(1);
    let script = "mkdir -p dist/bin; echo one > dist/a.txt; printf '#!/bin/sh\\necho ran' > dist/bin/tool; chmod +x dist/bin/tool; ln -s bin/tool dist/link; touch -d @1600000000 dist/a.txt";
    let first = bench
        .run_step(
            leaving(
                &[script],
                vec![artifact("", &["dist/**"]), artifact("none", &["*.jar"])],
            ),
            Vec::new(),
        )
        .await;
    let text = first.text();
    assert!(
        text.contains("\nKept artifact dist/** (3 files, ")
            && text.contains("Artifact none: no file matches, nothing is kept."),
        "{text}"
    );
    let (kept, bytes) = &first.artifacts[0];
    assert_eq!(
        (
            first.artifacts.len(),
            kept.name.as_str(),
            kept.files,
            kept.bytes
        ),
        (1, "dist/**", 3, bytes.len() as u64)
    );
    assert_eq!(kept.listing[0], ("dist/a.txt".to_owned(), 4));
    let script = "cat dist/a.txt; dist/link; stat -c %Y dist/a.txt";
    let second = bench
        .run_step(step(&[script], &[]), given(&first, "Build"))
        .await;
    let text = second.text();
    assert!(
        text.starts_with("Restored artifact dist/** of Build (3 files) in ")
            && text.contains("\none\nran\n1600000000\n"),
        "{text}"
    );
    bench.end().await;
}

#[tokio::test]
async fn of_two_files_of_one_name_the_last_stays_and_what_expired_is_said() {
    let bench = Bench::start(1);
    let mut all = Vec::new();
    for word in ["left", "right"] {
        let script = format!("echo {word} > same; echo {word} > {word}");
        let seen = bench
            .run_step(
                leaving(
                    &[&script],
                    vec![artifact("out", &["same", "left", "right"])],
                ),
                Vec::new(),
            )
            .await;
        all.extend(given(&seen, word));
    }
    all.push(GivenArtifact {
        id: ArtifactId::new(),
        step_name: "Old".to_owned(),
        name: "jar".to_owned(),
        is_expired: true,
    });
    let mut plan = step(&["cat same left right"], &[]);
    plan.artifact_downloads = Some(vec!["out".to_owned(), "jar".to_owned(), "other".to_owned()]);
    let seen = bench.run_step(plan, all).await;
    let text = seen.text();
    assert!(text.contains("\nright\nleft\nright\n"), "{text}");
    assert!(
        text.contains(
            "The artifact jar of Old has expired and is not restored; run that step again"
        ),
        "{text}"
    );
    assert!(
        text.contains("No earlier step left an artifact named other."),
        "{text}"
    );
    bench.end().await;
}

#[tokio::test]
async fn when_and_what_for_is_as_the_file_says() {
    let bench = Bench::start(1);
    let all = || {
        let on = |name: &str, capture_on| ArtifactPlan {
            capture_on,
            ..artifact(name, &["f"])
        };
        let scoped = ArtifactPlan {
            shared: false,
            ..artifact("scoped", &["f"])
        };
        let reports = ArtifactPlan {
            shared: false,
            test_reports: true,
            ..artifact("reports", &["f"])
        };
        vec![
            on("success", CaptureOn::Success),
            on("failed", CaptureOn::Failed),
            on("always", CaptureOn::Always),
            scoped,
            reports,
        ]
    };
    for (script, expected) in [
        ("echo > f", ["success", "always", "scoped", "reports"]),
        (
            "echo > f; exit 3",
            ["failed", "always", "scoped", "reports"],
        ),
    ] {
        let seen = bench.run_step(leaving(&[script], all()), Vec::new()).await;
        let names: Vec<_> = seen
            .artifacts
            .iter()
            .map(|(artifact, _)| artifact.name.as_str())
            .collect();
        assert_eq!(names, expected, "{}", seen.text());
        let kinds: Vec<_> = seen
            .artifacts
            .iter()
            .map(|(artifact, _)| artifact.kind)
            .collect();
        assert_eq!(
            kinds[1..],
            [
                ArtifactKind::Shared,
                ArtifactKind::Scoped,
                ArtifactKind::TestReports
            ]
        );
    }
    bench.end().await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_said_and_changes_no_result() {
    let bench = Bench::start_with(1, |config| config.archive_limits.archive_bytes = 1000);
    let script = "head -c 100000 /dev/urandom > large; echo > small; mkdir -p d; ln -s /etc/passwd d/out; rm -rf .git; mkdir .git; echo > .git/config";
    let plan = leaving(
        &[script],
        vec![
            artifact("large", &["large"]),
            artifact("small", &["small", "d/**", ".git/**"]),
        ],
    );
    let seen = bench.run_step(plan, Vec::new()).await;
    let text = seen.text();
    assert_eq!(
        seen.report.as_ref().map(|report| report.outcome),
        Some(AttemptOutcome::Passed),
        "{text}"
    );
    assert!(
        text.contains("The artifact large is not kept: it is larger than 1.0 kB compressed"),
        "{text}"
    );
    assert!(
        text.contains("Artifact small: 1 link that leads out of the clone directory is left out."),
        "{text}"
    );
    assert_eq!(
        seen.artifacts
            .iter()
            .map(|(artifact, _)| artifact.files)
            .collect::<Vec<_>>(),
        [1]
    );
    bench.end().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_and_an_archive_that_is_gone_is_an_error() {
    let bench = Bench::start(1);
    let mut work = assignment(
        leaving(
            &["echo > f; echo ready; until [ -e go ]; do sleep 0.02; done"],
            vec![artifact("f", &["f"])],
        ),
        None,
        &[],
        &[],
    );
    work.max_time = Duration::from_secs(20);
    let attempt = bench.dispatcher.give(work);
    bench
        .dispatcher
        .until(attempt, |seen| seen.text().contains("\nready\n"))
        .await;
    bench.dispatcher.fail_next(2);
    let workspace = bench.attempts().remove(0).join("build/go");
    std::fs::write(workspace, "").expect("a file");
    bench.dispatcher.report(attempt).await;
    assert_eq!(bench.dispatcher.seen(attempt).artifacts.len(), 1);
    let lost = GivenArtifact {
        id: ArtifactId::new(),
        step_name: "Build".to_owned(),
        name: "jar".to_owned(),
        is_expired: false,
    };
    let seen = bench.run_step(step(&["echo never"], &[]), vec![lost]).await;
    let report = seen.report.clone().expect("it ended");
    assert_eq!(report.outcome, AttemptOutcome::Errored);
    assert!(
        report
            .message
            .expect("a sentence")
            .contains("The artifact jar of Build cannot be restored: it is not there."),
        "{}",
        seen.text()
    );
    bench.end().await;
}

#[tokio::test]
async fn a_stopped_step_leaves_nothing() {
    let bench = Bench::start(1);
    let attempt = bench.dispatcher.give(assignment(
        leaving(
            &["echo > f; echo ready; sleep 600"],
            vec![artifact("f", &["f"])],
        ),
        None,
        &[],
        &[],
    ));
    bench
        .dispatcher
        .until(attempt, |seen| seen.text().contains("\nready\n"))
        .await;
    bench.dispatcher.direct(attempt, Directive::Stop).await;
    let (report, _) = bench.dispatcher.report(attempt).await;
    assert_eq!(report.outcome, AttemptOutcome::Stopped);
    assert!(bench.dispatcher.seen(attempt).artifacts.is_empty());
    bench.end().await;
}
