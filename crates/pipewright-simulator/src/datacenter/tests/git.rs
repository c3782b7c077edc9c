//! Git over HTTP with the real `git`.

use std::path::Path;

use super::lab::Lab;
use crate::{
    datacenter::{TokenLevel, Version},
    state::Permission,
};

/// Runs `git` away from any configuration of the machine; whether it succeeded, and what it said.
async fn git(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Mara Reyes")
        .env("GIT_AUTHOR_EMAIL", "mara@example.com")
        .env("GIT_COMMITTER_NAME", "Mara Reyes")
        .env("GIT_COMMITTER_EMAIL", "mara@example.com")
        .output()
        .await
        .expect("git is installed");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn bearer(token: &str) -> String {
    format!("http.extraHeader=Authorization: Bearer {token}")
}

fn with_password(lab: &Lab, name: &str, password: &str) -> String {
    lab.base
        .replace("http://", &format!("http://{name}:{password}@"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_clones_and_pushes_and_the_push_is_announced() {
    let lab = Lab::start().await;
    let place = tempfile::tempdir().expect("a temporary directory");
    let token = lab
        .dc
        .create_token("mara", "git", &[TokenLevel::Repository(Permission::Write)])
        .expect("a user");
    lab.dc
        .add_webhook(
            "FIN/ledger",
            "http://127.0.0.1:9/",
            None,
            &["repo:refs_changed"],
        )
        .expect("a repository");
    let url = format!("{}/scm/FIN/ledger.git", lab.base);
    let (done, said) = git(
        place.path(),
        &["-c", &bearer(&token), "clone", "-q", &url, "copy"],
    )
    .await;
    assert!(done, "{said}");
    let copy = place.path().join("copy");
    std::fs::write(copy.join("new.txt"), "new\n").expect("a file");
    git(&copy, &["add", "new.txt"]).await;
    git(&copy, &["commit", "-q", "-m", "New"]).await;
    let (done, said) = git(
        &copy,
        &[
            "-c",
            &bearer(&token),
            "push",
            "-q",
            "origin",
            "HEAD:main",
            "HEAD:refs/heads/next",
        ],
    )
    .await;
    assert!(done, "{said}");
    lab.dc.settled().await;
    let sent = lab.dc.deliveries("FIN/ledger").expect("a repository");
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).expect("JSON");
    assert_eq!(
        (sent.len(), body["changes"].as_array().map(Vec::len)),
        (1, Some(2)),
        "one push, two refs, one event"
    );
    assert_eq!(body["actor"]["slug"], "mara");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_permissions_and_versions_decide_who_gets_in() {
    let lab = Lab::start().await;
    let place = tempfile::tempdir().expect("a temporary directory");
    let lists = async |base: &str, extra: &[&str]| {
        let url = format!("{base}/scm/fin/ledger.git");
        let mut arguments = extra.to_vec();
        arguments.extend(["ls-remote", "-q", url.as_str()]);
        git(place.path(), &arguments).await.0
    };
    assert!(!lists(&lab.base, &[]).await, "private");
    assert!(lists(&with_password(&lab, "jonas", "salt-marsh"), &[]).await);
    assert!(!lists(&with_password(&lab, "jonas", "wrong"), &[]).await);
    assert!(
        !lists(&with_password(&lab, "olga", "sand-dune"), &[]).await,
        "no right to it"
    );
    let token = lab
        .dc
        .create_repository_token("FIN/ledger", "ci", Permission::Read)
        .expect("a repository");
    lab.dc.set_version(Version::new(10, 2, 6));
    assert!(
        !lists(&with_password(&lab, "jonas", "salt-marsh"), &[]).await,
        "10.x refuses Basic here too"
    );
    assert!(lists(&lab.base, &["-c", &bearer(&token)]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_archives_take_no_push() {
    let lab = Lab::start().await;
    let place = tempfile::tempdir().expect("a temporary directory");
    let url = |name: &str, password: &str| {
        format!("{}/scm/fin/ledger.git", with_password(&lab, name, password))
    };
    git(
        place.path(),
        &["clone", "-q", &url("mara", "tide-pool"), "copy"],
    )
    .await;
    let copy = place.path().join("copy");
    let (done, _) = git(
        &copy,
        &[
            "push",
            "-q",
            &url("jonas", "salt-marsh"),
            "HEAD:refs/heads/mine",
        ],
    )
    .await;
    assert!(!done, "a reader");
    lab.dc
        .set_archived("FIN/ledger", true)
        .expect("a repository");
    let (done, said) = git(
        &copy,
        &[
            "push",
            "-q",
            &url("mara", "tide-pool"),
            "HEAD:refs/heads/mine",
        ],
    )
    .await;
    assert!(!done, "an archive: {said}");
    lab.dc
        .set_archived("FIN/ledger", false)
        .expect("a repository");
    let (done, said) = git(
        &copy,
        &[
            "push",
            "-q",
            &url("mara", "tide-pool"),
            "HEAD:refs/heads/mine",
        ],
    )
    .await;
    assert!(done, "{said}");
}
