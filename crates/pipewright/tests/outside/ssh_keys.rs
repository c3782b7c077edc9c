//! B19 and A17 of SSH: a key is made on a page, Bitbucket is told of it, and a step clones and pushes with it.

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::House;

const PIPELINE: &str = "pipelines:
  default:
    - step:
        script:
          - 'git remote get-url origin'
          - 'git clone --quiet $(git remote get-url origin) again && ls again'
          - 'git tag built-$BITBUCKET_BUILD_NUMBER && git push --quiet origin built-$BITBUCKET_BUILD_NUMBER'
          - 'git ls-remote --tags origin'
          - 'cat .git/config again/.git/config'
          - 'cat $BITBUCKET_SSH_KEY_FILE'
";

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_step_clones_and_pushes_with_the_applications_own_key() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(PIPELINE).await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    browser.clicks("SSH keys").await;
    browser.sees("There is none").await;
    browser.clicks("Generate key").await;
    browser.sees("is made. Copy its public part").await;
    let public = browser.text_of_css("#public-key").await;
    assert!(public.starts_with("ssh-ed25519 AAAA"), "{public}");
    let cloud = house.simulator.cloud();
    cloud
        .add_user_ssh_key("mara", &public, "Steps")
        .expect("Bitbucket takes it");

    // A host is asked, its fingerprint shown, and nothing kept until a person confirms.
    let (host, port) = house.simulator.cloud_ssh();
    browser.fills("Host", &host).await;
    browser.fills("Port", "1").await;
    browser.clicks("Fetch host key").await;
    browser.sees("Nothing listens at").await;
    browser.fills("Port", &port.to_string()).await;
    browser.clicks("Fetch host key").await;
    browser.sees("Compare the fingerprint").await;
    browser.sees(&cloud.ssh_host_key().fingerprint()).await;
    browser.clicks("Add to known hosts").await;
    browser.sees("is a known host from now on").await;
    browser.pictures("ssh-keys").await;
    assert!(!browser.text().await.contains("PRIVATE KEY"));

    let commit = cloud
        .commit("harbor/subject", "main", &[("a.txt", "a")], "Use it", "ivo")
        .await
        .expect("a push");
    let passed = BuildState::Finished(BuildOutcome::Passed);
    let build = house
        .build(2, |build| {
            build.commit.as_str() == commit && build.state == passed
        })
        .await;
    let log = house.log_of(&build).await;
    assert!(log.contains("a.txt"), "{log}");
    assert!(!log.contains("BEGIN OPENSSH"), "masked: {log}");
    let tag = format!("{commit}\trefs/tags/built-{}", build.number);
    assert!(log.contains(&tag), "pushed back: {log}");

    // What was done is history, by whom, and the key can be taken away again.
    browser
        .goes_to(&house.team.page("/settings/audit-log"))
        .await;
    browser.sees("set the SSH key").await;
    browser.sees("added the known host").await;
    browser
        .goes_to(&house.team.page("/applications/subject/ssh-keys"))
        .await;
    browser.clicks("Remove…").await;
    browser.clicks("Remove key").await;
    browser
        .sees("steps that begin from now on no longer get it")
        .await;
    browser.sees("There is none").await;
}
