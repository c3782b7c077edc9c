//! Git over SSH with the real `git` and `ssh`.

use std::time::Duration;

use pipewright_simulator::state::Permission;
use pipewright_simulator::{SimClock, SimulatorOptions};

use crate::support::{Machine, Receiver, error_text, team, team_with};

#[tokio::test]
async fn only_a_registered_key_gets_in_and_pushes_raise_webhooks() {
    let sim = team().await;
    sim.cloud()
        .commit(
            "harbor/api",
            "main",
            &[("README.md", "# api\n")],
            "Begin",
            "mara",
        )
        .await
        .expect("a commit");
    let machine = Machine::new(&sim).await;
    let refused = machine
        .git(
            &machine.path(""),
            &["ls-remote", &machine.ssh_url("harbor/api")],
        )
        .await;
    assert!(!refused.status.success());
    assert!(
        error_text(&refused).contains("Permission denied (publickey)"),
        "{}",
        error_text(&refused)
    );

    sim.cloud()
        .add_user_ssh_key("ivo", &machine.public_key(), "laptop")
        .expect("a key");
    let receiver = Receiver::start(&[]).await;
    sim.cloud()
        .add_webhook("harbor/api", receiver.url(), Some("secret"), &["repo:push"])
        .expect("a webhook");
    let work = machine.clone("harbor/api").await;
    std::fs::write(work.join("b.txt"), "b").expect("a file");
    machine.git_ok(&work, &["add", "."]).await;
    machine
        .git_ok(&work, &["commit", "-q", "-m", "Add b"])
        .await;
    machine
        .git_ok(
            &work,
            &[
                "push",
                "-q",
                "origin",
                "main",
                "HEAD:refs/heads/feature/one",
            ],
        )
        .await;
    let hash = machine.git_ok(&work, &["rev-parse", "HEAD"]).await;

    sim.cloud().settled().await;
    let got = receiver.got();
    assert_eq!(got.len(), 1, "one push, one delivery");
    let body = got[0].json();
    let changes = body["push"]["changes"].as_array().expect("changes");
    let names: Vec<_> = changes
        .iter()
        .map(|change| change["new"]["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["feature/one", "main"]);
    assert_eq!(changes[1]["new"]["target"]["hash"], hash);
    assert_eq!(body["actor"]["nickname"], "ivo");
    assert_eq!(
        got[0].headers["x-hub-signature"],
        pipewright_simulator::sign("secret", &got[0].body)
    );
    assert!(
        sim.cloud().user_ssh_keys("ivo").expect("keys")[0]
            .last_used
            .is_some()
    );
}

#[tokio::test]
async fn strangers_and_deploy_keys_are_held_to_their_rights() {
    let sim = team().await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let stranger = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("noor", &stranger.public_key(), "")
        .expect("a key");
    let hidden = stranger
        .git(
            &stranger.path(""),
            &["ls-remote", &stranger.ssh_url("harbor/api")],
        )
        .await;
    assert!(
        error_text(&hidden).contains("does not exist or you do not have access"),
        "{}",
        error_text(&hidden)
    );

    let deploy = Machine::new(&sim).await;
    sim.cloud()
        .add_access_key("harbor/api", &deploy.public_key(), "ci", Permission::Read)
        .expect("a key");
    let work = deploy.clone("harbor/api").await;
    deploy
        .git_ok(&work, &["commit", "-q", "--allow-empty", "-m", "No"])
        .await;
    let push = deploy.git(&work, &["push", "origin", "main"]).await;
    assert!(
        error_text(&push).contains("You don't have write access"),
        "{}",
        error_text(&push)
    );
    sim.cloud()
        .add_repository("harbor", "other", true)
        .expect("a repository");
    let other = deploy
        .git(&work, &["ls-remote", &deploy.ssh_url("harbor/other")])
        .await;
    assert!(
        !other.status.success(),
        "a deploy key is for its repository only"
    );
}

#[tokio::test]
async fn a_shell_is_greeted_and_closed() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let greeting = machine.ssh(&["-T", "git@127.0.0.1"]).await;
    assert!(greeting.status.success(), "{}", error_text(&greeting));
    let text = String::from_utf8_lossy(&greeting.stdout).into_owned();
    assert!(text.starts_with("authenticated via ssh key."), "{text}");
    let command = machine.ssh(&["git@127.0.0.1", "rm -rf /"]).await;
    assert_eq!(command.status.code(), Some(1));
    let someone_else = machine.ssh(&["-T", "mara@127.0.0.1"]).await;
    assert!(!someone_else.status.success(), "the user is git");
    let info = machine.ssh(&["git@127.0.0.1", "host_key_info"]).await;
    assert!(
        String::from_utf8_lossy(&info.stdout).contains(&sim.cloud().ssh_host_key().fingerprint())
    );
}

#[tokio::test]
async fn a_changed_host_key_is_noticed_by_ssh() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let before = sim.cloud().ssh_host_key().fingerprint();
    let after = sim.cloud().change_ssh_host_key().fingerprint();
    assert_ne!(before, after);
    let refused = machine.ssh(&["-T", "git@127.0.0.1"]).await;
    assert!(
        error_text(&refused).contains("Host key verification failed"),
        "{}",
        error_text(&refused)
    );
    machine.trust(&sim);
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
}

#[tokio::test]
async fn one_connection_carries_many_sessions() {
    let sim = team().await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let socket = machine.path("control");
    let control = [
        format!("-oControlPath={}", socket.display()),
        "-oControlMaster=auto".to_owned(),
        "-oControlPersist=30".to_owned(),
    ];
    let control: Vec<&str> = control.iter().map(String::as_str).collect();
    let url = machine.ssh_url("harbor/api");
    let home = machine.path("");
    let first = machine
        .git_with(&home, &control, &["ls-remote", &url])
        .await;
    assert!(first.status.success(), "{}", error_text(&first));
    let arguments = ["ls-remote", url.as_str()];
    let (left, right, third) = tokio::join!(
        machine.git_with(&home, &control, &arguments),
        machine.git_with(&home, &control, &arguments),
        machine.git_with(&home, &control, &arguments),
    );
    for output in [left, right, third] {
        assert!(output.status.success(), "{}", error_text(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("refs/heads/main"));
    }
    // A new connection would be refused now; the shared one goes on.
    sim.cloud().change_ssh_host_key();
    assert!(
        machine
            .git_with(&home, &control, &arguments)
            .await
            .status
            .success()
    );
    let path = format!("-oControlPath={}", socket.display());
    machine.ssh(&[&path, "-O", "exit", "git@127.0.0.1"]).await;
}

#[tokio::test]
async fn protocol_two_and_a_commit_by_its_hash() {
    let sim = team().await;
    let old = sim
        .cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    sim.cloud()
        .force_push("harbor/api", "main", &[("a", "b")], "Begin again", "mara")
        .await
        .expect("a push");
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let home = machine.path("");
    machine.git_ok(&home, &["init", "-q", "here"]).await;
    let here = machine.path("here");
    let url = machine.ssh_url("harbor/api");
    machine
        .git_ok(
            &here,
            &["-c", "protocol.version=2", "fetch", "-q", &url, &old],
        )
        .await;
    assert_eq!(
        machine.git_ok(&here, &["rev-parse", "FETCH_HEAD"]).await,
        old
    );
    let trace = machine
        .git(&here, &["-c", "protocol.version=2", "ls-remote", &url])
        .await;
    assert!(trace.status.success());
}

#[tokio::test]
async fn an_expired_key_no_longer_opens() {
    let clock = SimClock::manual("2026-11-22T10:00:00Z".parse().expect("an instant"));
    let sim = team_with(SimulatorOptions {
        clock: clock.clone(),
        ..SimulatorOptions::default()
    })
    .await;
    let machine = Machine::new(&sim).await;
    let api = crate::support::signed_in(&sim, "mara").await;
    let user = api.get("/user").await["uuid"]
        .as_str()
        .expect("an id")
        .replace('{', "%7B")
        .replace('}', "%7D");
    let body = serde_json::json!({ "key": machine.public_key(), "label": "short-lived" });
    let path = format!("/users/{user}/ssh-keys?expires_on=2026-11-22T10%3A30%3A00Z");
    api.call("POST", &path, Some(body), 201).await;
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
    clock.advance(Duration::from_mins(31));
    assert!(!machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
}

#[tokio::test]
async fn a_large_push_and_clone_get_through() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let home = machine.path("");
    machine.git_ok(&home, &["init", "-q", "big"]).await;
    let big = machine.path("big");
    // Bytes that do not compress, larger than every window and buffer on the way.
    let mut seed = 1_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed.to_be_bytes()[0]
    })
    .take(12 * 1024 * 1024)
    .collect();
    std::fs::write(big.join("blob"), bytes).expect("a file");
    machine.git_ok(&big, &["add", "."]).await;
    machine.git_ok(&big, &["commit", "-q", "-m", "Large"]).await;
    machine
        .git_ok(
            &big,
            &[
                "push",
                "-q",
                &machine.ssh_url("harbor/api"),
                "HEAD:refs/heads/main",
            ],
        )
        .await;
    let work = machine.clone("harbor/api").await;
    assert_eq!(
        std::fs::metadata(work.join("blob")).expect("a file").len(),
        12 * 1024 * 1024
    );
}
