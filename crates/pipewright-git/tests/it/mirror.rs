//! Mirrors: fetching only what is new, reading, and what goes wrong.

use std::net::TcpListener;
use std::path::Path;

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::CloneCredential;
use pipewright_core::{RefName, Secret};
use pipewright_git::{Git, GitError, GitOptions};

use pipewright_git::testing::{Origin, git, mirrors};

#[tokio::test]
async fn only_what_is_new_is_fetched_and_what_is_there_needs_no_network() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let first = origin.push("main", "a.txt", "one");
    let store = mirrors(&directory);
    let cold = store
        .ensure(&origin.checkout("main", &first))
        .await
        .expect("it is there");
    assert!(
        (cold.warm, cold.fetched, cold.new_objects) == (false, true, 3),
        "{cold:?}"
    );
    let second = origin.push("main", "b.txt", "two");
    let warm = store
        .ensure(&origin.checkout("main", &second))
        .await
        .expect("it is there");
    assert!(
        (warm.warm, warm.fetched, warm.new_objects) == (true, true, 3),
        "{warm:?}"
    );
    std::fs::rename(origin.bare(), origin.directory.path().join("gone")).expect("renamed");
    for commit in [&first, &second] {
        let known = store
            .ensure(&origin.checkout("main", commit))
            .await
            .expect("it needs no network");
        assert!(known.warm && !known.fetched, "{known:?}");
    }
    // A new process has no memory, but the objects are there.
    let again = mirrors(&directory)
        .ensure(&origin.checkout("main", &first))
        .await
        .expect("it needs no network");
    assert!(again.warm && !again.fetched, "{again:?}");
}

#[tokio::test]
async fn files_commits_tags_and_changes_are_read() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let old = origin.push("main", "bitbucket-pipelines.yml", "pipelines: {}\n");
    let new = origin.push("main", "größe/b c.txt", "two");
    git(&origin.work(), &["tag", "-a", "v1", "-m", "first"]);
    git(&origin.work(), &["push", "-q", "origin", "v1"]);
    let store = mirrors(&directory);
    let checkout = origin.checkout("main", &new);
    let repository = checkout.repository;
    store.ensure(&checkout).await.expect("it is there");

    let file = store
        .show_file(repository, &new, "bitbucket-pipelines.yml", 1000)
        .await
        .expect("readable");
    assert_eq!(file.as_deref(), Some(&b"pipelines: {}\n"[..]));
    for missing in ["none.yml", "größe", "-x", "--help", "a\nb", "", "../x"] {
        assert_eq!(
            store
                .show_file(repository, &new, missing, 1000)
                .await
                .expect("no error"),
            None,
            "{missing:?}"
        );
    }
    let error = store
        .show_file(repository, &new, "bitbucket-pipelines.yml", 5)
        .await
        .expect_err("too large");
    assert!(
        matches!(error, GitError::TooLarge { limit: 5, .. }),
        "{error}"
    );
    let nowhere = "1".repeat(40).parse().expect("a hash");
    let error = store
        .show_file(repository, &nowhere, "x", 5)
        .await
        .expect_err("no such commit");
    assert!(matches!(error, GitError::NotInMirror { .. }), "{error}");

    let info = store.commit_info(repository, &new).await.expect("readable");
    assert_eq!(
        (info.author_name.as_str(), info.author_email.as_str()),
        ("Mia Ünal", "mia@example.com")
    );
    assert_eq!(info.message, "Write größe/b c.txt\n\nWith a body.");
    assert_eq!(info.parents, std::slice::from_ref(&old));

    // T12: Data Center names the tag object.
    let tag_object = git(&origin.work(), &["rev-parse", "v1"])
        .parse()
        .expect("a hash");
    assert_ne!(tag_object, new);
    let mut tag = origin.checkout("main", &tag_object);
    tag.ref_name = RefName::tag("v1").expect("a tag name");
    store.ensure(&tag).await.expect("tag objects are there too");
    assert_eq!(
        store
            .peel(repository, &tag_object)
            .await
            .expect("an annotated tag"),
        new
    );
    assert_eq!(store.peel(repository, &new).await.expect("a commit"), new);
}

#[tokio::test]
async fn a_commit_that_was_forced_away_is_named_with_its_ref() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    origin.push("main", "a.txt", "one");
    let store = mirrors(&directory);
    let lost = origin.push("main", "b.txt", "two");
    git(&origin.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    let kept = origin.push("main", "c.txt", "three");
    let error = store
        .ensure(&origin.checkout("main", &lost))
        .await
        .expect_err("it is gone");
    let sentence = error.to_string();
    assert!(
        matches!(error, GitError::CommitNotFound { .. }),
        "{sentence}"
    );
    assert!(
        sentence.contains(lost.as_str()) && sentence.contains("branch main"),
        "{sentence}"
    );
    // The branch itself is gone.
    let error = store
        .ensure(&origin.checkout("feature/x", &lost))
        .await
        .expect_err("it is gone");
    assert!(matches!(error, GitError::CommitNotFound { .. }), "{error}");
    store
        .ensure(&origin.checkout("main", &kept))
        .await
        .expect("the mirror is as good as before");
}

#[tokio::test]
async fn a_tag_that_git_refuses_stands_in_no_builds_way_but_its_own() {
    let origin = Origin::new();
    let directory = tempfile::tempdir().expect("a directory");
    let mirrors = mirrors(&directory);
    let first = origin.push("main", "a.txt", "one");
    let tree = git(&origin.bare(), &["rev-parse", &format!("{first}^{{tree}}")]);
    let broken = directory.path().join("commit");
    std::fs::write(
        &broken,
        format!("tree {}\nauthor nobody\n\nodd\n", tree.trim()),
    )
    .expect("writes");
    let odd = git(
        &origin.bare(),
        &[
            "hash-object",
            "-t",
            "commit",
            "-w",
            "--literally",
            broken.to_str().expect("a path"),
        ],
    );
    git(&origin.bare(), &["update-ref", "refs/tags/odd", odd.trim()]);
    git(&origin.bare(), &["tag", "good", first.as_str()]);
    mirrors
        .ensure(&origin.checkout("main", &first))
        .await
        .expect("the wanted branch comes by itself");
    let second = origin.push("main", "a.txt", "two");
    mirrors
        .ensure(&origin.checkout("main", &second))
        .await
        .expect("and the next commit too");
    let tag = pipewright_core::wire::Checkout {
        ref_name: "refs/tags/odd".parse().expect("a tag"),
        commit: odd.trim().parse().expect("a commit"),
        ..origin.checkout("main", &first)
    };
    let refused = mirrors.ensure(&tag).await.expect_err("git refuses it");
    assert!(matches!(refused, GitError::BadObject { .. }), "{refused}");
    assert!(!refused.is_transient());
}

#[tokio::test]
async fn names_that_collide_as_directory_and_file_are_fetched() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let store = mirrors(&directory);
    for kind in ["heads", "tags"] {
        let one = origin.push("main", "a.txt", kind);
        git(
            &origin.work(),
            &["push", "-q", "origin", &format!("HEAD:refs/{kind}/a")],
        );
        store
            .ensure(&origin.checkout("main", &one))
            .await
            .expect("it is there");
        git(
            &origin.work(),
            &[
                "push",
                "-q",
                "origin",
                "--delete",
                &format!("refs/{kind}/a"),
            ],
        );
        git(
            &origin.work(),
            &["commit", "-q", "--allow-empty", "-m", "next"],
        );
        git(
            &origin.work(),
            &["push", "-q", "origin", &format!("HEAD:refs/{kind}/a/b")],
        );
        let mut checkout = origin.checkout("main", &origin.head());
        checkout.ref_name = format!("refs/{kind}/a/b").parse().expect("a name");
        store.ensure(&checkout).await.expect("a/b after a");
    }
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let first = origin.push("main", "a.txt", "one");
    let checkout = origin.checkout("main", &first);
    mirrors(&directory)
        .ensure(&checkout)
        .await
        .expect("it is there");
    // As after a power cut: files are there and empty. And as after a kill: a lock is left.
    let store = mirrors(&directory);
    let path = store.path(checkout.repository);
    for entry in std::fs::read_dir(path.join("objects/pack"))
        .expect("packs")
        .flatten()
    {
        std::fs::write(entry.path(), "").expect("emptied");
    }
    std::fs::write(path.join("packed-refs.lock"), "").expect("a lock");
    let ensured = store.ensure(&checkout).await;
    assert!(
        ensured.is_ok_and(|ensured| ensured.fetched),
        "the mirror heals"
    );
    assert!(
        store
            .show_file(checkout.repository, &first, "a.txt", 10)
            .await
            .expect("readable")
            .is_some()
    );
}

#[tokio::test]
async fn a_fetch_that_was_ended_half_way_blocks_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let (origin, store) = (Origin::new(), mirrors(&directory));
    // Accepts and says nothing: the fetch hangs until it is dropped.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let commit = origin.push("main", "a.txt", "one");
    let good = origin.checkout("main", &commit);
    store.ensure(&good).await.expect("it is there");
    let next = origin.push("main", "a.txt", "two");
    let mut hanging = origin.checkout("main", &next);
    hanging.url = format!("http://{}/x.git", silent.local_addr().expect("an address"));
    let accepted =
        tokio::task::spawn_blocking(move || silent.accept().map(|(stream, _)| (stream, silent)));
    tokio::select! {
        ensured = store.ensure(&hanging) => panic!("nobody answers: {ensured:?}"),
        caller = accepted => drop(caller.expect("no panic").expect("a caller")),
    }
    for lock in [
        "packed-refs.lock",
        "shallow.lock",
        "objects/pack/tmp_pack_abc",
    ] {
        std::fs::write(store.path(good.repository).join(lock), "").expect("a file");
    }
    store
        .ensure(&origin.checkout("main", &next))
        .await
        .expect("the locks are gone");
    assert!(
        !store
            .path(good.repository)
            .join("objects/pack/tmp_pack_abc")
            .exists()
    );
}

#[tokio::test]
async fn many_fetches_are_tidied() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let store = mirrors(&directory);
    let mut last = origin.push("main", "a.txt", "0");
    for round in 1..=55 {
        store
            .ensure(&origin.checkout("main", &last))
            .await
            .expect("it is there");
        last = origin.push("main", "a.txt", &round.to_string());
    }
    let packs = || {
        let entries = std::fs::read_dir(
            store
                .path(origin.checkout("main", &last).repository)
                .join("objects/pack"),
        )
        .expect("packs");
        entries
            .flatten()
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "pack")
            })
            .count()
    };
    let deadline = std::time::Instant::now() + crate::PATIENCE;
    while packs() > 20 {
        assert!(
            std::time::Instant::now() < deadline,
            "{} packs are still there",
            packs()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn remote_refs_are_listed_with_tags_peeled() {
    let origin = Origin::new();
    let git_program = Git::new(
        GitOptions {
            allow_file: true,
            ..GitOptions::default()
        },
        Path::new("/tmp"),
    )
    .expect("a runtime directory");
    let url = format!("file://{}", origin.bare().display());
    let empty = git_program
        .list_remote_refs(&url, &CloneCredential::None)
        .await
        .expect("an empty repository has no refs");
    assert!(empty.refs.is_empty());
    let head = origin.push("main", "a.txt", "one");
    git(&origin.work(), &["tag", "-a", "v1", "-m", "first"]);
    git(
        &origin.work(),
        &[
            "push",
            "-q",
            "origin",
            "v1",
            "HEAD:refs/heads/größe/$(x)",
            "HEAD:refs/pull-requests/1/from",
        ],
    );
    let refs = git_program
        .list_remote_refs(&url, &CloneCredential::None)
        .await
        .expect("refs")
        .refs;
    let shown: Vec<_> = refs
        .iter()
        .map(|(name, commit)| (name.full(), commit))
        .collect();
    assert_eq!(
        shown,
        [
            ("refs/heads/größe/$(x)", &head),
            ("refs/heads/main", &head),
            ("refs/tags/v1", &head)
        ]
    );
}

#[tokio::test]
async fn protocols_outside_the_list_are_refused() {
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let commit = origin.push("main", "a.txt", "one");
    let store = pipewright_git::testing::mirrors_with(&directory, GitOptions::default());
    assert!(
        store
            .ensure(&origin.checkout("main", &commit))
            .await
            .is_err(),
        "file:// is for tests only"
    );
    let mut checkout = origin.checkout("main", &commit);
    for url in [
        "ext::sh -c touch% /tmp/x",
        "git://127.0.0.1/x",
        "-upload-pack=x",
        "https://user:secret@127.0.0.1/x.git",
    ] {
        url.clone_into(&mut checkout.url);
        let error = store.ensure(&checkout).await.expect_err("refused");
        assert!(
            matches!(error, GitError::Url(_)) && !error.to_string().contains("secret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_http_remote_is_sent_the_header_and_nobody_else_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, elsewhere) = (
        listener.local_addr().expect("an address"),
        other.local_addr().expect("an address"),
    );
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).expect("a request");
        let _ = write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/x.git/info/refs?service=git-upload-pack\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let store = mirrors(&directory);
    let origin = Origin::new();
    let commit = "1".repeat(40).parse().expect("a hash");
    let credential = CloneCredential::Header {
        value: Secret::new("Bearer tok-1234567"),
    };
    let checkout = origin.checkout_by(
        format!("http://{address}/x.git"),
        credential,
        "main",
        &commit,
    );
    let error = store
        .ensure(&checkout)
        .await
        .expect_err("a redirect is not followed");
    assert!(!error.to_string().contains("tok-1234567"), "{error}");
    assert!(
        server
            .join()
            .expect("served")
            .contains("Authorization: Bearer tok-1234567")
    );
    other.set_nonblocking(true).expect("a socket");
    assert!(other.accept().is_err(), "nobody called the other host");
}

#[tokio::test]
async fn unreachable_hosts_are_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = mirrors(&directory);
    let origin = Origin::new();
    let commit = "1".repeat(40).parse().expect("a hash");
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let error = store
        .ensure(&origin.checkout_by(
            format!("http://{closed}/x.git"),
            CloneCredential::None,
            "main",
            &commit,
        ))
        .await;
    assert!(
        matches!(error, Err(GitError::ConnectionRefused { .. })),
        "{error:?}"
    );
    let error = store
        .ensure(&origin.checkout_by(
            "http://no-such-host.invalid/x.git".to_owned(),
            CloneCredential::None,
            "main",
            &commit,
        ))
        .await;
    assert!(
        matches!(error, Err(GitError::HostUnknown { .. })),
        "{error:?}"
    );
    let gone = format!("file://{}/none.git", origin.directory.path().display());
    let error = store
        .ensure(&origin.checkout_by(gone, CloneCredential::None, "main", &commit))
        .await;
    assert!(
        matches!(error, Err(GitError::RepositoryNotFound { .. })),
        "{error:?}"
    );
    store
        .remove(RepositoryId::new())
        .await
        .expect("removing nothing is fine");
}
