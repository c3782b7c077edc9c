//! What runs the steps: sandboxes on this machine, or the machine itself where the person says so.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use pipewright_runner::executor::{
    Executor as _, HostExecutor, HostOptions, Isolation, NotReady, refuse_readable,
};

/// How steps and machine are kept apart.
#[derive(Debug, Args)]
pub(super) struct Machine {
    /// Let the steps read this directory of the machine: a toolchain in your home, for one. May be repeated.
    #[arg(long, value_name = "DIR", conflicts_with = "host")]
    readable: Vec<PathBuf>,
    /// Run the steps without a sandbox: what they install or remove, they install into or remove from this machine.
    #[arg(long)]
    host: bool,
}

impl Machine {
    /// The executor. An error where there is no sandbox and the person did not do without.
    pub(super) async fn executor(&self) -> anyhow::Result<HostExecutor> {
        for path in &self.readable {
            let why = refuse_readable(path, &[])
                .or_else(|| (!path.exists()).then(|| "is not there".to_owned()));
            if let Some(why) = why {
                bail!("--readable {} {why}", path.display())
            }
        }
        let executor = HostExecutor::new(HostOptions {
            isolation: if self.host {
                Isolation::None
            } else {
                Isolation::Sandbox
            },
            readable: self.readable.clone(),
            ..HostOptions::default()
        });
        if let Err(NotReady(why)) = executor.ready().await {
            bail!(
                "{why}\nWith --host the steps run on this machine itself, with all your rights: what they install or remove, they install here"
            )
        }
        if self.host {
            writeln!(
                anstream::stderr(),
                "The steps run on this machine itself, without a sandbox (--host): what they install or remove stays so"
            )?;
        }
        Ok(executor)
    }
}
