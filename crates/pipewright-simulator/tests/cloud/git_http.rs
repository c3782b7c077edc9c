//! Git over HTTP with the real `git`.

use pipewright_simulator::state::DeliveryState;

use crate::support::{Machine, Receiver, consumer, error_text, team};

fn with_credentials(url: &str, name: &str, secret: &str) -> String {
    url.replacen("://", &format!("://{name}:{secret}@"), 1)
}

#[tokio::test]
async fn a_private_repository_asks_for_a_token_and_pushes_with_one() {
    let sim = team().await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let receiver = Receiver::start(&[]).await;
    sim.cloud()
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    let machine = Machine::new(&sim).await;
    let (home, url) = (
        machine.path(""),
        format!("{}/harbor/api.git", sim.cloud_web_url()),
    );
    let nobody = machine.git(&home, &["ls-remote", &url]).await;
    assert!(
        error_text(&nobody).contains("could not read Username"),
        "{}",
        error_text(&nobody)
    );

    let token = consumer(&sim, &["account", "repository:write"])
        .connect(&sim, "ivo")
        .await;
    let token = token["access_token"].as_str().expect("a token");
    let authenticated = with_credentials(&url, "x-token-auth", token);
    machine
        .git_ok(&home, &["clone", "-q", &authenticated, "work"])
        .await;
    let work = machine.path("work");
    machine
        .git_ok(&work, &["commit", "-q", "--allow-empty", "-m", "Empty"])
        .await;
    machine
        .git_ok(&work, &["push", "-q", "origin", "main"])
        .await;
    sim.cloud().settled().await;
    assert_eq!(receiver.got()[0].json()["actor"]["nickname"], "ivo");
    assert_eq!(
        sim.cloud().deliveries("harbor/api").expect("deliveries")[0].state,
        DeliveryState::Done
    );

    let header = format!("http.extraHeader=Authorization: Bearer {token}");
    machine
        .git_ok(&home, &["-c", &header, "ls-remote", &url])
        .await;
    let wrong = machine
        .git(
            &home,
            &[
                "ls-remote",
                &with_credentials(&url, "x-token-auth", "wrong"),
            ],
        )
        .await;
    assert!(
        error_text(&wrong).contains("Authentication failed"),
        "{}",
        error_text(&wrong)
    );
}

#[tokio::test]
async fn the_scope_to_read_does_not_push() {
    let sim = team().await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let token = consumer(&sim, &["repository"]).connect(&sim, "mara").await;
    let machine = Machine::new(&sim).await;
    let url = format!("{}/harbor/api.git", sim.cloud_web_url());
    let url = with_credentials(
        &url,
        "x-token-auth",
        token["access_token"].as_str().expect("a token"),
    );
    machine
        .git_ok(&machine.path(""), &["clone", "-q", &url, "work"])
        .await;
    let work = machine.path("work");
    machine
        .git_ok(&work, &["commit", "-q", "--allow-empty", "-m", "Empty"])
        .await;
    let push = machine.git(&work, &["push", "origin", "main"]).await;
    assert!(error_text(&push).contains("403"), "{}", error_text(&push));
}

#[tokio::test]
async fn api_tokens_go_with_the_user_name_and_not_with_the_email() {
    let sim = team().await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let token = sim
        .cloud()
        .add_api_token("mara", &["read:repository:bitbucket"], None)
        .expect("a token");
    let machine = Machine::new(&sim).await;
    let (home, url) = (
        machine.path(""),
        format!("{}/harbor/api.git", sim.cloud_web_url()),
    );
    for name in ["mara", "x-bitbucket-api-token-auth"] {
        machine
            .git_ok(&home, &["ls-remote", &with_credentials(&url, name, &token)])
            .await;
    }
    let email = machine
        .git(
            &home,
            &[
                "ls-remote",
                &with_credentials(&url, "mara%40harbor.example", &token),
            ],
        )
        .await;
    assert!(!email.status.success());
    let password = machine
        .git(
            &home,
            &["ls-remote", &with_credentials(&url, "mara", "tide")],
        )
        .await;
    assert!(!password.status.success());
}

#[tokio::test]
async fn a_public_repository_is_open_to_read_and_an_empty_one_clones() {
    let sim = team().await;
    sim.cloud()
        .add_repository("harbor", "open", false)
        .expect("a repository");
    let machine = Machine::new(&sim).await;
    let url = format!("{}/harbor/open.git", sim.cloud_web_url());
    machine
        .git_ok(&machine.path(""), &["clone", "-q", &url, "work"])
        .await;
    let work = machine.path("work");
    machine
        .git_ok(&work, &["commit", "-q", "--allow-empty", "-m", "Empty"])
        .await;
    let push = machine
        .git(&work, &["push", "origin", "HEAD:refs/heads/main"])
        .await;
    assert!(!push.status.success());
}
