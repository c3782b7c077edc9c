//! Keys, checks and kept connections against a real OpenSSH server.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use pipewright_core::wire::CloneCredential;
use pipewright_git::ssh::{HostKeys, KeyCheck, SshKeyPair, SshTarget};
use pipewright_git::{Git, GitError, GitOptions};

use crate::sshd::Sshd;
use pipewright_git::testing::{Origin, mirrors};

fn program() -> Git {
    let options = GitOptions {
        connect_timeout: Duration::from_secs(3),
        ..GitOptions::default()
    };
    Git::new(options, Path::new("/tmp")).expect("a runtime directory")
}

fn key() -> SshKeyPair {
    SshKeyPair::generate("pipewright: test").expect("a key")
}

fn at(host: &str, port: u16) -> SshTarget {
    SshTarget {
        user: "git".to_owned(),
        host: host.to_owned(),
        port,
    }
}

#[tokio::test]
async fn a_key_is_not_added_then_accepted_and_the_host_is_pinned() {
    let Some(mut server) = Sshd::start() else {
        return;
    };
    let (git, key, target) = (program(), key(), server.target());
    let found = git
        .ssh()
        .check(&target, &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::NotAdded {
        host_keys: first,
        fingerprint: Some(shown),
    } = found
    else {
        panic!("{found:?}")
    };
    assert_eq!(first.fingerprints(), [shown]);

    server.admit(&key);
    let found = git
        .ssh()
        .check(&target, &key.private_key, Some(&first.text()))
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = &found else {
        panic!("{found:?}")
    };
    assert_eq!(*host_keys, first);

    // What is pinned is of another name or kind: that is no first contact, and nothing new is trusted.
    let elsewhere = first.text().replace("127.0.0.1", "127.0.0.2");
    let found = git
        .ssh()
        .check(&target, &key.private_key, Some(&elsewhere))
        .await
        .expect("asked");
    assert!(
        matches!(found, KeyCheck::HostKeyChanged { .. }),
        "{found:?}"
    );

    server.restart(true);
    let found = git
        .ssh()
        .check(&target, &key.private_key, Some(&first.text()))
        .await
        .expect("asked");
    let KeyCheck::HostKeyChanged {
        expected: Some(expected),
        got: Some(got),
    } = found
    else {
        panic!("{found:?}")
    };
    assert!(
        first.fingerprints() == [expected.clone()] && got != expected,
        "{expected} {got}"
    );
}

#[tokio::test]
async fn hosts_that_are_not_ours_are_told_apart() {
    let (git, key) = (program(), key());
    let check = async |target: SshTarget| {
        git.ssh()
            .check(&target, &key.private_key, None)
            .await
            .expect("asked")
    };
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    assert_eq!(check(at("127.0.0.1", closed)).await, KeyCheck::Refused);
    assert_eq!(
        check(at("no-such-host.invalid", 22)).await,
        KeyCheck::UnknownHost
    );
    for hostile in ["-oProxyCommand=touch /tmp/x", "a b", "", "a;b"] {
        assert_eq!(
            check(at(hostile, 22)).await,
            KeyCheck::UnknownHost,
            "{hostile:?}"
        );
    }
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = web.local_addr().expect("an address").port();
    let served = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = web.accept().expect("a caller");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    assert_eq!(check(at("127.0.0.1", port)).await, KeyCheck::NotSsh);
    served.join().expect("served");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let found = check(at(
        "127.0.0.1",
        silent.local_addr().expect("an address").port(),
    ))
    .await;
    assert!(
        matches!(found, KeyCheck::NotSsh | KeyCheck::Timeout),
        "{found:?}"
    );
}

#[tokio::test]
async fn one_connection_serves_many_fetches_and_survives_its_loss() {
    let Some(mut server) = Sshd::start() else {
        return;
    };
    let (origin, directory, key) = (
        Origin::new(),
        tempfile::tempdir().expect("a directory"),
        key(),
    );
    server.admit(&key);
    let store = mirrors(&directory);
    let found = store
        .git()
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let before = server.handshakes();
    let credential = CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: host_keys.text(),
    };
    let url = server.url(&origin.bare());
    let by_ssh = |commit: &pipewright_core::CommitHash| {
        origin.checkout_by(url.clone(), credential.clone(), "main", commit)
    };
    for round in 0..3 {
        let commit = origin.push("main", "a.txt", &round.to_string());
        let ensured = store.ensure(&by_ssh(&commit)).await.expect("fetched");
        assert!(ensured.fetched);
    }
    assert_eq!(
        store
            .git()
            .list_remote_refs(&url, &credential)
            .await
            .expect("refs")
            .refs
            .len(),
        1
    );
    assert_eq!(server.handshakes() - before, 1, "one handshake");

    // The server goes and comes back: the kept connection is dead, and nobody notices.
    server.restart(false);
    let commit = origin.push("main", "a.txt", "after");
    store
        .ensure(&by_ssh(&commit))
        .await
        .expect("fetched over a new connection");
    assert_eq!(server.handshakes(), 1);

    // It breaks in the middle of a fetch: once more over a new connection.
    server.drop_next_command();
    let commit = origin.push("main", "a.txt", "broken");
    store
        .ensure(&by_ssh(&commit))
        .await
        .expect("fetched over a new connection");
    assert_eq!(server.handshakes(), 2);

    // The key is removed here: its connection is closed, the next use makes another.
    store.git().ssh().close_key(&key.fingerprint).await;
    assert_eq!(store.git().ssh().count(), 0);
    let commit = origin.push("main", "a.txt", "again");
    store.ensure(&by_ssh(&commit)).await.expect("fetched");
    assert_eq!(server.handshakes(), 3);
}

#[tokio::test]
async fn a_burst_of_fetches_makes_one_handshake() {
    let Some(server) = Sshd::start() else { return };
    let (directory, key) = (tempfile::tempdir().expect("a directory"), key());
    server.admit(&key);
    let store = mirrors(&directory);
    let found = store
        .git()
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let before = server.handshakes();
    let origins: Vec<_> = (0..4).map(|_| Origin::new()).collect();
    let mut fetches = tokio::task::JoinSet::new();
    for origin in &origins {
        let credential = CloneCredential::Ssh {
            private_key: key.private_key.clone(),
            known_hosts: host_keys.text(),
        };
        let commit = origin.push("main", "a.txt", "one");
        let (store, checkout) = (
            store.clone(),
            origin.checkout_by(server.url(&origin.bare()), credential, "main", &commit),
        );
        fetches.spawn(async move { store.ensure(&checkout).await.map(|ensured| ensured.fetched) });
    }
    for fetched in fetches.join_all().await {
        assert!(fetched.expect("fetched"));
    }
    assert_eq!(server.handshakes() - before, 1, "one handshake");
}

#[tokio::test]
async fn a_clone_says_why_the_server_refuses() {
    let Some(mut server) = Sshd::start() else {
        return;
    };
    let (origin, directory, key) = (
        Origin::new(),
        tempfile::tempdir().expect("a directory"),
        key(),
    );
    let store = mirrors(&directory);
    let found = store
        .git()
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::NotAdded { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let commit = origin.push("main", "a.txt", "one");
    let base = server.url(Path::new(""));
    let clone = async |known_hosts: String, path: &Path| {
        let credential = CloneCredential::Ssh {
            private_key: key.private_key.clone(),
            known_hosts,
        };
        store
            .ensure(&origin.checkout_by(
                format!("{base}{}", path.display()),
                credential,
                "main",
                &commit,
            ))
            .await
            .expect_err("refused")
    };
    let error = clone(host_keys.text(), &origin.bare()).await;
    assert!(
        matches!(error, GitError::PermissionDenied { .. })
            && error
                .to_string()
                .contains("does not accept this SSH key yet"),
        "{error}"
    );
    server.admit(&key);
    let error = clone(host_keys.text(), Path::new("/none.git")).await;
    assert!(
        matches!(error, GitError::RepositoryNotFound { .. }),
        "{error}"
    );
    // Nothing pinned is refused too: trust on first use is the check's business.
    let error = clone(String::new(), &origin.bare()).await;
    assert!(
        matches!(error, GitError::HostKeyChanged { expected: None, .. }),
        "{error}"
    );
    store.git().ssh().close_all().await;
    server.restart(true);
    let error = clone(host_keys.text(), &origin.bare()).await;
    let GitError::HostKeyChanged { expected, got, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        *expected == HostKeys::parse(&host_keys.text()).fingerprints().pop() && got.is_some(),
        "{error}"
    );
}

#[tokio::test]
async fn an_idle_connection_ends_by_itself_also_when_its_server_was_killed() {
    let Some(server) = Sshd::start() else { return };
    let (runtime, key) = (
        tempfile::Builder::new()
            .prefix("pwt")
            .tempdir_in("/tmp")
            .expect("a directory"),
        key(),
    );
    server.admit(&key);
    // What a killed process left: a directory with its number, which nobody has.
    let left = runtime.path().join("pw4194399-abc");
    std::fs::create_dir(&left).expect("a directory");
    let git = Git::new(
        GitOptions {
            ssh_keep: Duration::from_secs(1),
            ..GitOptions::default()
        },
        runtime.path(),
    )
    .expect("a runtime directory");
    assert!(!left.exists());
    let found = git
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let credential = CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: host_keys.text(),
    };
    let origin = Origin::new();
    origin.push("main", "a.txt", "one");
    git.list_remote_refs(&server.url(&origin.bare()), &credential)
        .await
        .expect("refs");
    let private = std::fs::read_dir(runtime.path())
        .expect("a directory")
        .flatten()
        .next()
        .expect("ours")
        .path();
    let open = || {
        std::fs::read_dir(&private)
            .expect("a directory")
            .flatten()
            .any(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "ctl")
            })
    };
    assert!(open(), "the connection is kept");
    let begin = std::time::Instant::now();
    while open() {
        assert!(begin.elapsed() < crate::PATIENCE, "it stays for ever");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_private_key_is_in_no_file_and_nothing_stays_behind() {
    let Some(server) = Sshd::start() else { return };
    let (runtime, key) = (
        tempfile::Builder::new()
            .prefix("pwt")
            .tempdir_in("/tmp")
            .expect("a directory"),
        key(),
    );
    server.admit(&key);
    let git = Git::new(GitOptions::default(), runtime.path()).expect("a runtime directory");
    let found = git
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let credential = CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: host_keys.text(),
    };
    let _ = git
        .list_remote_refs(&server.url(Path::new("/none.git")), &credential)
        .await;
    let mut directories = vec![runtime.path().to_owned()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() {
                seen += 1;
                let text = std::fs::read_to_string(entry.path()).expect("text");
                assert!(
                    !text.contains("PRIVATE"),
                    "{} holds the key",
                    entry.path().display()
                );
            }
        }
    }
    assert!(seen >= 2, "the public key and the pinned host are files");
    drop(git);
    assert_eq!(
        std::fs::read_dir(runtime.path())
            .expect("a directory")
            .count(),
        0
    );
}
