//! `pipewright demo`: the whole product on this machine, without an account anywhere.
//!
//! A simulated Bitbucket Cloud and Data Center with a sample team, the real server on embedded defaults, and a person who
//! walks the real pages: sets up, connects, makes an application. Then somebody pushes, and the build is there to watch.
//! Everything lives in one temporary directory and goes with it.

mod installation;
mod narrator;
mod watch;

use std::cell::Cell;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};

use self::installation::Installation;
use self::narrator::Narrator;
use super::run::signals::Signals;
use crate::story::{ACCOUNT, EMAIL, PASSWORD, Team};

/// The repository that is built.
const REPOSITORY: &str = "harbor/checkout-api";

/// Arguments of `pipewright demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Go the whole way without a person, print the build's log and its status at Bitbucket, and end.
    #[arg(long)]
    once: bool,
    /// Port of the server; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port: u16,
}

impl Demo {
    /// Runs the demonstration; exit code 0 only if all of it happened.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the async runtime cannot be started")?;
        runtime.block_on(async {
            let mut signals = listen()?;
            let staying = Cell::new(false);
            let ended = async {
                signals.next().await;
                // What stays ends by itself and in order; only a second signal ends it at once.
                if staying.get() {
                    signals.next().await;
                }
            };
            tokio::select! {
                shown = self.show(&staying) => shown,
                () = ended => Ok(ExitCode::from(130)),
            }
        })
    }

    async fn show(&self, staying: &Cell<bool>) -> anyhow::Result<ExitCode> {
        let say = Narrator;
        let simulator = Simulator::start(SimulatorOptions::default()).await?;
        simulator.sample_team().await?;
        say.line(&format!(
            "a simulated Bitbucket Cloud is at        {}",
            simulator.cloud_web_url()
        ));
        say.line(&format!(
            "                    its REST API is at   {}",
            simulator.cloud_api_url()
        ));
        say.line(&format!(
            "a simulated Bitbucket Data Center is at  {}",
            simulator.datacenter_url()
        ));
        say.line(&format!(
            "both are steered over HTTP at            {}",
            simulator.control_url()
        ));
        let installation = Installation::start(&simulator, self.port).await?;
        say.line(&format!(
            "Pipewright is at                         {}",
            installation.url()
        ));
        say.line(&installation.isolation());

        let team = connect(&say, &simulator, &installation).await?;
        let seen = build_a_push(&say, &simulator, &installation).await?;
        ensure!(
            seen == BuildState::Finished(BuildOutcome::Passed),
            "the build ended as {} and not as passed",
            seen.as_str()
        );
        if !self.once {
            staying.set(true);
            self.stay(&say, &simulator, &team).await?;
        }
        installation.stop().await?;
        simulator.shutdown().await;
        say.line("stopped; nothing is left behind");
        Ok(ExitCode::SUCCESS)
    }

    async fn stay(&self, say: &Narrator, simulator: &Simulator, team: &Team) -> anyhow::Result<()> {
        let (_, ssh_port) = simulator.cloud_ssh();
        say.blank();
        say.line("everything is running; try this in a browser:");
        say.point(&format!(
            "{}/sign-in?next=/{ACCOUNT}/applications and sign in as {EMAIL} / {PASSWORD}",
            team.url
        ));
        say.point(
            "open checkout-api, look at build #2 and its log; press Run… on the application's page",
        );
        say.point("New Application → harbor/web-shop: its test fails, and Bitbucket is informed");
        say.point("New Application → FIN/ledger on the Data Center; Integrations shows that its key must be added first");
        say.point(&format!(
            "{}/{REPOSITORY} shows the commits with their builds (mara / {SAMPLE_PASSWORD})",
            simulator.cloud_web_url()
        ));
        let (ssh_host, _) = simulator.cloud_ssh();
        say.point(&format!(
            "start a server of your own on it: pipewright serve --data-dir DIR --set bitbucket.cloud_web={} --set bitbucket.cloud_api={} --set bitbucket.cloud_ssh={ssh_host}:{ssh_port}",
            simulator.cloud_web_url(),
            simulator.cloud_api_url()
        ));
        say.point(&format!("push yourself: git clone ssh://git@127.0.0.1:{ssh_port}/{REPOSITORY}.git after adding your key at {}/account/settings/ssh-keys/", simulator.cloud_web_url()));
        say.blank();
        say.line("press Ctrl-C to stop");
        listen()?.next().await;
        Ok(())
    }
}

fn listen() -> anyhow::Result<Signals> {
    Signals::listen().context("the stop key cannot be listened for")
}

/// What the first person of a team does, on the real pages.
async fn connect(
    say: &Narrator,
    simulator: &Simulator,
    installation: &Installation,
) -> anyhow::Result<Team> {
    let mut team = Team::set_up(installation.setup_link()).await?;
    say.line("Mara opened the one-time link and made the team's account");
    team.introduce(simulator).await?;
    team.connect_cloud().await?;
    say.line("she connected Bitbucket Cloud: consent page, and back");
    team.add_key_to_cloud(simulator).await?;
    say.line("she copied the SSH key into Bitbucket, and the handshake says that it is accepted");
    team.connect_datacenter(simulator).await?;
    say.line("she connected the Data Center by user name and password");
    team.make_application(REPOSITORY).await?;
    say.line(&format!(
        "she made an application of {REPOSITORY}; its first build runs"
    ));
    Ok(team)
}

/// Somebody pushes, and everybody watches.
async fn build_a_push(
    say: &Narrator,
    simulator: &Simulator,
    installation: &Installation,
) -> anyhow::Result<BuildState> {
    let account = installation.account(ACCOUNT).await?;
    let first = watch::build(installation.app(), account, 1, |_| ()).await?;
    ensure!(
        first.state == BuildState::Finished(BuildOutcome::Passed),
        "the first build ended as {}: {:?}",
        first.state.as_str(),
        first.state_message
    );
    say.blank();
    let files = [
        ("prices.txt", "1299\n450\n89\n"),
        ("CHANGES.md", "Prices are checked twice.\n"),
    ];
    let commit = simulator
        .cloud()
        .commit(
            REPOSITORY,
            "main",
            &files,
            "Check prices twice\n\nIvo asked for it.",
            "ivo",
        )
        .await?;
    say.line(&format!("Ivo pushed {} to {REPOSITORY}", &commit[..7]));
    let build = watch::build(installation.app(), account, 2, |text| say.raw(text)).await?;
    say.blank();
    say.line(&format!(
        "build #{} of {}: {}",
        build.number,
        build.full_name,
        build.state.as_str()
    ));
    let state = watch::status(simulator, REPOSITORY, &commit).await?;
    say.line(&format!("Bitbucket shows for {}: {state}", &commit[..7]));
    ensure!(
        state == "SUCCESSFUL" || build.state != BuildState::Finished(BuildOutcome::Passed),
        "Bitbucket shows {state}"
    );
    Ok(build.state)
}
