//! The repository that a person stands in: read and checked out elsewhere, never written to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pipewright_core::RefName;
use pipewright_git::{CheckoutTarget, Git, GitOptions, LocalCheckout, LocalRepository};
use tempfile::TempDir;

use pipewright_git::testing::{Origin, git};

async fn find(directory: &Path) -> Option<LocalRepository> {
    let program = Git::new(GitOptions::default(), Path::new("/tmp")).expect("git is there");
    LocalRepository::find(program, directory)
        .await
        .expect("git answers")
}

/// Every file of the repository with its size and time.
fn state(directory: &Path, found: &mut BTreeMap<PathBuf, (u64, SystemTime)>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let about = entry.path().symlink_metadata().expect("it is there");
        if about.is_dir() {
            state(&entry.path(), found);
        } else {
            found.insert(
                entry.path(),
                (about.len(), about.modified().expect("a time")),
            );
        }
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test]
async fn a_checkout_elsewhere_leaves_the_repository_alone() {
    let origin = Origin::new();
    let work = origin.work();
    let first = origin.push("main", "sub/a.txt", "one");
    git(&work, &["tag", "v1"]);
    let second = origin.push("main", "b.txt", "two");
    std::fs::write(work.join("b.txt"), "changed").expect("a file");
    std::fs::write(work.join("new.txt"), "new").expect("a file");
    let mut before = BTreeMap::new();
    state(&work, &mut before);

    let repository = find(&work.join("sub")).await.expect("a repository");
    assert_eq!(repository.top(), work.canonicalize().expect("a path"));
    let head = repository.head().await.expect("git answers");
    assert_eq!(
        (
            head.commit.as_ref(),
            head.branch.as_ref().map(RefName::short)
        ),
        (Some(&second), Some("main"))
    );
    assert_eq!(
        repository.origin().await.expect("git answers"),
        Some(origin.bare().display().to_string())
    );
    assert_eq!(
        repository.changes(None).await.expect("git answers"),
        [PathBuf::from("b.txt"), PathBuf::from("new.txt")]
    );
    assert_eq!(
        repository
            .show_file(&first, "sub/a.txt", 100)
            .await
            .expect("git answers")
            .as_deref(),
        Some(&b"one"[..])
    );
    assert_eq!(
        repository
            .show_file(&first, "b.txt", 100)
            .await
            .expect("git answers"),
        None
    );
    assert_eq!(
        repository
            .resolve(&RefName::tag("v1").expect("a name"))
            .await
            .expect("git answers")
            .as_ref(),
        Some(&first)
    );
    assert_eq!(
        repository
            .resolve(&RefName::branch("none").expect("a name"))
            .await
            .expect("git answers"),
        None
    );

    let other = RefName::branch("feature/'x").expect("a name");
    let (clean, dirty) = (directory(), directory());
    let checkout = LocalCheckout {
        commit: &second,
        branch: Some(&other),
        url: None,
    };
    repository
        .check_out(checkout, CheckoutTarget::new(clean.path()))
        .await
        .expect("checked out");
    assert_eq!(git(clean.path(), &["status", "--porcelain"]), "");
    assert_eq!(
        git(clean.path(), &["rev-parse", "--abbrev-ref", "HEAD"]),
        "feature/'x"
    );
    assert_eq!(
        git(clean.path(), &["describe", "--tags"]),
        format!("v1-1-g{}", second.short())
    );
    assert_eq!(
        std::fs::read_to_string(clean.path().join("b.txt")).expect("a file"),
        "two"
    );
    git(
        clean.path(),
        &["commit", "-q", "--allow-empty", "-m", "by the script"],
    );

    std::fs::write(dirty.path().join("b.txt"), "changed").expect("a file");
    repository
        .adopt(checkout, CheckoutTarget::new(dirty.path()))
        .await
        .expect("adopted");
    assert_eq!(
        git(dirty.path(), &["status", "--porcelain"]),
        " M b.txt\n D sub/a.txt"
    );

    let mut after = BTreeMap::new();
    state(&work, &mut after);
    assert_eq!(before, after, "nothing was written");
}

#[tokio::test]
async fn what_a_person_ignores_is_not_listed() {
    let origin = Origin::new();
    let (work, home) = (origin.work(), directory());
    origin.push("main", ".gitignore", "built/\n");
    std::fs::create_dir_all(home.path().join(".config/git")).expect("a directory");
    std::fs::write(home.path().join(".config/git/ignore"), "*.swp\n").expect("a file");
    std::fs::create_dir(work.join("built")).expect("a directory");
    for name in ["built/x", "a.swp", "new file\n.txt"] {
        std::fs::write(work.join(name), "").expect("a file");
    }
    let repository = find(&work).await.expect("a repository");
    let mut files = repository
        .files(Some(home.path()))
        .await
        .expect("git answers");
    files.sort();
    assert_eq!(
        files,
        [PathBuf::from(".gitignore"), PathBuf::from("new file\n.txt")]
    );
    assert_eq!(
        repository
            .changes(Some(home.path()))
            .await
            .expect("git answers"),
        [PathBuf::from("new file\n.txt")]
    );
}

#[tokio::test]
async fn no_repository_and_no_commit_are_answers() {
    let empty = directory();
    assert!(find(empty.path()).await.is_none());
    git(empty.path(), &["init", "-q", "-b", "main"]);
    let head = find(empty.path())
        .await
        .expect("a repository")
        .head()
        .await
        .expect("git answers");
    assert_eq!(
        (
            head.commit,
            head.branch.map(|branch| branch.short().to_owned())
        ),
        (None, Some("main".to_owned()))
    );
}
