//! Begins what a step runs in: the holder of its network, its services, its own container. All of it starts while the
//! repository is fetched and checked out; the container then waits for its first word.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bollard::models::{ContainerCreateBody, HostConfig};
use futures_util::future::try_join_all;
use rustix::fs::{Gid, Uid};

use super::beginning::{Beginning, absolute};
use super::client::{refused, words};
use super::label::{self, Role};
use super::{AGENT, container, porter, services};
use crate::executor::begun::Begun;
use crate::executor::contract::StartError;

/// Bytes that a step keeps for its script, whatever its services take.
const LEAST_MEMORY: u64 = 512 << 20;

impl Beginning<'_> {
    /// Starts everything that joins the holder, and waits until the services can be used, or for long enough.
    pub(super) async fn run(&self, holder: String) -> Result<Begun, StartError> {
        self.prepare_directories()
            .map_err(|error| StartError::Engine(format!("the step's directories: {error}")))?;
        let of_services: u64 = self
            .options
            .services(self.plan)
            .map(|service| u64::from(service.memory_mb) << 20)
            .sum();
        let memory = self.options.share.memory.map(|memory| {
            let whole = memory * u64::from(self.plan.size.max(1));
            whole.saturating_sub(of_services).max(LEAST_MEMORY)
        });
        let step = self.launch_step(&holder, memory);
        let services = try_join_all(
            self.options
                .services(self.plan)
                .zip(&self.images.services)
                .map(|(service, image)| services::launch(self, &holder, service, image)),
        );
        let (step, services) = tokio::try_join!(step, services)?;
        let remarks = services::wait_ready(self, &holder, &services).await;
        Ok(Begun {
            holder,
            step,
            user: self.user(),
            memory,
            services,
            pipes: self.images.pipes.clone(),
            remarks,
        })
    }

    async fn launch_step(&self, holder: &str, memory: Option<u64>) -> Result<String, StartError> {
        let image = self
            .images
            .step
            .as_ref()
            .ok_or_else(|| StartError::Engine("the step has no image".to_owned()))?;
        let user = self.user();
        let mut host_config =
            HostConfig {
                binds: Some(self.mounts()),
                log_config: Some(container::no_log()),
                nano_cpus: self.options.share.cpu_percent.map(|percent| {
                    i64::from(percent) * 10_000_000 * i64::from(self.plan.size.max(1))
                }),
                ..container::host_config(self.options, holder)
            };
        container::limit_memory(&mut host_config, memory);
        let body = ContainerCreateBody {
            image: Some(image.id.clone()),
            user: Some(format!("{user}:{user}")),
            entrypoint: Some(vec![
                "/bin/sh".to_owned(),
                "-c".to_owned(),
                porter::PORTER.to_owned(),
            ]),
            cmd: Some(Vec::new()),
            env: (user != 0).then(|| vec![format!("HOME={AGENT}/home")]),
            working_dir: Some("/".to_owned()),
            healthcheck: None,
            labels: Some(label::of(&self.options.owner, Some(self.mark), Role::Step)),
            host_config: Some(host_config),
            ..ContainerCreateBody::default()
        };
        let name = format!("pipewright-{}-step", self.mark);
        container::launch(self.docker, &name, body)
            .await
            .map_err(|error| {
                let said = words(&error);
                if is_without_shell(&said) {
                    StartError::Step(format!(
                        "The image {} has no shell (/bin/sh), which a script needs; name an image that has one",
                        image.name
                    ))
                } else if said.contains("exec format error") {
                    StartError::Step(format!(
                        "The image {} is for another processor than the runner's machine has; name one for it",
                        image.name
                    ))
                } else {
                    refused(&format!("a container of the image {}", image.name), &error)
                }
            })
    }

    fn has_services(&self) -> bool {
        self.options.services(self.plan).next().is_some()
    }

    /// The user that scripts run as: root, as on Bitbucket, whatever the image says.
    fn user(&self) -> u32 {
        let image = self.plan.image.as_ref();
        image.and_then(|image| image.run_as_user).unwrap_or(0)
    }

    fn mounts(&self) -> Vec<String> {
        let directories = self.directories;
        let mut mounts: Vec<String> = [
            (&directories.build, "build"),
            (&directories.home, "home"),
            (&directories.tmp, "tmp"),
        ]
        .into_iter()
        .map(|(directory, name)| format!("{}:{AGENT}/{name}", absolute(directory)))
        .collect();
        for (directory, name) in [(&directories.scripts, "scripts"), (&directories.ssh, "ssh")] {
            mounts.push(format!("{}:{AGENT}/{name}:ro", absolute(directory)));
        }
        for lent in &directories.lent {
            mounts.push(format!(
                "{}:{}:ro",
                absolute(&lent.directory),
                lent.seen_at.display()
            ));
        }
        if self.has_services() {
            let hosts = directories.scratch.join(services::HOSTS);
            mounts.push(format!("{}:/etc/hosts", absolute(&hosts)));
        }
        mounts
    }

    /// Makes what the porter needs, and gives everything to the user of the scripts.
    fn prepare_directories(&self) -> io::Result<()> {
        let directories = self.directories;
        porter::make_pipes(&directories.scripts)?;
        let links: Vec<&str> = self
            .plan
            .caches
            .iter()
            .filter_map(|cache| linked(&cache.path, self.user() != 0))
            .collect();
        if !links.is_empty() {
            std::fs::write(
                directories.scripts.join(porter::LINKS),
                links.join("\n") + "\n",
            )?;
        }
        if self.has_services() {
            std::fs::write(
                directories.scratch.join(services::HOSTS),
                services::hosts(self.options.services(self.plan)),
            )?;
        }
        let user = self.user();
        if user != 0 {
            for directory in [
                &directories.scripts,
                &directories.ssh,
                &directories.build,
                &directories.home,
                &directories.tmp,
            ] {
                give(directory, user)?;
            }
        }
        Ok(())
    }
}

/// Gives a directory and everything in it to a user, as far as we may: others than root let everybody in, behind a directory
/// that only they may enter. Links are not followed.
pub(super) fn give(path: &Path, user: u32) -> io::Result<()> {
    let about = path.symlink_metadata()?;
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
        rustix::fs::chownat(
            rustix::fs::CWD,
            path,
            Some(uid),
            Some(gid),
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )?;
    } else if !about.is_symlink() {
        let mode = about.permissions().mode() | if about.is_dir() { 0o777 } else { 0o666 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// A cache's path as the porter is to link it: below the home, or elsewhere in the container. Those in the step's own directories
/// need no link.
fn linked(path: &str, home_is_own: bool) -> Option<&str> {
    let is_plain = |path: &str| {
        !path.contains(['\n', '$']) && path.split('/').all(|part| part != ".." && part != ".")
    };
    let below_home = ["~/", "$HOME/", "${HOME}/"]
        .into_iter()
        .find_map(|home| path.strip_prefix(home))
        .map(|rest| rest.trim_matches('/'));
    match below_home {
        Some(rest) => Some(rest).filter(|rest| !rest.is_empty() && is_plain(rest) && !home_is_own),
        None => Some(path.trim_end_matches('/')).filter(|path| {
            path.starts_with('/')
                && path
                    .strip_prefix(AGENT)
                    .is_none_or(|rest| !rest.starts_with('/'))
                && is_plain(path)
        }),
    }
}

/// What Docker, Podman and their runtimes say of an image without `/bin/sh`.
fn is_without_shell(words: &str) -> bool {
    words.contains("/bin/sh")
        && ["no such file", "not found", "executable file"]
            .iter()
            .any(|part| words.to_lowercase().contains(part))
}
