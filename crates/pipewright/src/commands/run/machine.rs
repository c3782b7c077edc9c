//! What runs the steps: containers where there is an engine, else sandboxes on this machine, or the machine itself where the
//! person says so.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use pipewright_core::ids::AttemptId;
use pipewright_runner::executor::{
    EitherExecutor, EngineExecutor, EngineOptions, Executor as _, HostExecutor, HostOptions,
    Isolation, NotReady, refuse_readable,
};

use crate::config::EngineAddress;

/// How steps and machine are kept apart.
#[derive(Debug, Args)]
pub(super) struct Machine {
    /// Let the steps read this directory of the machine: a toolchain in your home, for one. May be repeated.
    #[arg(long, value_name = "DIR", conflicts_with = "host")]
    readable: Vec<PathBuf>,
    /// Run the steps without a sandbox: what they install or remove, they install into or remove from this machine.
    #[arg(long)]
    host: bool,
    /// Docker or Podman, in whose containers the steps run: `auto` for Docker's of this machine, `none` for sandboxes without images,
    /// or `unix://` and the path of a socket.
    #[arg(long, value_name = "ADDRESS", default_value = "auto", value_parser = address, conflicts_with = "host")]
    engine: EngineAddress,
    /// Give steps that ask for the service `docker` an engine of this image, such as docker:28-dind. It has all rights on this machine.
    #[arg(long, value_name = "IMAGE", conflicts_with = "host")]
    docker_service: Option<String>,
}

fn address(text: &str) -> Result<EngineAddress, String> {
    EngineAddress::parse(text).ok_or_else(|| format!("write {}", EngineAddress::WORDS))
}

impl Machine {
    /// The executor. An error where there is no sandbox and the person did not do without.
    pub(super) async fn executor(&self) -> anyhow::Result<EitherExecutor> {
        for path in &self.readable {
            let why = refuse_readable(path, &[])
                .or_else(|| (!path.exists()).then(|| "is not there".to_owned()));
            if let Some(why) = why {
                bail!("--readable {} {why}", path.display())
            }
        }
        let host = HostExecutor::new(HostOptions {
            isolation: if self.host {
                Isolation::None
            } else {
                Isolation::Sandbox
            },
            readable: self.readable.clone(),
            ..HostOptions::default()
        });
        let options = EngineOptions {
            docker_service: self.docker_service.clone(),
            ..EngineOptions::new(PathBuf::new(), format!("run-{}", AttemptId::new()))
        };
        let engine = (!self.host)
            .then(|| self.engine.find(options))
            .flatten()
            .map(EngineExecutor::new);
        if let Some(engine) = engine {
            if let Err(NotReady(why)) = engine.ready().await {
                bail!("{why}\nWith --engine none the steps run in sandboxes, without their images")
            }
            return Ok(EitherExecutor::new(host, Some(engine)));
        }
        if let Err(NotReady(why)) = host.ready().await {
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
        Ok(host.into())
    }
}
