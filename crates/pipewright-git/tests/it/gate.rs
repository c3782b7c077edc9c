//! git and ssh connect where the gate says, and nowhere else: the names here resolve to nothing by themselves.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use pipewright_core::Secret;
use pipewright_core::wire::CloneCredential;
use pipewright_git::ssh::{KeyCheck, SshKeyPair, SshTarget};
use pipewright_git::testing::{Origin, mirrors_with};
use pipewright_git::{Gate, GitError, GitOptions, MirrorStore, NotAdmitted};
use pipewright_simulator::{Simulator, SimulatorOptions};
use tempfile::TempDir;

use crate::sshd::Sshd;

/// Resolved by the gate alone.
const NAME: &str = "git.pinned.invalid";

/// What the gate was asked.
type Asked = Arc<Mutex<Vec<(String, u16)>>>;

/// Mirrors behind a gate that gives these addresses, or refuses.
fn behind(directory: &TempDir, answer: Result<Vec<IpAddr>, NotAdmitted>) -> (MirrorStore, Asked) {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    let gate = Gate::new(move |host, port| {
        noted.lock().expect("no panic").push((host, port));
        std::future::ready(answer.clone())
    });
    let options = GitOptions {
        gate: Some(gate),
        ..GitOptions::default()
    };
    (mirrors_with(directory, options), asked)
}

fn loopback() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

#[tokio::test]
async fn ssh_connects_to_the_judged_address_and_knows_the_host_by_its_name() {
    let Some(server) = Sshd::start() else {
        return;
    };
    let (origin, directory) = (Origin::new(), tempfile::tempdir().expect("a directory"));
    let key = SshKeyPair::generate("pipewright: test").expect("a key");
    server.admit(&key);
    let commit = origin.push("main", "a.txt", "one");
    // Nothing listens at the first of its addresses.
    let nobody = IpAddr::from([127, 0, 0, 9]);
    let (store, asked) = behind(&directory, Ok(vec![nobody, loopback()]));
    let target = SshTarget {
        host: NAME.to_owned(),
        ..server.target()
    };
    let found = store
        .git()
        .ssh()
        .check(&target, &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let known_hosts = host_keys.text();
    let name = format!("[{NAME}]:{} ", target.port);
    assert!(known_hosts.starts_with(&name), "{known_hosts}");
    let credential = |known_hosts: &str| CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: known_hosts.to_owned(),
    };
    let url = server.url(&origin.bare()).replace("127.0.0.1", NAME);
    let checkout = origin.checkout_by(url.clone(), credential(&known_hosts), "main", &commit);
    assert!(store.ensure(&checkout).await.expect("fetched").fetched);
    let all: Vec<_> = asked.lock().expect("no panic").clone();
    assert_eq!(all, vec![(NAME.to_owned(), target.port); 2]);

    // What is pinned by another name is not trusted under this one.
    let other = known_hosts.replace(NAME, "other.invalid");
    let error = store
        .git()
        .list_remote_refs(&url, &credential(&other))
        .await
        .expect_err("is another host's");
    assert!(matches!(error, GitError::HostKeyChanged { .. }), "{error}");
}

#[tokio::test]
async fn curl_connects_to_the_judged_address() {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("it starts");
    simulator.sample_team().await.expect("a team");
    let directory = tempfile::tempdir().expect("a directory");
    let (store, asked) = behind(&directory, Ok(vec![loopback()]));
    let pair = base64::engine::general_purpose::STANDARD.encode("mara:harbour-light");
    let credential = CloneCredential::Header {
        value: Secret::new(format!("Basic {pair}")),
    };
    let url = format!("{}/scm/fin/ledger.git", simulator.datacenter_url());
    let url = url.replace("127.0.0.1", NAME).replace("localhost", NAME);
    assert!(url.contains(NAME), "{url}");
    let listed = store.git().list_remote_refs(&url, &credential).await;
    assert!(!listed.expect("refs").refs.is_empty());
    assert_eq!(asked.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn what_the_gate_refuses_is_not_connected_to() {
    let key = SshKeyPair::generate("pipewright: test").expect("a key");
    let directory = tempfile::tempdir().expect("a directory");
    let why = "it is not among the allowed outgoing addresses";
    let (store, _) = behind(&directory, Err(NotAdmitted(why.to_owned())));
    let ssh = CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: String::new(),
    };
    let places = [
        ("ssh://git@127.0.0.1:9/a/b.git", &ssh),
        ("http://127.0.0.1:9/a/b.git", &CloneCredential::None),
    ];
    for (url, credential) in places {
        let refused = store.git().list_remote_refs(url, credential).await;
        let error = refused.expect_err("refused").to_string();
        assert_eq!(error, why, "{url}");
    }
    let target = SshTarget {
        user: "git".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 9,
    };
    let refused = store
        .git()
        .ssh()
        .check(&target, &key.private_key, None)
        .await;
    assert_eq!(refused.expect_err("refused").to_string(), why);
    let (store, _) = behind(&directory, Ok(Vec::new()));
    for (url, credential) in [
        ("ssh://git@git.nowhere.invalid/a/b.git", &ssh),
        (
            "https://git.nowhere.invalid/a/b.git",
            &CloneCredential::None,
        ),
    ] {
        let unknown = store.git().list_remote_refs(url, credential).await;
        let error = unknown.expect_err("resolves to nothing");
        assert!(matches!(error, GitError::HostUnknown { .. }), "{error}");
    }
}
