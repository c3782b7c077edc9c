//! Services of a step: containers on its network, reached as `localhost` or by their names.

use std::time::Duration;

use bollard::models::{ContainerCreateBody, HealthStatusEnum, HostConfig};
use pipewright_core::plan::ServicePlan;
use tokio::time::Instant;

use super::beginning::{Beginning, absolute, filled};
use super::client::refused;
use super::label::{self, Role};
use super::{AGENT, container};
use crate::executor::begun::{BegunService, Image};
use crate::executor::contract::StartError;

/// The file of host names in the step's scratch directory.
pub(super) const HOSTS: &str = "hosts";

/// How long a script waits for the services that it may need.
const READY: Duration = Duration::from_secs(10);

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Where the Docker engine of the `docker` service listens.
pub(super) const DOCKER_PORT: u16 = 2375;

/// The names of a step's services, in the form of hosts(5).
pub(super) fn hosts<'p>(services: impl Iterator<Item = &'p ServicePlan>) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n".to_owned();
    for service in services {
        text.push_str("127.0.0.1 ");
        text.push_str(&service.name);
        text.push('\n');
    }
    text
}

/// Starts a service.
pub(super) async fn launch(
    begin: &Beginning<'_>,
    holder: &str,
    service: &ServicePlan,
    image: &Image,
) -> Result<BegunService, StartError> {
    let options = begin.options;
    let memory = u64::from(service.memory_mb) << 20;
    let hosts = begin.directories.scratch.join(HOSTS);
    let mut host_config = HostConfig {
        binds: Some(vec![format!("{}:/etc/hosts", absolute(&hosts))]),
        log_config: Some(container::short_log()),
        ..container::host_config(options, holder)
    };
    if options.share.memory.is_some() {
        container::limit_memory(&mut host_config, Some(memory));
    }
    let mut env = filled(&service.variables, begin.environment);
    let mut command = None;
    if service.docker {
        // An engine needs every right there is on its machine; that the owner of the runner chose.
        host_config.privileged = Some(true);
        host_config.cap_drop = None;
        // So that `docker run -v $BITBUCKET_CLONE_DIR:…` in a script means what it says.
        host_config.binds.get_or_insert_default().push(format!(
            "{}:{AGENT}/build",
            absolute(&begin.directories.build)
        ));
        env.push("DOCKER_TLS_CERTDIR=".to_owned());
        command = Some(vec![
            "dockerd".to_owned(),
            format!("--host=tcp://127.0.0.1:{DOCKER_PORT}"),
            "--tls=false".to_owned(),
        ]);
    }
    let body = ContainerCreateBody {
        image: Some(image.id.clone()),
        env: Some(env),
        cmd: command,
        labels: Some(label::of(&options.owner, Some(begin.mark), Role::Service)),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    };
    let name = format!("pipewright-{}-{}", begin.mark, plain(&service.name));
    let id = container::launch(begin.docker, &name, body)
        .await
        .map_err(|error| {
            let what = format!("the service {} of the image {}", service.name, image.name);
            refused(&what, &error)
        })?;
    Ok(BegunService {
        name: service.name.clone(),
        id,
        memory,
    })
}

/// A part of a container's name.
fn plain(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .collect()
}

/// How a service stands.
enum Standing {
    /// It can be used, or says nothing of when it can.
    Ready,
    /// Not yet; why, to be said when the time is over.
    Waiting(String),
    /// It has ended: what is to be said.
    Ended(Vec<String>),
}

/// Waits until every service listens, is well by its own check, or has ended. What is to be said of those that were not.
pub(super) async fn wait_ready(
    begin: &Beginning<'_>,
    holder: &str,
    services: &[BegunService],
) -> Vec<String> {
    let start = Instant::now();
    let deadline = start + READY;
    let holder = container::state(begin.docker, holder).await;
    let network = holder.and_then(|holder| holder.pid).filter(|pid| *pid > 0);
    let mut said = Vec::new();
    let mut open: Vec<_> = services
        .iter()
        .zip(&begin.images.services)
        .zip(begin.options.services(begin.plan))
        .collect();
    let mut ready = Vec::new();
    while !open.is_empty() {
        let mut waiting = Vec::new();
        for ((service, image), plan) in open {
            let ports = if plan.docker {
                &[DOCKER_PORT][..]
            } else {
                &image.ports
            };
            match standing(begin, network, service, image, ports).await {
                Standing::Ready => ready.push(service.name.clone()),
                Standing::Ended(lines) => said.extend(lines),
                Standing::Waiting(why) if Instant::now() < deadline => {
                    waiting.push(((service, image), plan));
                    drop(why);
                }
                Standing::Waiting(why) => said.push(format!(
                    "The service {} {why} after {} s; the script begins all the same.",
                    service.name,
                    READY.as_secs()
                )),
            }
        }
        open = waiting;
        if !open.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }
    if !ready.is_empty() {
        said.insert(
            0,
            format!(
                "Services ready after {:.1} s: {}",
                start.elapsed().as_secs_f64(),
                ready.join(", ")
            ),
        );
    }
    said
}

async fn standing(
    begin: &Beginning<'_>,
    network: Option<i64>,
    service: &BegunService,
    image: &Image,
    ports: &[u16],
) -> Standing {
    let Ok(Some(container)) = container::inspect(begin.docker, &service.id).await else {
        return Standing::Waiting("cannot be looked at".to_owned());
    };
    let Some(state) = container.state else {
        return Standing::Ready;
    };
    if state.running == Some(false) {
        return Standing::Ended(ended(begin.docker, service, &state).await);
    }
    if image.has_check {
        let health = state.health.and_then(|health| health.status);
        return match health {
            Some(HealthStatusEnum::HEALTHY) => Standing::Ready,
            _ => Standing::Waiting("does not pass its own health check".to_owned()),
        };
    }
    let Some(pid) = network else {
        return Standing::Ready;
    };
    let listening = listening(pid);
    // An engine on another machine has no process here to look at.
    let Some(listening) = listening else {
        return Standing::Ready;
    };
    match ports.iter().find(|port| listening.contains(port)) {
        Some(_) => Standing::Ready,
        None if ports.is_empty() => Standing::Ready,
        None => Standing::Waiting(format!(
            "does not listen on port {}",
            ports
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    }
}

/// The sentence for a service that has ended, and the last lines that it printed.
pub(super) async fn ended(
    docker: &bollard::Docker,
    service: &BegunService,
    state: &bollard::models::ContainerState,
) -> Vec<String> {
    let how = if state.oom_killed == Some(true) {
        format!(
            "was ended, because it used more than its {} MB of memory",
            service.memory >> 20
        )
    } else {
        format!(
            "has ended with exit status {}",
            state.exit_code.unwrap_or(-1)
        )
    };
    let mut lines = vec![format!("The service {} {how}.", service.name)];
    let last = container::last_lines(docker, &service.id).await;
    lines.extend(
        last.into_iter()
            .map(|line| format!("{}: {line}", service.name)),
    );
    lines
}

/// TCP ports that something listens on in the network of a process (proc_net(5)).
fn listening(pid: i64) -> Option<Vec<u16>> {
    const LISTEN: &str = "0A";
    let mut ports = Vec::new();
    let mut is_known = false;
    for table in ["tcp", "tcp6"] {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")) else {
            continue;
        };
        is_known = true;
        for line in text.lines().skip(1) {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (Some(local), Some(state)) = (fields.next(), fields.nth(1)) else {
                continue;
            };
            let port = local
                .rsplit(':')
                .next()
                .and_then(|port| u16::from_str_radix(port, 16).ok());
            if state == LISTEN {
                ports.extend(port);
            }
        }
    }
    is_known.then_some(ports)
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn what_listens_here_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ports = listening(i64::from(std::process::id())).expect("a table");
        assert!(ports.contains(&port), "{ports:?}");
    }
}
