//! Pipes of a script: containers beside the step's own, on its network, one at a time.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, KillContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use pipewright_core::plan::{PipePlan, ScriptItem, StepPlan};
use tokio::task::JoinHandle;

use super::beginning::absolute;
use super::client::words;
use super::label::{self, Role};
use super::options::EngineOptions;
use super::{AGENT, container};
use crate::executor::begun::Image;
use crate::executor::directories::StepDirectories;
use crate::executor::script::PIPE_FILE;

/// Bytes of the variables that a script hands to a pipe.
const VARIABLES_BYTES: u64 = 1 << 20;

/// Where pipes keep files for the rest of the step, in its directory of temporary files.
const STORAGE: &str = "pipe";

/// The pipes of a step by their number in its scripts, and what they run with.
#[derive(Clone)]
pub(super) struct Pipe {
    pub(super) options: EngineOptions,
    pub(super) mark: String,
    pub(super) holder: String,
    pub(super) directories: StepDirectories,
    /// Of the step; a pipe is given Bitbucket's own variables of it.
    pub(super) environment: Arc<[(String, String)]>,
    pub(super) images: BTreeMap<usize, (PipePlan, Image)>,
    /// Takes what pipes print, once the script's output is taken.
    pub(super) output: Option<Arc<io::PipeWriter>>,
}

/// The pipes of a plan with their numbers: script, then after-script.
pub(super) fn of(plan: &StepPlan) -> impl Iterator<Item = (usize, &PipePlan)> {
    plan.script
        .iter()
        .chain(&plan.after_script)
        .enumerate()
        .filter_map(|(number, item)| match item {
            ScriptItem::Pipe(pipe) => Some((number, pipe)),
            ScriptItem::Command(_) => None,
        })
}

/// The image of a pipe. Atlassian's own are on the public registry under their names; those of others are named in their
/// repositories.
pub(super) fn image_of(pipe: &str) -> Result<String, String> {
    if let Some(image) = pipe.strip_prefix("docker://") {
        return Ok(image.to_owned());
    }
    match pipe.strip_prefix("atlassian/") {
        Some(rest) if rest.contains(':') => Ok(format!("bitbucketpipelines/{rest}")),
        _ => Err(format!(
            "The image of the pipe {pipe} is named in its own repository (pipe.yml), which is not read here; write the pipe as docker://IMAGE with the image that stands there"
        )),
    }
}

/// A pipe that runs.
pub(super) struct PipeRun {
    docker: Docker,
    name: String,
    task: JoinHandle<i32>,
}

impl PipeRun {
    /// Waits for its exit status. Can be dropped and called again.
    pub(super) async fn wait(&mut self) -> i32 {
        (&mut self.task).await.unwrap_or(-1)
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        let (docker, name) = (self.docker.clone(), self.name.clone());
        tokio::spawn(async move {
            let options = KillContainerOptionsBuilder::default()
                .signal("TERM")
                .build();
            // One that is not there yet is ended with its step.
            let _ = docker.kill_container(&name, Some(options)).await;
        });
    }

    /// Ends it.
    pub(super) async fn end(self) {
        self.task.abort();
        container::remove(&self.docker, &self.name).await;
    }
}

impl Pipe {
    /// Starts the pipe of this number for a script that stands in `directory`; none where there is no such pipe.
    pub(super) fn start(&self, docker: &Docker, number: usize, directory: &str) -> Option<PipeRun> {
        let (plan, image) = self.images.get(&number)?.clone();
        let output = self.output.clone()?;
        let name = format!(
            "pipewright-{}-pipe-{number}-{:08x}",
            self.mark,
            getrandom::u32().unwrap_or(0)
        );
        let run = Run {
            pipe: self.clone(),
            docker: docker.clone(),
            name: name.clone(),
            image,
            number,
            directory: directory.to_owned(),
        };
        let task = tokio::spawn(async move {
            match run.run(&output).await {
                Ok(status) => status,
                Err(why) => {
                    let line = format!("The pipe {} cannot be run: {why}\n", plan.pipe);
                    write(&output, line.into()).await;
                    125
                }
            }
        });
        Some(PipeRun {
            docker: docker.clone(),
            name,
            task,
        })
    }
}

struct Run {
    pipe: Pipe,
    docker: Docker,
    name: String,
    image: Image,
    number: usize,
    directory: String,
}

impl Run {
    async fn run(&self, output: &Arc<io::PipeWriter>) -> Result<i32, String> {
        let variables = read_variables(&self.pipe.directories.tmp, self.number)
            .map_err(|error| format!("its variables: {error}"))?;
        let environment = self
            .environment(variables)
            .map_err(|error| format!("its directories: {error}"))?;
        let told = |error: bollard::errors::Error| words(&error);
        let directories = &self.pipe.directories;
        let body = ContainerCreateBody {
            image: Some(self.image.id.clone()),
            env: Some(environment),
            working_dir: Some(self.directory.clone()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            labels: Some(label::of(
                &self.pipe.options.owner,
                Some(&self.pipe.mark),
                Role::Pipe,
            )),
            host_config: Some(HostConfig {
                binds: Some(vec![
                    format!("{}:{AGENT}/build", absolute(&directories.build)),
                    format!("{}:{AGENT}/tmp", absolute(&directories.tmp)),
                ]),
                log_config: Some(container::no_log()),
                ..container::host_config(&self.pipe.options, &self.pipe.holder)
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default()
            .name(&self.name)
            .build();
        let made = self
            .docker
            .create_container(Some(options), body)
            .await
            .map_err(told)?;
        let attach = AttachContainerOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .stream(true)
            .build();
        let mut attached = self
            .docker
            .attach_container(&made.id, Some(attach))
            .await
            .map_err(told)?;
        self.docker
            .start_container(&made.id, None)
            .await
            .map_err(told)?;
        while let Some(chunk) = attached.output.next().await {
            let Ok(
                LogOutput::StdOut { message }
                | LogOutput::StdErr { message }
                | LogOutput::Console { message },
            ) = chunk
            else {
                continue;
            };
            if !write(output, message).await {
                break;
            }
        }
        let mut waiting = self.docker.wait_container(&made.id, None);
        let _ = waiting.next().await;
        let found = container::inspect(&self.docker, &made.id)
            .await
            .map_err(told)?;
        container::remove(&self.docker, &made.id).await;
        let state = found.and_then(|found| found.state).unwrap_or_default();
        if state.oom_killed == Some(true) {
            let line =
                "A process of this pipe was ended, because it used more memory than it may.\n";
            write(output, line.into()).await;
        }
        let status = state.exit_code.and_then(|code| i32::try_from(code).ok());
        Ok(status.unwrap_or(-1))
    }

    /// What the pipe is given: Bitbucket's variables of the step, and its own.
    fn environment(&self, own: Vec<String>) -> io::Result<Vec<String>> {
        let mut environment: Vec<String> = self
            .pipe
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("BITBUCKET_") || name == "CI")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let storage = self.pipe.directories.tmp.join(STORAGE);
        let private = self.number.to_string();
        for (variable, name) in [
            ("BITBUCKET_PIPE_SHARED_STORAGE_DIR", "shared"),
            ("BITBUCKET_PIPE_STORAGE_DIR", &*private),
        ] {
            std::fs::create_dir_all(storage.join(name))?;
            environment.push(format!("{variable}={AGENT}/tmp/{STORAGE}/{name}"));
        }
        environment.extend(own);
        Ok(environment)
    }
}

/// Writes to the log's pipe, which may be full for as long as the log is slow: whoever reads it must go on meanwhile. False where
/// nobody reads it any more.
async fn write(output: &Arc<io::PipeWriter>, bytes: Bytes) -> bool {
    let output = Arc::clone(output);
    let written = tokio::task::spawn_blocking(move || (&*output).write_all(&bytes)).await;
    matches!(written, Ok(Ok(())))
}

/// What the script wrote for the pipe: `NAME=value`, each ended by a zero byte.
fn read_variables(tmp: &Path, number: usize) -> io::Result<Vec<String>> {
    let path: PathBuf = tmp.join(format!("{PIPE_FILE}{number}"));
    let file = rustix::fs::open(
        &path,
        rustix::fs::OFlags::RDONLY
            | rustix::fs::OFlags::NOFOLLOW
            | rustix::fs::OFlags::NONBLOCK
            | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    let mut bytes = Vec::new();
    let file = std::fs::File::from(file);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("they are not in a file"));
    }
    file.take(VARIABLES_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes
        .split(|byte| *byte == 0)
        .filter(|variable| !variable.is_empty())
        .map(|variable| String::from_utf8_lossy(variable).into_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::image_of;

    #[test]
    fn the_image_of_a_pipe_is_in_its_name_or_known() {
        assert_eq!(image_of("docker://a/b:1"), Ok("a/b:1".to_owned()));
        assert_eq!(
            image_of("atlassian/aws-s3-deploy:1.1.0"),
            Ok("bitbucketpipelines/aws-s3-deploy:1.1.0".to_owned())
        );
        let why = image_of("vendor/pipe:1").expect_err("it is in a repository");
        assert!(why.contains("docker://IMAGE"), "{why}");
    }
}
