//! The holder of a step's network: a container that does nothing, which all others of the step join.
//!
//! Everything of a step finds everything else on `localhost`, as on Bitbucket. Making a network takes two thirds of a
//! container's start (execution.md 2.3), so one holder is kept ready; each is used once, because a used network may be dirty.

use std::sync::Arc;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptions, CreateImageOptionsBuilder};
use futures_util::StreamExt as _;
use tokio::sync::Mutex;

use super::client::{engine, words};
use super::container::{self, no_log};
use super::label::{self, Role};
use super::options::EngineOptions;
use crate::executor::contract::StartError;

/// The name of the image that holders are made from, made by us.
const IMAGE: &str = "pipewright-holder";
const TAG: &str = "1";

/// Holders that are ready.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// The id of the image, once made.
    image: Mutex<Option<String>>,
    ready: Mutex<Vec<String>>,
}

impl Holders {
    /// A running holder for a step: one that is ready, or a new one.
    pub(super) async fn take(
        &self,
        docker: &Docker,
        options: &EngineOptions,
    ) -> Result<String, StartError> {
        while let Some(ready) = self.ready.lock().await.pop() {
            if container::is_running(docker, &ready).await {
                return Ok(ready);
            }
        }
        self.make(docker, options).await
    }

    /// Makes one ready for the next step. What goes wrong is met again, and said, when a step needs one.
    pub(super) async fn refill(self: Arc<Self>, docker: Docker, options: EngineOptions) {
        // Held while it is made, so that the reaper does not take it for one that was left behind.
        let mut ready = self.ready.lock().await;
        if ready.is_empty()
            && let Ok(holder) = self.make(&docker, &options).await
        {
            ready.push(holder);
        }
    }

    /// True for one that is kept ready.
    pub(super) async fn is_kept(&self, id: &str) -> bool {
        self.ready.lock().await.iter().any(|ready| ready == id)
    }

    /// None is kept ready any more; those that were.
    pub(super) async fn give_up(&self) -> Vec<String> {
        std::mem::take(&mut *self.ready.lock().await)
    }

    async fn make(&self, docker: &Docker, options: &EngineOptions) -> Result<String, StartError> {
        let image = self.image(docker).await?;
        let body = ContainerCreateBody {
            image: Some(image),
            entrypoint: Some(vec!["/pause".to_owned()]),
            labels: Some(label::of(&options.owner, None, Role::Holder)),
            host_config: Some(HostConfig {
                log_config: Some(no_log()),
                ulimits: container::ulimits(options),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let made = docker
            .create_container(None::<CreateContainerOptions>, body)
            .await
            .map_err(engine("the network of the step cannot be made"))?;
        docker
            .start_container(&made.id, None)
            .await
            .map_err(engine("the network of the step cannot be made"))?;
        Ok(made.id)
    }

    /// The image, made where the engine does not have it: nothing is pulled for it, so it is there without any registry.
    async fn image(&self, docker: &Docker) -> Result<String, StartError> {
        let mut known = self.image.lock().await;
        if let Some(id) = &*known
            && docker.inspect_image(id).await.is_ok()
        {
            return Ok(id.clone());
        }
        let id = match docker.inspect_image(&format!("{IMAGE}:{TAG}")).await {
            Ok(made) if made.id.is_some() => made.id.unwrap_or_default(),
            _ => import(docker).await?,
        };
        *known = Some(id.clone());
        Ok(id)
    }
}

async fn import(docker: &Docker) -> Result<String, StartError> {
    let version = docker
        .version()
        .await
        .map_err(engine("the engine does not say what it is"))?;
    let arch = version.arch.unwrap_or_default();
    let Some(program) = program(&arch) else {
        return Err(StartError::Engine(format!(
            "the engine's machine has a processor ({arch}) that steps cannot run on; use one with amd64 or arm64"
        )));
    };
    let archive = archive(&program).map_err(|error| StartError::Engine(error.to_string()))?;
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(IMAGE)
        .tag(TAG)
        .build();
    let mut said = docker.create_image(
        Some(options),
        Some(bollard::body_full(archive.into())),
        None,
    );
    let mut id = None;
    while let Some(line) = said.next().await {
        let line = line.map_err(|error| {
            StartError::Engine(format!(
                "the image of step networks cannot be made: {}",
                words(&error)
            ))
        })?;
        id = line.status.or(id);
    }
    id.filter(|id| !id.is_empty()).ok_or_else(|| {
        StartError::Engine("the engine did not name the image of step networks".to_owned())
    })
}

/// A file system with one program.
fn archive(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    archive.append_data(&mut header, "pause", program)?;
    archive.into_inner()
}

/// A program that waits for ever, for one processor: an ELF header, one program header, and a loop around one system call.
fn program(arch: &str) -> Option<Vec<u8>> {
    const BASE: u64 = 0x40_0000;
    const CODE_AT: u64 = 64 + 56;
    let (machine, code): (u16, Vec<u8>) = match arch {
        // mov eax, 34 (pause); syscall; jmp to the begin
        "amd64" | "x86_64" => (62, vec![0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7]),
        // x0..x3 = 0; x8 = 73 (ppoll); svc 0; b to the begin
        "arm64" | "aarch64" => {
            let words: [u32; 7] = [
                0xd280_0000,
                0xd280_0001,
                0xd280_0002,
                0xd280_0003,
                0xd280_0928,
                0xd400_0001,
                0x17ff_fffa,
            ];
            (
                183,
                words.iter().flat_map(|word| word.to_le_bytes()).collect(),
            )
        }
        _ => return None,
    };
    let size = CODE_AT + code.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for half in [2, machine] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes());
    // Entry, program headers, no sections.
    for word in [BASE + CODE_AT, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    // Sizes and counts of the headers.
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // To be loaded, to be read and run.
    for word in [1_u32, 5] {
        file.extend(word.to_le_bytes());
    }
    for word in [0, BASE, BASE, size, size, 0x1000] {
        file.extend(word.to_le_bytes());
    }
    file.extend(code);
    Some(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::program;

    #[test]
    fn the_program_of_this_machine_waits_until_it_is_ended() {
        let bytes = program(std::env::consts::ARCH).expect("a processor that is known");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pause");
        std::fs::write(&path, bytes).expect("a file");
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, all).expect("a program");
        let mut child = std::process::Command::new(&path)
            .spawn()
            .expect("it can be run");
        assert!(child.try_wait().expect("a child").is_none(), "it waits");
        child.kill().expect("it can be ended");
        child.wait().expect("it ended");
    }
}
