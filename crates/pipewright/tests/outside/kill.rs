//! B5, B15: the server is killed at fifty points while pushes arrive. No push is lost and none is built twice.

use std::collections::BTreeMap;
use std::time::Duration;

use pipewright::story::{ACCOUNT, Team};
use pipewright_core::ids::AccountId;
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::builds::BuildFilter;
use pipewright_store::{Database, Db, DbOptions};

use crate::server::Server;

/// How often the server is killed.
const KILLS: u32 = 50;

/// Pushes while the server of a round lives; each goes to a branch of its own, so that each is a build of its own.
const PUSHES: u32 = 2;

const PIPELINE: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - echo \"$BITBUCKET_COMMIT\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_no_push_and_build_none_twice() {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    let cloud = simulator.cloud();
    cloud
        .add_repository("harbor", "kill", true)
        .expect("a repository");
    cloud
        .commit(
            "harbor/kill",
            "main",
            &[("bitbucket-pipelines.yml", PIPELINE)],
            "Begin",
            "mara",
        )
        .await
        .expect("a commit");
    let mut server = Server::start(&simulator);
    let mut team = Team::set_up(
        server
            .setup_link
            .as_deref()
            .expect("a first run prints the link"),
    )
    .await
    .expect("sets up");
    team.introduce(&simulator).await.expect("introduces");
    team.connect_cloud().await.expect("connects");
    team.add_key_to_cloud(&simulator)
        .await
        .expect("adds the key");
    team.make_application("harbor/kill")
        .await
        .expect("makes the application");
    cloud
        .wait_until(PATIENCE, |tables| {
            tables.webhooks.values().next().map(|_| ())
        })
        .await
        .expect("the webhook is made");

    let mut pushed = BTreeMap::new();
    for round in 0..KILLS {
        for push in 0..PUSHES {
            let branch = format!("kill-{round}-{push}");
            let text = format!("{round} {push}\n");
            let files = [
                ("bitbucket-pipelines.yml", PIPELINE),
                ("round.txt", text.as_str()),
            ];
            let commit = cloud
                .commit(
                    "harbor/kill",
                    &branch,
                    &files,
                    &format!("Push {push} of round {round}"),
                    "ivo",
                )
                .await
                .expect("a push");
            pushed.insert(format!("refs/heads/{branch}"), commit);
        }
        // The next round's server finds what this one was in the middle of; each round lives a little longer or shorter.
        let life = Duration::from_millis(u64::from((round * 137) % 811));
        // Nothing is waited for here: the point of the kill is the thing that is varied.
        let _ = tokio::time::timeout(life, std::future::pending::<()>()).await;
        server = server.kill_and_restart(&simulator);
    }

    let database = Database::Sqlite(server.data().join("pipewright.db"));
    let db = Db::open(&DbOptions {
        database,
        connections: 1,
    })
    .await
    .expect("opens");
    let account = pipewright_store::accounts::by_slug(&db, ACCOUNT)
        .await
        .expect("reads")
        .expect("is there");
    for (branch, commit) in &pushed {
        let finals = ["SUCCESSFUL", "FAILED", "STOPPED"];
        let Some(told) = cloud
            .wait_for_status("harbor/kill", commit, None, &finals, PATIENCE)
            .await
        else {
            panic!(
                "Bitbucket was never told how {branch} ended.\n{}",
                history(&db, account.id, commit).await
            );
        };
        assert_eq!(
            told.state,
            "SUCCESSFUL",
            "{branch}: {:?}\n{}",
            told.description,
            history(&db, account.id, commit).await
        );
    }
    let builds = pipewright_store::builds::list(&db, account.id, &BuildFilter::default(), 1000)
        .await
        .expect("reads");
    let mut built: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for build in builds
        .iter()
        .filter(|build| build.ref_name.short() != "main")
    {
        built
            .entry(build.ref_name.full().to_owned())
            .or_default()
            .push(build.number);
    }
    for branch in pushed.keys() {
        assert_eq!(
            built.get(branch).map(Vec::len),
            Some(1),
            "{branch} was built as {:?}",
            built.get(branch)
        );
    }
    assert_eq!(built.len(), pushed.len());
    drop(server);
    simulator.shutdown().await;
}

/// What the server knows of a commit, for a failure's message.
async fn history(db: &Db, account: AccountId, commit: &str) -> String {
    let builds = pipewright_store::builds::list(db, account, &BuildFilter::default(), 1000)
        .await
        .expect("reads");
    let Some(build) = builds
        .into_iter()
        .find(|build| build.commit.as_str() == commit)
    else {
        return format!("no build of {commit}");
    };
    let statuses = pipewright_store::statuses::of_build(db, build.id)
        .await
        .expect("reads");
    let attempts = pipewright_store::attempts::of_build(db, build.id)
        .await
        .expect("reads");
    format!("{build:#?}\n{statuses:#?}\n{attempts:#?}")
}

const PATIENCE: Duration = Duration::from_secs(60);
