//! B1: the README's "Use it", word by word: an empty directory and the default settings.

use std::process::Command;

use pipewright::story::Team;
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_simulator::{Simulator, SimulatorOptions};

use crate::server::{Server, addresses, free_address};
use crate::team::{House, PATIENCE};

const README: &str = include_str!("../../../../README.md");

const FILE: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - echo \"from the $(basename \"$PWD\")\"\n";

/// The README's line that starts the server: its words after the program's name.
fn serve_line() -> Vec<&'static str> {
    let use_it = README
        .split("## Use it")
        .nth(1)
        .expect("the README says how it is used");
    let line = use_it
        .lines()
        .find(|line| line.starts_with("./target/release/pipewright serve"))
        .expect("a line that starts the server");
    line.split_whitespace().skip(1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_the_readme_leads_from_an_empty_directory_to_a_build() {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    let empty = tempfile::tempdir().expect("an empty directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    // Nothing else than the README says, but for the port, which must be free here, and where Bitbucket is.
    let words = serve_line();
    let words = words.split(|word| *word == "--set").flatten();
    let words: Vec<&str> = words
        .filter(|word| !word.starts_with("server.public_url="))
        .copied()
        .collect();
    assert_eq!(words, ["serve"], "the README sets nothing but the address");
    command
        .args(words)
        .args(["--set", &format!("server.listen={}", free_address())])
        .args(addresses(&simulator))
        .current_dir(empty.path());
    for (name, _) in std::env::vars() {
        if name.starts_with("PIPEWRIGHT_") {
            command.env_remove(name);
        }
    }
    let data = empty.path().join("pipewright-data");
    let server = Server::spawn(command, empty);
    let link = server.setup_link.clone();
    let team = Team::set_up(&link.expect("a first run prints the link"))
        .await
        .expect("sets up");
    let mut house = House {
        simulator,
        server,
        team,
    };
    house
        .team
        .introduce(&house.simulator)
        .await
        .expect("introduces");
    house.team.connect_cloud().await.expect("connects");
    house
        .team
        .add_key_to_cloud(&house.simulator)
        .await
        .expect("adds the key");
    house.application(FILE).await;
    let first = house
        .build_in(&data, 1, |build| build.state.is_finished())
        .await;
    assert_eq!(
        first.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{first:#?}"
    );
    let commit = house
        .simulator
        .cloud()
        .commit("harbor/subject", "main", &[("a.txt", "a\n")], "Push", "ivo")
        .await
        .expect("a push");
    house
        .simulator
        .cloud()
        .wait_for_status("harbor/subject", &commit, None, &["SUCCESSFUL"], PATIENCE)
        .await
        .expect("the push is built");
}
