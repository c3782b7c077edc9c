//! Checkouts that scripts can use.

use std::os::unix::fs::PermissionsExt as _;

use pipewright_core::RefName;
use pipewright_git::CheckoutTarget;

use pipewright_git::testing::{Origin, git, mirrors};

#[tokio::test]
async fn the_exact_commit_is_a_whole_repository() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let first = origin.push("main", "run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(
        origin.work().join("run.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .expect("rights");
    std::os::unix::fs::symlink("run.sh", origin.work().join("link")).expect("a link");
    git(&origin.work(), &["tag", "-a", "v1.0", "-m", "first"]);
    git(&origin.work(), &["push", "-q", "origin", "v1.0"]);
    let second = origin.push("main", "b.txt", "two");
    origin.push("main", "c.txt", "three");
    let store = mirrors(&directory);
    let checkout = origin.checkout("main", &second);
    store.ensure(&checkout).await.expect("it is there");
    let work = directory.path().join("build");
    std::fs::create_dir(&work).expect("a directory");
    store
        .check_out(&checkout, CheckoutTarget::new(&work))
        .await
        .expect("checked out");

    assert_eq!(git(&work, &["rev-parse", "HEAD"]), second.as_str());
    assert_eq!(git(&work, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    assert_eq!(
        git(&work, &["status", "--porcelain", "--branch"]),
        "## main...origin/main"
    );
    assert_eq!(
        git(&work, &["describe"]),
        format!("v1.0-1-g{}", second.short())
    );
    assert_eq!(
        git(&work, &["log", "--format=%H"]),
        format!("{second}\n{first}")
    );
    assert_eq!(git(&work, &["remote", "get-url", "origin"]), checkout.url);
    assert_eq!(git(&work, &["config", "user.name"]), "bitbucket-pipelines");
    assert_eq!(
        git(&work, &["config", "user.email"]),
        "commits-noreply@bitbucket.org"
    );
    assert_eq!(git(&work, &["config", "push.default"]), "current");
    assert!(!work.join("c.txt").exists(), "a later commit's file");
    assert_eq!(
        std::fs::metadata(work.join("run.sh"))
            .expect("a file")
            .permissions()
            .mode()
            & 0o111,
        0o111
    );
    assert_eq!(
        std::fs::read_link(work.join("link"))
            .expect("a link")
            .to_str(),
        Some("run.sh")
    );
    git(&work, &["fsck", "--no-dangling"]);
    // A script may commit, and branch; the mirror never hears of it.
    git(
        &work,
        &["commit", "-q", "--allow-empty", "-m", "by the script"],
    );
    git(&work, &["checkout", "-q", "-b", "mine"]);
    let later = directory.path().join("later");
    std::fs::create_dir(&later).expect("a directory");
    store
        .check_out(&checkout, CheckoutTarget::new(&later))
        .await
        .expect("checked out");
    assert_eq!(
        git(&later, &["branch", "--list", "--format=%(refname:short)"]),
        "main"
    );
}

#[tokio::test]
async fn a_tag_is_checked_out_without_a_branch() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let commit = origin.push("main", "a.txt", "one");
    git(&origin.work(), &["tag", "-a", "v1", "-m", "first"]);
    git(&origin.work(), &["push", "-q", "origin", "v1"]);
    let store = mirrors(&directory);
    let mut checkout = origin.checkout("main", &commit);
    checkout.ref_name = RefName::tag("v1").expect("a tag name");
    store.ensure(&checkout).await.expect("it is there");
    let work = directory.path().join("build");
    std::fs::create_dir(&work).expect("a directory");
    store
        .check_out(&checkout, CheckoutTarget::new(&work))
        .await
        .expect("checked out");
    assert_eq!(git(&work, &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    assert_eq!(git(&work, &["describe", "--exact-match"]), "v1");
    // The tag moves: the next checkout knows.
    let moved = origin.push("main", "b.txt", "two");
    git(&origin.work(), &["tag", "-f", "-a", "v1", "-m", "again"]);
    git(&origin.work(), &["push", "-q", "-f", "origin", "v1"]);
    checkout.commit = moved;
    store.ensure(&checkout).await.expect("it is there");
    let later = directory.path().join("later");
    std::fs::create_dir(&later).expect("a directory");
    store
        .check_out(&checkout, CheckoutTarget::new(&later))
        .await
        .expect("checked out");
    assert_eq!(git(&later, &["describe", "--exact-match"]), "v1");
}

/// T13 and T20: names that a shell, a path or git's configuration could misread.
#[tokio::test]
async fn t20_hostile_branch_names_are_checked_out_as_they_are() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let store = mirrors(&directory);
    let long = format!("long/{}", "x".repeat(200));
    let names = [
        "$(touch${IFS}pwned)",
        "a'b\"c",
        "-rf",
        "--upload-pack=x",
        "100%/%2f",
        "größe/日本",
        "a;b&c|d`e`",
        "a#b",
        "@/x",
        "refs/heads/main",
        "HEAD",
        "a]b",
        &long,
    ];
    for (place, name) in names.into_iter().enumerate() {
        let commit = origin.push(name, "a.txt", &place.to_string());
        let checkout = origin.checkout(name, &commit);
        store
            .ensure(&checkout)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let work = directory.path().join(format!("build{place}"));
        std::fs::create_dir(&work).expect("a directory");
        store
            .check_out(&checkout, CheckoutTarget::new(&work))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            git(&work, &["symbolic-ref", "HEAD"]),
            format!("refs/heads/{name}")
        );
        assert_eq!(git(&work, &["rev-parse", "HEAD"]), commit.as_str());
        assert_eq!(
            git(
                &work,
                &[
                    "for-each-ref",
                    "--format=%(upstream)",
                    &format!("refs/heads/{name}")
                ]
            ),
            format!("refs/remotes/origin/{name}")
        );
        let left: Vec<_> = std::fs::read_dir(&work)
            .expect("a directory")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(left.len(), 2, "{name}: {left:?}");
    }
}
