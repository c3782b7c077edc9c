//! A step with an application's SSH key, a real OpenSSH server and real git.

use pipewright_core::Secret;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::wire::{Assignment, StepSsh};
use pipewright_git::ssh::{HostKeys, KeyCheck, SshKeyPair};
use pipewright_git::testing::{Origin, git, mirrors};

use crate::runner::Bench;
use crate::support::dispatcher::assignment;
use crate::support::step;
use sshd::Sshd;

#[path = "../../../pipewright-git/tests/it/sshd.rs"]
#[expect(dead_code, reason = "the tests of git use more of it")]
mod sshd;

/// What the server shows, as a person confirmed it.
async fn host_keys(server: &Sshd) -> HostKeys {
    let directory = tempfile::tempdir().expect("a directory");
    let key = SshKeyPair::generate("nobody").expect("a key");
    let store = mirrors(&directory);
    let seen = store
        .git()
        .ssh()
        .check(&server.target(), &key.private_key, None)
        .await
        .expect("asks");
    match seen {
        KeyCheck::NotAdded { host_keys, .. } => host_keys,
        other => panic!("{other:?}"),
    }
}

fn given(script: &[&str], key: &SshKeyPair, hosts: &HostKeys) -> Assignment {
    let masked = [key.private_key.expose()];
    Assignment {
        ssh: StepSsh {
            private_key: Some(Secret::new(key.private_key.expose())),
            known_hosts: hosts.text(),
        },
        ..assignment(
            step(script, &[]),
            None,
            &[("PATH", "/usr/local/bin:/usr/bin:/bin")],
            &masked,
        )
    }
}

#[tokio::test]
async fn ssh_and_git_sign_in_with_the_applications_key_and_nothing_of_it_is_shown() {
    let Some(server) = Sshd::start() else {
        return;
    };
    let (origin, bench) = (Origin::new(), Bench::start(1));
    let commit = origin.push("main", "a.txt", "one");
    let key = SshKeyPair::generate("pipewright: shop").expect("a key");
    server.admit(&key);
    let hosts = host_keys(&server).await;
    let target = server.target();
    let ssh = format!(
        "ssh -p {} {}@{} echo signed in",
        target.port, target.user, target.host
    );
    let clone = format!(
        "git clone --quiet {} other && cat other/a.txt",
        server.url(&origin.bare())
    );
    let attempt = bench.dispatcher.give(given(
        &[
            &ssh,
            &clone,
            "git -C other tag built && git -C other push --quiet origin built",
            "echo mode $(stat -c %a $BITBUCKET_SSH_KEY_FILE) of $BITBUCKET_SSH_KEY_FILE",
            "if env | grep -q 'PRIVATE KEY'; then echo GOT'' the environment; fi",
            "if grep -q PRIVATE other/.git/config; then echo GOT'' the configuration; fi",
            "( : >> $BITBUCKET_SSH_KEY_FILE ) 2>/dev/null && echo GOT'' it written; true",
            "cat $BITBUCKET_SSH_KEY_FILE; base64 -w0 $BITBUCKET_SSH_KEY_FILE; echo",
            "getent passwd $(id -u) | cut -d: -f6; ls -a ~/.ssh",
        ],
        &key,
        &hosts,
    ));
    let (report, text) = bench.dispatcher.report(attempt).await;
    assert_eq!(report.outcome, AttemptOutcome::Passed, "{text}");
    for expected in [
        "signed in\n",
        "one",
        "mode 600 of /opt/atlassian/pipelines/agent/ssh/id_rsa\n",
        "/opt/atlassian/pipelines/agent/home\n",
        "known_hosts",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for line in key.private_key.expose().lines() {
        assert!(!text.contains(line), "masked line by line: {text}");
    }
    for shown in ["GOT ", "LS0tLS1CRUdJTi"] {
        assert!(!text.contains(shown), "{shown}: {text}");
    }
    let pushed = git(&origin.bare(), &["rev-parse", "refs/tags/built"]);
    assert_eq!(pushed.trim(), commit.as_str(), "pushed back");
    bench.end().await;
}

#[tokio::test]
async fn a_host_that_is_not_known_or_shows_another_key_is_refused() {
    let Some(mut server) = Sshd::start() else {
        return;
    };
    let bench = Bench::start(1);
    let key = SshKeyPair::generate("pipewright: shop").expect("a key");
    server.admit(&key);
    let hosts = host_keys(&server).await;
    server.restart(true);
    let target = server.target();
    let ssh = format!(
        "ssh -p {} {}@{} echo signed in",
        target.port, target.user, target.host
    );
    for hosts in [hosts, HostKeys::default()] {
        let attempt = bench.dispatcher.give(given(&[&ssh], &key, &hosts));
        let (report, text) = bench.dispatcher.report(attempt).await;
        assert_eq!(report.outcome, AttemptOutcome::Failed, "{text}");
        assert!(text.contains("Host key verification failed"), "{text}");
    }
    bench.end().await;
}
