//! C9: every command of docs/operations.md, in its order, on a server that has built something.

use std::path::Path;
use std::process::Command;

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::server::{Server, addresses, free_address};
use crate::team::House;

const PAGE: &str = include_str!("../../../../docs/operations.md");

const FILE: &str = "pipelines:
  default:
    - step:
        script:
          - mkdir dist && echo kept > dist/app.txt
        artifacts: [\"dist/**\"]
";

const PASSED: BuildState = BuildState::Finished(BuildOutcome::Passed);

/// Every line of every shell block.
fn commands() -> Vec<&'static str> {
    PAGE.split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter(|line| !line.trim().is_empty())
        .collect()
}

#[test]
fn c9_the_page_has_every_part_of_the_drill() {
    let all = commands().join("\n");
    for words in [
        "backup create",
        "backup verify",
        "pipewright restore",
        "key check",
        "key rotate",
        "migrate --dry-run",
        "user reset-password",
    ] {
        assert!(all.contains(words), "{words} in {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_the_drill_of_the_page_works_word_by_word() {
    let mut house = House::with_application(FILE).await;
    house.build(1, |build| build.state == PASSED).await;
    let _broken = Broken(house.server.data().with_extension("broken"));
    let place = tempfile::tempdir().expect("a directory");
    let data = house.server.data().to_owned();
    let config = place.path().join("pipewright.toml");
    let listen = free_address();
    std::fs::write(
        &config,
        format!(
            "[data]\ndirectory = {data:?}\n[server]\nlisten = {listen:?}\n[comparison]\nevery_seconds = 2\n"
        ),
    )
    .expect("writes");
    let backup = place.path().join("backup");
    std::fs::create_dir(&backup).expect("a directory");
    let here = |line: &str| {
        let program = env!("CARGO_BIN_EXE_pipewright");
        let line = line.strip_prefix("pipewright ").map_or_else(
            || line.to_owned(),
            |arguments| format!("{program} {arguments}"),
        );
        line.replace("/etc/pipewright.toml", &config.display().to_string())
            .replace("/var/lib/pipewright", &data.display().to_string())
            .replace("/backup", &backup.display().to_string())
            .replace(
                "/root/pipewright.key",
                &place.path().join("kept.key").display().to_string(),
            )
    };
    // The directory goes with the first server; every later one runs in it too.
    let mut running = Some(house.server);
    let mut kept = None;
    for line in commands() {
        match line {
            "systemctl stop pipewright" => {
                let server = running.take().expect("it runs");
                let directory = server.kill();
                // The directory itself stays until the end of the test.
                if kept.is_none() {
                    kept = Some(directory);
                }
            }
            "systemctl start pipewright" => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
                command
                    .args(["serve", "--config"])
                    .arg(&config)
                    .args(addresses(&house.simulator));
                let server = Server::spawn(command, tempfile::tempdir().expect("a directory"));
                assert!(server.setup_link.is_none(), "the users are there");
                running = Some(server);
            }
            line => runs(&here(line), place.path()),
        }
    }
    let server = running.expect("it runs at the end");
    house.team.url.clone_from(&server.url);
    house.server = server;
    // What was there is there, and what comes next is built.
    house
        .build_in(&data, 1, |build| build.state == PASSED)
        .await;
    let commit = house
        .simulator
        .cloud()
        .commit(
            "harbor/subject",
            "main",
            &[("b.txt", "b\n")],
            "After",
            "ivo",
        )
        .await
        .expect("a push");
    house
        .build_in(&data, 2, |build| {
            build.state == PASSED && build.commit.as_str() == commit
        })
        .await;
}

/// What the page moves aside, which goes with the test.
struct Broken(std::path::PathBuf);

impl Drop for Broken {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn runs(line: &str, place: &Path) {
    let output = Command::new("sh")
        .args(["-ec", line])
        .current_dir(place)
        .env_remove("PIPEWRIGHT_CONFIG")
        .output()
        .expect("a shell");
    assert!(
        output.status.success(),
        "{line}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_a_backup_that_was_touched_is_told_and_not_restored() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    let server = Server::spawn(
        crate::server::serve(&data, &free_address()),
        tempfile::tempdir().expect("a directory"),
    );
    let logs = data.join("logs/ab");
    std::fs::create_dir_all(&logs).expect("a directory");
    std::fs::write(logs.join("x.log"), "a line\n").expect("a log");
    let pipewright = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pipewright"))
            .args(words)
            .current_dir(place.path())
            .env_remove("PIPEWRIGHT_CONFIG")
            .output()
            .expect("the binary starts");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    for to in ["copy", "copy.tar.zst"] {
        let (code, said) = pipewright(&["backup", "create", "--to", to, "--data-dir", "data"]);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = pipewright(&["backup", "create", "--to", to, "--data-dir", "data"]);
        assert_eq!(code, Some(1), "not over another one: {said}");
        let (code, said) =
            pipewright(&["backup", "verify", "--from", to, "--key", "data/secret.key"]);
        assert!(code == Some(0) && said.contains("is whole"), "{said}");
    }
    let (code, said) = pipewright(&["restore", "--from", "copy", "--data-dir", "data"]);
    assert!(
        code == Some(1) && said.contains("another Pipewright"),
        "not under a running server: {said}"
    );
    drop(server.kill());
    let (code, said) = pipewright(&["restore", "--from", "copy", "--data-dir", "data"]);
    assert!(code == Some(1) && said.contains("is not empty"), "{said}");

    let log = place.path().join("copy/logs/ab/x.log");
    std::fs::write(&log, "another\n").expect("writes");
    let (code, said) = pipewright(&["backup", "verify", "--from", "copy"]);
    assert!(
        code == Some(1) && said.contains("x.log has 8 bytes and should have 7"),
        "{said}"
    );
    std::fs::write(&log, "a lime\n").expect("writes");
    let (code, said) = pipewright(&["backup", "verify", "--from", "copy"]);
    assert!(code == Some(1) && said.contains("has changed"), "{said}");
    let (code, said) = pipewright(&["restore", "--from", "copy", "--data-dir", "new"]);
    assert!(
        code == Some(1)
            && said.contains("Nothing was restored")
            && !place.path().join("new").exists(),
        "{said}"
    );
    let archive = place.path().join("copy.tar.zst");
    let bytes = std::fs::read(&archive).expect("reads");
    std::fs::write(&archive, &bytes[..bytes.len() - 100]).expect("writes");
    let (code, said) = pipewright(&["backup", "verify", "--from", "copy.tar.zst"]);
    assert_eq!(code, Some(1), "{said}");
    // Half of a restore is no installation.
    std::fs::create_dir(place.path().join("half")).expect("a directory");
    std::fs::write(place.path().join("half/restoring"), "copy\n").expect("writes");
    let (said, code) = crate::server::refusal(crate::server::serve(
        &place.path().join("half"),
        &free_address(),
    ));
    assert!(code == Some(1) && said.contains("restore"), "{said}");
}
