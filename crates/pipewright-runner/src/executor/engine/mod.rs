//! The executor that runs each step in a container of its own image, by the API of Docker or Podman.
//!
//! What costs time in a container is its start, so it is started while the repository is fetched and checked out, and waits
//! for its script ([`begin`]). The script is run by a small shell inside, the [`porter`], which is told what to do through named
//! pipes: between a word and the script lies no call of the engine.

mod begin;
mod beginning;
mod client;
mod container;
mod holder;
mod image;
mod label;
mod options;
mod pipes;
mod porter;
mod room;
mod services;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use pipewright_core::plan::StepPlan;

use super::begun::{Begun, Images};
use super::contract::{
    AGENT, BeginStart, Boundary, Doing, Executor, NotReady, Room, RoomStart, SeenAs, StartError,
};
use super::directories::StepDirectories;
use super::environment::{bytes_of, located};
use super::script::Shell;
use crate::log::LogWriter;

pub use options::{EngineOptions, Pull, Share, find_socket};

/// Bytes of all variables together that a process may be given: a quarter of the usual stack.
const ENVIRONMENT_BYTES: usize = 2 << 20;

/// Runs scripts in containers.
#[derive(Debug, Clone)]
pub struct EngineExecutor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: EngineOptions,
    client: client::Client,
    holders: Arc<holder::Holders>,
    /// The holder of each run that lives.
    taken: Mutex<HashMap<String, String>>,
}

impl EngineExecutor {
    /// Nothing is asked of the engine before the first step.
    pub fn new(options: EngineOptions) -> Self {
        Self(Arc::new(Shared {
            options,
            client: client::Client::default(),
            holders: Arc::default(),
            taken: Mutex::default(),
        }))
    }

    /// How it works.
    pub fn options(&self) -> &EngineOptions {
        &self.0.options
    }

    async fn docker(&self) -> Result<&bollard::Docker, StartError> {
        let shared = &self.0;
        shared
            .client
            .get(&shared.options.socket)
            .await
            .map_err(client::engine("the container engine does not answer"))
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The images that a step needs: its own, then its services'.
    fn needed(
        &self,
        plan: &StepPlan,
        environment: &[(String, String)],
    ) -> Result<Vec<image::Needed>, StartError> {
        let options = &self.0.options;
        let own = match &plan.image {
            Some(image) => image::Needed::of(image, environment),
            None => image::Needed::named(&options.default_image),
        };
        let mut needed = vec![own];
        for service in options.services(plan) {
            needed.extend(match (&service.image, &options.docker_service) {
                (Some(image), _) => Some(image::Needed::of(image, environment)),
                (None, docker) => docker.as_deref().map(image::Needed::named),
            });
        }
        for (_, pipe) in pipes::of(plan) {
            let name = pipes::image_of(&pipe.pipe).map_err(StartError::Step)?;
            needed.push(image::Needed::named(&name));
        }
        Ok(needed)
    }

    /// The whole environment of a step.
    fn environment(
        &self,
        plan: &StepPlan,
        directories: &StepDirectories,
        given: &[(String, String)],
    ) -> Vec<(String, String)> {
        let mut environment = environment(given, self.0.options.has_docker(plan));
        environment.extend(located(directories, &SeenAs::agent()));
        environment
    }

    async fn open_room(&self, start: RoomStart<'_>) -> Result<Box<dyn Room>, StartError> {
        let environment = self.environment(start.plan, start.directories, start.environment);
        check(&environment)?;
        let docker = self.docker().await?.clone();
        let begun = match start.begun {
            Some(begun) => begun.clone(),
            None => {
                return Err(StartError::Engine(
                    "the step's container was not begun".to_owned(),
                ));
            }
        };
        let images: BTreeMap<_, _> = pipes::of(start.plan)
            .zip(&begun.pipes)
            .map(|((number, plan), image)| (number, (plan.clone(), image.clone())))
            .collect();
        let pipe = pipes::Pipe {
            options: self.0.options.clone(),
            mark: start.mark.to_owned(),
            holder: begun.holder.clone(),
            directories: start.directories.clone(),
            environment: environment.clone().into(),
            images,
            output: None,
        };
        let room = room::ContainerRoom::open(
            docker,
            begun,
            &start.directories.scripts,
            &environment,
            pipe,
        )?;
        Ok(Box::new(room))
    }
}

impl Executor for EngineExecutor {
    fn boundary(&self, _: &StepPlan) -> Boundary {
        Boundary::Container
    }

    fn ready(&self) -> Doing<'_, Result<(), NotReady>> {
        Box::pin(async move {
            let shared = &self.0;
            shared.client.ping(&shared.options.socket).await
        })
    }

    fn must_be_asked(&self) -> bool {
        true
    }

    fn is_of_machine(&self, _: &StepPlan) -> bool {
        false
    }

    fn notices(&self, plan: &StepPlan) -> Vec<String> {
        plan.image
            .is_none()
            .then(|| {
                format!(
                    "The step names no image, and runs in {}.",
                    self.0.options.default_image
                )
            })
            .into_iter()
            .collect()
    }

    fn qualification(&self, _: &StepPlan) -> Option<String> {
        None
    }

    fn shell(&self, _: &StepPlan) -> Shell {
        Shell::OfImage
    }

    fn seen_as(&self, _: &StepPlan, _: &StepDirectories) -> SeenAs {
        SeenAs::agent()
    }

    fn bring<'a>(
        &'a self,
        plan: &'a StepPlan,
        environment: &'a [(String, String)],
        log: &'a mut LogWriter,
    ) -> Doing<'a, Result<Option<Images>, StartError>> {
        Box::pin(async move {
            let docker = self.docker().await?;
            let needed = self.needed(plan, environment)?;
            let mut images = image::bring(docker, &needed, self.0.options.pull, log).await?;
            let pipes = images.split_off(1 + self.0.options.services(plan).count());
            let services = images.split_off(1);
            Ok(Some(Images {
                step: images.pop(),
                services,
                pipes,
            }))
        })
    }

    fn begin<'a>(&'a self, start: BeginStart<'a>) -> Doing<'a, Result<Option<Begun>, StartError>> {
        Box::pin(async move {
            let docker = self.docker().await?;
            let shared = &self.0;
            let holder = shared.holders.take(docker, &shared.options).await?;
            self.taken().insert(start.mark.to_owned(), holder.clone());
            tokio::spawn(
                Arc::clone(&shared.holders).refill(docker.clone(), shared.options.clone()),
            );
            let environment = self.environment(start.plan, start.directories, start.environment);
            let begun = beginning::Beginning {
                docker,
                options: &shared.options,
                mark: start.mark,
                plan: start.plan,
                directories: start.directories,
                environment: &environment,
                images: start.images,
            }
            .run(holder)
            .await?;
            Ok(Some(begun))
        })
    }

    fn open<'a>(&'a self, start: RoomStart<'a>) -> Doing<'a, Result<Box<dyn Room>, StartError>> {
        Box::pin(self.open_room(start))
    }

    fn end_escaped<'a>(&'a self, mark: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let holder = self.taken().remove(mark);
            let Ok(docker) = self.docker().await else {
                return;
            };
            // What cannot be listed now is found by the reaper.
            let own = container::list(docker, &self.0.options.owner, Some(mark)).await;
            let own = own.unwrap_or_default().into_iter().map(|(id, _)| id);
            let all = own.map(|id| async move { container::remove(docker, &id).await });
            futures_util::future::join_all(all).await;
            if let Some(holder) = holder {
                container::remove(docker, &holder).await;
            }
        })
    }

    fn adopt(&self, mark: &str, begun: &Begun) {
        self.taken().insert(mark.to_owned(), begun.holder.clone());
    }

    fn reap<'a>(&'a self, living: &'a HashSet<String>) -> Doing<'a, ()> {
        Box::pin(async move {
            let Ok(docker) = self.docker().await else {
                return;
            };
            let Ok(all) = container::list(docker, &self.0.options.owner, None).await else {
                return;
            };
            let held: HashSet<String> = self.taken().values().cloned().collect();
            for (id, mark) in all {
                let lives = match &mark {
                    Some(mark) => living.contains(mark),
                    None => held.contains(&id) || self.0.holders.is_kept(&id).await,
                };
                if !lives {
                    tracing::info!(id, mark, "removing a container that was left behind");
                    container::remove(docker, &id).await;
                }
            }
        })
    }

    fn leave(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            let kept = self.0.holders.give_up().await;
            if let Ok(docker) = self.docker().await {
                for holder in kept {
                    container::remove(docker, &holder).await;
                }
            }
        })
    }
}

/// The variables that a container needs, behind those that are given.
fn environment(given: &[(String, String)], has_docker: bool) -> Vec<(String, String)> {
    let mut environment = given.to_vec();
    let mut add = |name: &str, value: String| environment.push((name.to_owned(), value));
    add("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.1".to_owned());
    if has_docker {
        add(
            "DOCKER_HOST",
            format!("tcp://localhost:{}", services::DOCKER_PORT),
        );
    }
    // The repository belongs to the runner's user, and the script runs as another (git-config(1), safe.directory).
    add("GIT_CONFIG_COUNT", "1".to_owned());
    add("GIT_CONFIG_KEY_0", "safe.directory".to_owned());
    add("GIT_CONFIG_VALUE_0", "*".to_owned());
    environment
}

/// Refuses what no process can be given.
fn check(environment: &[(String, String)]) -> Result<(), StartError> {
    let mut whole = 0;
    for (name, value) in environment {
        whole += bytes_of(name, value)?;
        if whole > ENVIRONMENT_BYTES {
            return Err(StartError::EnvironmentTooLarge);
        }
    }
    Ok(())
}
