//! Which files changed, of pushes as people make them.

use std::os::unix::ffi::OsStrExt as _;

use pipewright_core::{CommitHash, RefName};
use pipewright_git::{
    Compared, Git, GitOptions, LocalRepository, MAX_COMMITS, MAX_FILES, MirrorStore, with_more,
};
use tempfile::TempDir;

use pipewright_git::testing::{Origin, git, mirrors};

/// A repository and its mirror.
struct Scene {
    origin: Origin,
    _directory: TempDir,
    store: MirrorStore,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            origin: Origin::new(),
            store: mirrors(&directory),
            _directory: directory,
        }
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.origin.work(), arguments)
    }

    /// What changed at the tip of `main`.
    async fn changed(&self, compared: Compared) -> Option<Vec<String>> {
        let head = self.origin.head();
        let checkout = self.origin.checkout("main", &head);
        self.store.ensure(&checkout).await.expect("it is there");
        self.store
            .changed_files(checkout.repository, &head, &compared)
            .await
    }

    async fn expect(&self, compared: Compared, files: &[&str]) {
        assert_eq!(
            self.changed(compared).await.as_deref(),
            Some(
                &files
                    .iter()
                    .map(|file| (*file).to_owned())
                    .collect::<Vec<_>>()[..]
            )
        );
    }

    fn nowhere() -> CommitHash {
        "1".repeat(40).parse().expect("a hash")
    }
}

#[tokio::test]
async fn a_push_changes_the_files_of_all_its_commits() {
    let scene = Scene::new();
    let before = scene.origin.push("main", "a.txt", "one");
    scene.expect(Compared::LastCommit, &["a.txt"]).await;
    scene.origin.push("main", "src/größe b.rs", "two");
    scene.origin.push("main", "c.txt", "three");
    scene.expect(Compared::LastCommit, &["c.txt"]).await;
    scene
        .expect(
            Compared::Since(before.clone()),
            &["c.txt", "src/größe b.rs"],
        )
        .await;
    // Moved back: nothing is new but the last commit is built.
    let head = scene.origin.head();
    scene.git(&["reset", "-q", "--hard", before.as_str()]);
    scene.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    scene.expect(Compared::Since(head), &["a.txt"]).await;
}

#[tokio::test]
async fn where_it_is_not_known_where_the_branch_stood_the_last_commit_counts() {
    let scene = Scene::new();
    scene.origin.push("main", "a.txt", "one");
    scene.origin.push("main", "b.txt", "two");
    scene
        .expect(Compared::Since(Scene::nowhere()), &["b.txt"])
        .await;
    assert_eq!(
        scene.changed(Compared::Destination(Scene::nowhere())).await,
        None
    );
}

#[tokio::test]
async fn a_merge_changes_what_differs_from_its_first_parent_and_a_rename_both_names() {
    let scene = Scene::new();
    scene.origin.push("main", "a.txt", "one\ntwo\nthree\n");
    scene.git(&["checkout", "-q", "-b", "side"]);
    scene.origin.push("side", "side.txt", "x");
    scene.git(&["mv", "a.txt", "renamed.txt"]);
    scene.origin.push("side", "side.txt", "y");
    scene.git(&["checkout", "-q", "main"]);
    let before = scene.origin.push("main", "main.txt", "z");
    scene.git(&["merge", "-q", "--no-ff", "-m", "Merge", "side"]);
    scene.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    scene
        .expect(Compared::LastCommit, &["a.txt", "renamed.txt", "side.txt"])
        .await;
    scene
        .expect(
            Compared::Since(before),
            &["a.txt", "renamed.txt", "side.txt"],
        )
        .await;
}

#[tokio::test]
async fn a_pull_request_changes_what_differs_from_where_it_left_its_destination() {
    let scene = Scene::new();
    scene.origin.push("main", "a.txt", "one");
    scene.git(&["checkout", "-q", "-b", "feature"]);
    scene.origin.push("feature", "one.txt", "x");
    scene.origin.push("feature", "two.txt", "x");
    let source = scene.origin.head();
    scene.git(&["checkout", "-q", "main"]);
    let destination = scene.origin.push("main", "elsewhere.txt", "y");
    let checkout = scene.origin.checkout("feature", &source);
    scene.store.ensure(&checkout).await.expect("it is there");
    let prefix = &destination.as_str()[..12];
    assert_eq!(
        scene
            .store
            .commit_of_prefix(checkout.repository, prefix)
            .await
            .expect("reads"),
        None,
        "it was not fetched"
    );
    let main = RefName::branch("main").expect("a branch");
    assert_eq!(
        scene.store.tip(&checkout, &main).await.expect("fetches"),
        destination
    );
    assert_eq!(
        scene
            .store
            .commit_of_prefix(checkout.repository, prefix)
            .await
            .expect("reads"),
        Some(destination.clone())
    );
    let upper = prefix.to_ascii_uppercase();
    assert_eq!(
        scene
            .store
            .commit_of_prefix(checkout.repository, &upper)
            .await
            .expect("reads"),
        Some(destination.clone())
    );
    // Whoever may push a tag may not say by its name what is compared with.
    scene.git(&[
        "push",
        "-q",
        "origin",
        &format!("{source}:refs/tags/{prefix}"),
    ]);
    scene
        .store
        .tip(&checkout, &RefName::tag(prefix).expect("a tag"))
        .await
        .expect("fetches");
    let found = scene
        .store
        .commit_of_prefix(checkout.repository, prefix)
        .await
        .expect("reads");
    assert!(
        found.is_none_or(|commit| commit == destination),
        "a tag stands for the commit"
    );
    for hostile in ["--all", "HEAD", "main", "", "abc", "1234567^"] {
        assert_eq!(
            scene
                .store
                .commit_of_prefix(checkout.repository, hostile)
                .await
                .expect("reads"),
            None,
            "{hostile:?}"
        );
    }
    let changed = scene
        .store
        .changed_files(
            checkout.repository,
            &source,
            &Compared::Destination(destination),
        )
        .await;
    assert_eq!(
        changed.as_deref(),
        Some(&["one.txt".to_owned(), "two.txt".to_owned()][..])
    );
    // Two histories without a common commit.
    scene.git(&["checkout", "-q", "--orphan", "apart"]);
    let apart = scene.origin.push("apart", "apart.txt", "z");
    scene
        .store
        .tip(&checkout, &RefName::branch("apart").expect("a branch"))
        .await
        .expect("fetches");
    assert_eq!(
        scene
            .store
            .changed_files(checkout.repository, &source, &Compared::Destination(apart))
            .await,
        None
    );
    assert!(
        scene
            .store
            .tip(&checkout, &RefName::branch("gone").expect("a branch"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn hostile_names_stay_names() {
    let scene = Scene::new();
    scene.origin.push("main", "a.txt", "one");
    for name in [&b"-x"[..], b"a\nb", b"\xff\xfe", b"a \"b\"\t$(c)"] {
        std::fs::write(
            scene.origin.work().join(std::ffi::OsStr::from_bytes(name)),
            "x",
        )
        .expect("a file");
    }
    scene.origin.push("main", "z.txt", "last");
    scene
        .expect(
            Compared::LastCommit,
            &["-x", "a\nb", "a \"b\"\t$(c)", "z.txt", "\u{fffd}\u{fffd}"],
        )
        .await;
}

#[tokio::test]
async fn beyond_the_limits_it_is_not_known() {
    let scene = Scene::new();
    let before = scene.origin.push("main", "a.txt", "one");
    // As many commits as are looked at, and one more, made by one command.
    let mut stream = String::new();
    for number in 0..=MAX_COMMITS {
        let from = if number == 0 {
            format!("from {before}\n")
        } else {
            String::new()
        };
        let commit = format!(
            "commit refs/heads/main\ncommitter C <c@example.com> {number} +0000\ndata 1\nx\n{from}\n"
        );
        stream.push_str(&commit);
    }
    import(&scene, &stream);
    assert_eq!(scene.changed(Compared::Since(before.clone())).await, None);
    scene.git(&["reset", "-q", "--hard", "HEAD~1"]);
    scene.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    assert_eq!(
        scene.changed(Compared::Since(before)).await,
        Some(Vec::new()),
        "the commits changed nothing"
    );
    let mut stream =
        "commit refs/heads/main\ncommitter C <c@example.com> 1 +0000\ndata 1\nx\ndeleteall\n"
            .to_owned();
    for number in 0..=MAX_FILES {
        stream.extend(["M 100644 inline f", &number.to_string(), "\ndata 1\nx\n"]);
    }
    import(&scene, &stream);
    assert_eq!(
        scene.changed(Compared::LastCommit).await,
        None,
        "too many files"
    );
    assert_eq!(
        with_more(Some(vec!["b".to_owned()]), ["a".to_owned(), "b".to_owned()]),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(with_more(None, ["a".to_owned()]), None);
}

fn import(scene: &Scene, stream: &str) {
    let file = scene.origin.directory.path().join("stream");
    std::fs::write(&file, stream).expect("a file");
    let read = std::fs::File::open(&file).expect("a file");
    let mut command = std::process::Command::new("git");
    let ended = command
        .current_dir(scene.origin.work())
        .args(["fast-import", "--quiet", "--force"])
        .stdin(read)
        .status();
    assert!(ended.expect("git runs").success());
    scene.git(&["push", "-q", "--force", "origin", "refs/heads/main"]);
}

#[tokio::test]
async fn a_checkout_knows_its_changes_too() {
    let origin = Origin::new();
    let before = origin.push("main", "a.txt", "one");
    let commit = origin.push("main", "b.txt", "two");
    let program =
        Git::new(GitOptions::default(), std::path::Path::new("/tmp")).expect("a runtime directory");
    let repository = LocalRepository::find(program, &origin.work())
        .await
        .expect("git answers")
        .expect("a repository");
    let changed = repository
        .changed_files(&commit, &Compared::Since(before))
        .await;
    assert_eq!(changed.as_deref(), Some(&["b.txt".to_owned()][..]));
    std::fs::create_dir(origin.work().join("new")).expect("a directory");
    std::fs::write(origin.work().join("new/c.txt"), "three").expect("a file");
    let dirty = repository.all_changes(None).await.expect("git answers");
    assert_eq!(dirty, [std::path::Path::new("new/c.txt")]);
}
