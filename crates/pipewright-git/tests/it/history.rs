//! How much history a checkout holds, held against what git itself clones.

use pipewright_core::wire::{Checkout, Merge};
use pipewright_core::{CommitHash, RefName};
use pipewright_git::CheckoutTarget;
use pipewright_git::testing::{Origin, git, mirrors};

/// Commits on main, each second one merged with a side branch that began some commits before.
fn knotted(commits: usize) -> Origin {
    let origin = Origin::new();
    origin.push("main", "a.txt", "0");
    let work = origin.work();
    for number in 1..commits {
        git(
            &work,
            &["commit", "-q", "--allow-empty", "-m", &format!("m{number}")],
        );
        if number % 4 == 0 {
            git(
                &work,
                &["checkout", "-q", "-b", &format!("side{number}"), "HEAD~3"],
            );
            for side in 0..3 {
                let message = format!("s{number}-{side}");
                git(&work, &["commit", "-q", "--allow-empty", "-m", &message]);
            }
            git(&work, &["checkout", "-q", "main"]);
            let message = format!("merge {number}");
            git(
                &work,
                &[
                    "merge",
                    "-q",
                    "--no-ff",
                    "-m",
                    &message,
                    &format!("side{number}"),
                ],
            );
        }
    }
    git(&work, &["push", "-q", "origin", "main"]);
    origin
}

async fn checked_out(origin: &Origin, checkout: &Checkout, depth: u32) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let store = mirrors(&directory);
    store.ensure(checkout).await.expect("it is there");
    let work = directory.path().join("build");
    std::fs::create_dir(&work).expect("a directory");
    let target = CheckoutTarget::new(&work);
    store
        .check_out(checkout, target)
        .await
        .expect("checked out");
    if let Some(merge) = &checkout.merge {
        store.ensure_merge(checkout).await.expect("it is there");
        store
            .merge_into(checkout.repository, merge, target)
            .await
            .expect("merges");
    }
    store
        .limit_history(checkout, depth, target)
        .await
        .expect("limits");
    assert!(origin.bare().exists());
    directory
}

#[tokio::test]
async fn a_history_of_a_depth_is_the_one_that_git_clones() {
    let origin = knotted(24);
    let head: CommitHash = origin.head();
    let checkout = origin.checkout("main", &head);
    for depth in [1, 2, 5, 9, 20] {
        let directory = checked_out(&origin, &checkout, depth).await;
        let (work, clone) = (
            directory.path().join("build"),
            directory.path().join("clone"),
        );
        let (from, deep) = (
            format!("file://{}", origin.bare().display()),
            format!("--depth={depth}"),
        );
        let into = clone.display().to_string();
        git(
            directory.path(),
            &["clone", "-q", "--branch", "main", &deep, &from, &into],
        );
        let history = |at: &std::path::Path| {
            let listed = git(at, &["log", "--format=%H %P", "--topo-order", "HEAD"]);
            let mut lines: Vec<String> = listed.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(history(&work), history(&clone), "depth {depth}");
        let is_shallow = |at: &std::path::Path| git(at, &["rev-parse", "--is-shallow-repository"]);
        assert_eq!(is_shallow(&work), is_shallow(&clone), "depth {depth}");
        assert_eq!(git(&work, &["status", "--porcelain"]), "");
    }
}

#[tokio::test]
async fn a_shorter_history_is_whole_and_a_pull_request_has_both_of_its_sides() {
    let origin = Origin::new();
    origin.push("main", "a.txt", "one");
    let base = origin.push("main", "a.txt", "two");
    let head = origin.push("feature", "b.txt", "three");
    let directory = checked_out(&origin, &origin.checkout("feature", &head), 50).await;
    let work = directory.path().join("build");
    assert_eq!(
        git(&work, &["rev-parse", "--is-shallow-repository"]),
        "false"
    );
    assert_eq!(git(&work, &["rev-list", "--count", "HEAD"]), "3");
    git(&origin.work(), &["reset", "-q", "--hard", base.as_str()]);
    let newer = origin.push("main", "c.txt", "four");
    let checkout = Checkout {
        merge: Some(Merge {
            ref_name: RefName::branch("main").expect("a branch"),
            commit: newer.clone(),
        }),
        ..origin.checkout("feature", &head)
    };
    let directory = checked_out(&origin, &checkout, 1).await;
    let work = directory.path().join("build");
    let parents = git(&work, &["log", "-1", "--format=%P", "HEAD"]);
    assert_eq!(parents, format!("{head} {newer}"));
    assert_eq!(git(&work, &["rev-list", "--count", "HEAD"]), "3");
}
