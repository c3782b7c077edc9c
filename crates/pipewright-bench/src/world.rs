//! A simulated Data Center with one repository of a usual size, whose pipeline file has a pipeline for each figure.

use std::fmt::Write as _;

use anyhow::Context;
use pipewright_git::ssh::SshKeyPair;
use pipewright_simulator::state::Permission;
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::integrations::{CloneVia, HostKey};

use crate::seed::Remote;
use crate::sink::Sink;

/// The repository's name at the simulated Data Center.
pub(crate) const REPOSITORY: &str = "BEN/app";

/// How many files it has.
const FILES: usize = 200;

/// How much the step of `log/…` prints.
pub(crate) const LOG_BYTES: u64 = 200_000_000;

/// Scripts say when they began without starting a process; `bare/…` and `log/…` do not clone.
const PIPELINES: &str = "\
pipelines:
  branches:
    bare/*:
      - step:
          clone:
            enabled: false
          script:
            - echo \"begun $EPOCHREALTIME\"
    clone/*:
      - step:
          script:
            - echo \"begun $EPOCHREALTIME\"
    log/*:
      - step:
          clone:
            enabled: false
          script:
            - yes 'a line of output as programs print it, about eighty characters long, more or less' | head -c 200000000
";

/// The simulated Bitbucket, and how the account is connected to it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    /// Takes the statuses: the simulator looks every commit up with git, on the same two cores.
    pub(crate) sink: Sink,
    pub(crate) remote: Remote,
    /// The commit on `main`.
    pub(crate) head: String,
}

impl World {
    pub(crate) async fn make(clone_via: CloneVia) -> anyhow::Result<Self> {
        let simulator = Simulator::start(SimulatorOptions::default()).await?;
        let bitbucket = simulator.datacenter();
        let (user, password) = ("mara", "harbour-light");
        bitbucket.add_user(user, "Mara Lindqvist", "mara@harbor.example", password)?;
        bitbucket.add_project("BEN", "Bench")?;
        bitbucket.add_member("BEN", user, Permission::Admin)?;
        bitbucket.add_repository("BEN", "app", true)?;
        let files = files();
        let borrowed: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let head = bitbucket
            .commit(REPOSITORY, "main", &borrowed, "Begin", user)
            .await?;
        let key = SshKeyPair::generate("")?;
        bitbucket.add_user_ssh_key(user, &key.public_line, "Pipewright")?;
        let (ssh_host, ssh_port) = simulator.datacenter_ssh();
        let host_key = bitbucket.ssh_host_key();
        let sink = Sink::open().await?;
        let remote = Remote {
            base_url: sink.url.clone(),
            http_url: format!("{}/scm/ben/app.git", simulator.datacenter_url()),
            ssh_url: format!("ssh://git@{ssh_host}:{ssh_port}/ben/app.git"),
            host_key: HostKey {
                fingerprint: host_key.fingerprint(),
                lines: host_key.known_hosts_line(&ssh_host, ssh_port),
            },
            ssh_host,
            ssh_port,
            key,
            user: user.to_owned(),
            password: password.to_owned(),
            repository: "1".to_owned(),
            clone_via,
            branches: Vec::new(),
        };
        Ok(Self {
            simulator,
            sink,
            remote,
            head,
        })
    }

    /// Pushes one more commit to a branch; no webhook tells of it.
    pub(crate) async fn commit(&self, branch: &str, text: &str) -> anyhow::Result<String> {
        let commit = self
            .simulator
            .datacenter()
            .commit(
                REPOSITORY,
                branch,
                &[("figure.txt", text)],
                "Figure",
                "mara",
            )
            .await;
        commit.context("the simulated Bitbucket takes no commit")
    }
}

fn files() -> Vec<(String, String)> {
    let mut files = vec![("bitbucket-pipelines.yml".to_owned(), PIPELINES.to_owned())];
    for number in 1..FILES {
        let mut text = String::new();
        for line in 0..100 {
            let _ = writeln!(text, "// line {line} of file {number}");
        }
        files.push((format!("src/part{}/file{number}.rs", number % 10), text));
    }
    files
}
