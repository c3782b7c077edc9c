//! Mirrors and keys against the simulated Bitbucket Cloud and Data Center, over HTTP and SSH.

use std::sync::Arc;

use base64::Engine as _;
use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::{Checkout, CloneCredential};
use pipewright_core::{CommitHash, RefName, Secret};
use pipewright_git::ssh::{HostKeys, KeyCheck, SshKeyPair, SshTarget};
use pipewright_git::{CheckoutTarget, GitError, MirrorStore};
use pipewright_simulator::{Simulator, SimulatorOptions};

use pipewright_git::testing::{git, mirrors};

/// The sample team's password.
const PASSWORD: &str = "harbour-light";

async fn sample() -> Simulator {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("it starts");
    simulator.sample_team().await.expect("a team");
    simulator
}

fn basic(user: &str, password: &str) -> CloneCredential {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    CloneCredential::Header {
        value: Secret::new(format!("Basic {pair}")),
    }
}

fn checkout(url: &str, credential: &CloneCredential, branch: &str, commit: &str) -> Checkout {
    Checkout {
        repository: RepositoryId::new(),
        url: url.to_owned(),
        credential: credential.clone(),
        ref_name: RefName::branch(branch).expect("a branch name"),
        commit: commit.parse().expect("a commit"),
        merge: None,
    }
}

#[tokio::test]
async fn data_center_over_http_with_a_password() {
    let (simulator, directory) = (sample().await, tempfile::tempdir().expect("a directory"));
    let (store, url) = (
        mirrors(&directory),
        format!("{}/scm/fin/ledger.git", simulator.datacenter_url()),
    );
    let head = simulator
        .datacenter()
        .head("FIN/ledger", "main")
        .await
        .expect("a repository")
        .expect("a commit");
    let right = checkout(&url, &basic("mara", PASSWORD), "main", &head);
    assert!(store.ensure(&right).await.expect("fetched").fetched);
    let file = store
        .show_file(
            right.repository,
            &right.commit,
            "bitbucket-pipelines.yml",
            1 << 20,
        )
        .await
        .expect("readable");
    assert!(file.is_some());
    let listed = store
        .git()
        .list_remote_refs(&url, &right.credential)
        .await
        .expect("refs");
    assert!(
        listed
            .refs
            .contains(&(right.ref_name.clone(), right.commit.clone())),
        "{listed:?}"
    );

    let wrong = checkout(&url, &basic("mara", "not-this-one"), "main", &head);
    let error = store.ensure(&wrong).await.expect_err("refused");
    assert!(
        matches!(error, GitError::AuthenticationFailed { .. })
            && !error.to_string().contains("not-this-one"),
        "{error}"
    );
    let none = checkout(
        &format!("{}/scm/fin/none.git", simulator.datacenter_url()),
        &right.credential,
        "main",
        &head,
    );
    let error = store.ensure(&none).await.expect_err("refused");
    assert!(
        matches!(error, GitError::RepositoryNotFound { .. }),
        "{error}"
    );
    simulator.shutdown().await;
}

async fn accepted(store: &MirrorStore, target: &SshTarget, key: &SshKeyPair) -> (HostKeys, String) {
    let found = store
        .git()
        .ssh()
        .check(target, &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted {
        host_keys, banner, ..
    } = found
    else {
        panic!("{found:?}")
    };
    (host_keys, banner)
}

#[tokio::test]
async fn cloud_and_data_center_over_ssh_from_the_first_check_to_a_changed_host_key() {
    let (simulator, directory) = (sample().await, tempfile::tempdir().expect("a directory"));
    let (store, key) = (
        mirrors(&directory),
        SshKeyPair::generate("pipewright").expect("a key"),
    );
    let products = [
        (
            Arc::clone(simulator.cloud()),
            simulator.cloud_ssh(),
            "harbor/checkout-api",
        ),
        (
            Arc::clone(simulator.datacenter()),
            simulator.datacenter_ssh(),
            "FIN/ledger",
        ),
    ];
    for (installation, (host, port), repository) in products {
        let target = SshTarget {
            user: "git".to_owned(),
            host: host.clone(),
            port,
        };
        let found = store
            .git()
            .ssh()
            .check(&target, &key.private_key, None)
            .await
            .expect("asked");
        assert!(matches!(found, KeyCheck::NotAdded { .. }), "{found:?}");
        let url = format!("ssh://git@{host}:{port}/{}.git", repository.to_lowercase());
        let head = installation
            .head(repository, "main")
            .await
            .expect("a repository")
            .expect("a commit");
        let unknown = CloneCredential::Ssh {
            private_key: key.private_key.clone(),
            known_hosts: match &found {
                KeyCheck::NotAdded { host_keys, .. } => host_keys.text(),
                _ => String::new(),
            },
        };
        let error = store
            .ensure(&checkout(&url, &unknown, "main", &head))
            .await
            .expect_err("the key is not added");
        assert!(
            matches!(error, GitError::PermissionDenied { .. }),
            "{error}"
        );

        installation
            .add_user_ssh_key("mara", &key.public_line, "pipewright")
            .expect("added");
        let (host_keys, _) = accepted(&store, &target, &key).await;
        let credential = CloneCredential::Ssh {
            private_key: key.private_key.clone(),
            known_hosts: host_keys.text(),
        };
        let wanted = checkout(&url, &credential, "main", &head);
        assert!(store.ensure(&wanted).await.expect("fetched").fetched);
        let work = directory.path().join(repository.replace('/', "-"));
        std::fs::create_dir(&work).expect("a directory");
        store
            .check_out(&wanted, CheckoutTarget::new(&work))
            .await
            .expect("checked out");
        assert_eq!(git(&work, &["rev-parse", "HEAD"]), head);

        let error = store
            .ensure(&checkout(
                &url.replace(".git", "-none.git"),
                &credential,
                "main",
                &head,
            ))
            .await
            .expect_err("no such repository");
        assert!(
            matches!(error, GitError::RepositoryNotFound { .. }),
            "{error}"
        );

        installation.change_ssh_host_key();
        let found = store
            .git()
            .ssh()
            .check(&target, &key.private_key, Some(&host_keys.text()))
            .await
            .expect("asked");
        assert!(
            matches!(&found, KeyCheck::HostKeyChanged { expected: Some(expected), got: Some(got) } if expected != got),
            "{found:?}"
        );
        store.git().ssh().close_host(&host, port).await;
        let next: CommitHash = installation
            .commit(repository, "main", &[("a.txt", "a")], "Add a", "mara")
            .await
            .expect("a commit")
            .parse()
            .expect("a hash");
        let error = store
            .ensure(&checkout(&url, &credential, "main", next.as_str()))
            .await
            .expect_err("the host is another");
        assert!(matches!(error, GitError::HostKeyChanged { .. }), "{error}");
    }
    simulator.shutdown().await;
}
