//! The sample team.

use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};

use crate::support::{Api, SOON};

#[tokio::test]
async fn the_sample_team_is_there_on_both_products() {
    let sim = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    tokio::time::timeout(SOON, sim.sample_team())
        .await
        .expect("in time")
        .expect("a team");
    let token = sim.cloud().add_api_token(
        "mara",
        &[
            "read:user:bitbucket",
            "read:workspace:bitbucket",
            "read:repository:bitbucket",
        ],
        None,
    );
    let api = Api::basic(&sim, "mara@harbor.example", &token.expect("a token"));
    assert_eq!(api.get("/user/workspaces").await["size"], 3);
    for slug in ["checkout-api", "web-shop", "infra-terraform"] {
        let head = sim
            .cloud()
            .head(&format!("harbor/{slug}"), "main")
            .await
            .expect("a repository")
            .expect("a commit");
        let file = api
            .raw(
                "GET",
                &format!("/repositories/harbor/{slug}/src/{head}/bitbucket-pipelines.yml"),
                None,
            )
            .await;
        assert!(file.text().await.expect("a file").contains("pipelines:"));
    }
    for repository in ["FIN/ledger", "OPS/infra-terraform"] {
        assert!(
            sim.datacenter()
                .head(repository, "main")
                .await
                .expect("a repository")
                .is_some()
        );
    }
    assert!(
        sim.datacenter()
            .read(|tables| tables.repository_by_path("~mara", "notes").is_some())
    );
    assert!(!SAMPLE_PASSWORD.is_empty());
    sim.shutdown().await;
}

#[tokio::test]
async fn the_failing_test_fails_and_the_others_pass() {
    let sim = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    sim.sample_team().await.expect("a team");
    let machine = crate::support::Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    for (repository, script, expected) in [
        ("harbor/checkout-api", "test/total_test.sh", true),
        ("harbor/web-shop", "test/links.sh", false),
    ] {
        let work = machine.clone(repository).await;
        let status = tokio::process::Command::new("sh")
            .arg(script)
            .current_dir(&work)
            .output()
            .await
            .expect("sh runs")
            .status;
        assert_eq!(status.success(), expected, "{repository}");
        std::fs::remove_dir_all(work).expect("the clone goes");
    }
}
