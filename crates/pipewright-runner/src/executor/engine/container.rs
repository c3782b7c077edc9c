//! What all containers of a step have in common: how they are made, looked at and removed.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, HostConfig, HostConfigLogConfig,
    ResourcesUlimits,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::client::{status, words};
use super::label;
use super::options::EngineOptions;

/// The last lines of a service's output that are shown where it ended.
const LAST_LINES: &str = "20";
/// How often a container's removal is tried, and the pause between.
const REMOVE_TRIES: u32 = 10;
const REMOVE_PAUSE: Duration = Duration::from_millis(200);

/// Bytes of them at most.
const LAST_BYTES: usize = 8 << 10;

/// The engine keeps nothing of the output: it comes to us, or to nobody.
pub(super) fn no_log() -> HostConfigLogConfig {
    HostConfigLogConfig {
        typ: Some("none".to_owned()),
        config: None,
    }
}

/// The engine keeps the newest output.
pub(super) fn short_log() -> HostConfigLogConfig {
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(HashMap::from([
            ("max-size".to_owned(), "10m".to_owned()),
            ("max-file".to_owned(), "1".to_owned()),
        ])),
    }
}

/// The limits of open files and processes, where the first is set: an engine that may not raise limits (Podman gives its
/// containers the highest there are) needs both named.
pub(super) fn ulimits(options: &EngineOptions) -> Option<Vec<ResourcesUlimits>> {
    let limit = |name: &str, value: u32| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(i64::from(value)),
        hard: Some(i64::from(value)),
    };
    options.open_files.map(|files| {
        let processes = options.share.processes;
        let processes = processes.map(|processes| limit("nproc", processes));
        std::iter::once(limit("nofile", files))
            .chain(processes)
            .collect()
    })
}

/// What every container of a step is limited by and may not do.
pub(super) fn host_config(options: &EngineOptions, holder: &str) -> HostConfig {
    HostConfig {
        network_mode: Some(format!("container:{holder}")),
        ulimits: ulimits(options),
        pids_limit: options.share.processes.map(i64::from),
        // What no build needs and an attack on others does: device files, packets with a forged sender, the audit log.
        cap_drop: Some(
            ["MKNOD", "NET_RAW", "AUDIT_WRITE"]
                .map(str::to_owned)
                .to_vec(),
        ),
        // Directories of the runner are mounted, which SELinux would not let a container read.
        security_opt: Some(vec!["label=disable".to_owned()]),
        ..HostConfig::default()
    }
}

/// Memory without swap beside it.
pub(super) fn limit_memory(config: &mut HostConfig, bytes: Option<u64>) {
    let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
    config.memory = bytes;
    config.memory_swap = bytes;
}

/// Makes and starts a container; a name that is taken is refused by the engine, so nothing runs twice.
pub(super) async fn launch(
    docker: &Docker,
    name: &str,
    body: ContainerCreateBody,
) -> Result<String, bollard::errors::Error> {
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let made = docker.create_container(Some(options), body).await?;
    if let Err(error) = docker.start_container(&made.id, None).await {
        remove(docker, &made.id).await;
        return Err(error);
    }
    Ok(made.id)
}

/// How a container stands; `None` where there is none.
pub(super) async fn inspect(
    docker: &Docker,
    id: &str,
) -> Result<Option<ContainerInspectResponse>, bollard::errors::Error> {
    match docker
        .inspect_container(id, None::<InspectContainerOptions>)
        .await
    {
        Ok(container) => Ok(Some(container)),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The state of a container, as far as the engine says.
pub(super) async fn state(docker: &Docker, id: &str) -> Option<ContainerState> {
    inspect(docker, id).await.ok().flatten()?.state
}

/// True while it runs, as far as the engine says.
pub(super) async fn is_running(docker: &Docker, id: &str) -> bool {
    let state = state(docker, id).await;
    state.and_then(|state| state.running).unwrap_or(false)
}

/// Ends and removes a container with its anonymous volumes. Podman refuses for a moment while one ends by itself. What cannot be
/// removed is found again by its labels.
pub(super) async fn remove(docker: &Docker, id: &str) {
    let mut tries = 1;
    loop {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        match docker.remove_container(id, Some(options)).await {
            Ok(()) => return,
            Err(error) if status(&error) == Some(404) => return,
            // Docker removes it already.
            Err(error) if words(&error).contains("already in progress") => return,
            Err(error) if tries == REMOVE_TRIES => {
                tracing::warn!(%error, id, "a container cannot be removed; it is tried again");
                return;
            }
            Err(_) => tokio::time::sleep(REMOVE_PAUSE).await,
        }
        tries += 1;
    }
}

/// Ids of our containers with their runs: all of the owner's, or those of one run.
pub(super) async fn list(
    docker: &Docker,
    owner: &str,
    mark: Option<&str>,
) -> Result<Vec<(String, Option<String>)>, bollard::errors::Error> {
    let mut labels = vec![format!("{}={owner}", label::OWNER)];
    labels.extend(mark.map(|mark| format!("{}={mark}", label::MARK)));
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters)
        .build();
    let listed = docker.list_containers(Some(options)).await?;
    Ok(listed
        .into_iter()
        .filter_map(|container| {
            let mark = container
                .labels
                .and_then(|mut labels| labels.remove(label::MARK));
            Some((container.id?, mark))
        })
        .collect())
}

/// The last lines that a container printed.
pub(super) async fn last_lines(docker: &Docker, id: &str) -> Vec<String> {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .tail(LAST_LINES)
        .build();
    let mut printed = Vec::new();
    let mut chunks = docker.logs(id, Some(options));
    while let Some(Ok(chunk)) = chunks.next().await {
        printed.extend_from_slice(&chunk.into_bytes());
        if printed.len() > LAST_BYTES {
            break;
        }
    }
    printed.truncate(LAST_BYTES);
    let text = String::from_utf8_lossy(&printed);
    text.lines().map(str::to_owned).collect()
}

/// Ends a container at once. One that has ended already is as well.
pub(super) async fn kill(docker: &Docker, id: &str) {
    if let Err(error) = docker.kill_container(id, None).await {
        tracing::debug!(%error, id, "a container was not ended");
    }
}
