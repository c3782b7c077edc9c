//! Watching a build from beside the server: its log as it grows, its end, and what Bitbucket shows.

use std::time::Duration;

use anyhow::{Context, ensure};
use pipewright_core::ids::{AccountId, AttemptId};
use pipewright_server::App;
use pipewright_simulator::Simulator;
use pipewright_store::builds::{self, Build, BuildFilter};
use pipewright_store::logs::read_bytes;
use pipewright_store::{attempts, steps};

/// How often to look.
const LOOK: Duration = Duration::from_millis(30);

/// How long a build of the demonstration may take, and a status to arrive.
const PATIENCE: Duration = Duration::from_mins(2);

/// How much of a log is printed at once.
const CHUNK: usize = 64 * 1024;

/// Waits until the build of this number has ended, giving its log to `print` as it grows.
pub(super) async fn build(
    app: &App,
    account: AccountId,
    number: i64,
    print: impl Fn(&[u8]),
) -> anyhow::Result<Build> {
    let watched = async {
        let mut shown: Vec<(AttemptId, u64)> = Vec::new();
        loop {
            let newest = builds::list(&app.db, account, &BuildFilter::default(), 20).await?;
            let build = newest.into_iter().find(|build| build.number == number);
            if let Some(build) = &build {
                // Looked at before the log, so that nothing written before the end is missed.
                let steps = steps::list(&app.db, build.id).await?;
                for attempt in attempts::of_build(&app.db, build.id).await? {
                    let at = shown
                        .iter()
                        .position(|(id, _)| *id == attempt.id)
                        .unwrap_or_else(|| {
                            let name = steps
                                .iter()
                                .find(|step| step.id == attempt.step_id)
                                .map_or("", |step| step.name.as_str());
                            print(format!("\n── {name}\n").as_bytes());
                            shown.push((attempt.id, 0));
                            shown.len() - 1
                        });
                    loop {
                        let bytes = read_bytes(&app.logs, attempt.id, shown[at].1, CHUNK)?;
                        if bytes.is_empty() {
                            break;
                        }
                        shown[at].1 += bytes.len() as u64;
                        // The mark in front of each command is for the page's folding.
                        print(
                            &bytes
                                .into_iter()
                                .filter(|byte| *byte != 0x1d)
                                .collect::<Vec<_>>(),
                        );
                    }
                }
            }
            match build {
                Some(build) if build.state.is_finished() => return Ok(build),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, watched)
        .await
        .with_context(|| format!("build #{number} did not end within {PATIENCE:?}"))?
}

/// Waits until Bitbucket shows a final state for the commit, and checks that it was told "in progress" before.
pub(super) async fn status(
    simulator: &Simulator,
    repository: &str,
    commit: &str,
) -> anyhow::Result<String> {
    let told = async {
        loop {
            let writes = simulator.cloud().statuses(repository, commit)?;
            let states: Vec<String> = writes.iter().map(|write| write.state.clone()).collect();
            match states.last() {
                Some(last) if last != "INPROGRESS" => {
                    ensure!(
                        states[0] == "INPROGRESS"
                            && states.iter().filter(|state| *state != "INPROGRESS").count() == 1,
                        "Bitbucket was told {states:?}"
                    );
                    return Ok(last.clone());
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .context("Bitbucket was not told how the build ended")?
}
