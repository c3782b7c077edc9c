//! Images: found at the engine or pulled, with their progress in the log.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::future::join_all;
use futures_util::{FutureExt as _, StreamExt as _};
use pipewright_core::plan::ImagePlan;
use pipewright_core::variable::expand;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::client::{status, words};
use super::options::Pull;
use crate::executor::begun::Image;
use crate::executor::contract::StartError;
use crate::log::LogWriter;

/// How often a pull is tried where the registry may recover, and the pause before the second try.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Lines about pulls that wait for the log; more are left out.
const LINES: usize = 64;

/// How often a pull's progress is said.
const PROGRESS: Duration = Duration::from_secs(5);

/// An image that a step needs.
#[derive(Debug, Clone)]
pub(super) struct Needed {
    pub(super) name: String,
    credentials: Option<DockerCredentials>,
}

impl Needed {
    /// Credentials hold variables of the step.
    pub(super) fn of(plan: &ImagePlan, environment: &[(String, String)]) -> Self {
        let value_of = |name: &str| {
            let known = environment.iter().rev().find(|(known, _)| known == name);
            known.map(|(_, value)| value.clone())
        };
        let filled = |text: &Option<String>| text.as_ref().map(|text| expand(text, &value_of));
        let credentials = plan.username.is_some().then(|| DockerCredentials {
            username: filled(&plan.username),
            password: filled(&plan.password),
            serveraddress: Some(registry(&plan.name).to_owned()),
            ..DockerCredentials::default()
        });
        Self {
            name: tagged(&expand(&plan.name, &value_of)),
            credentials,
        }
    }

    pub(super) fn named(name: &str) -> Self {
        Self {
            name: tagged(name),
            credentials: None,
        }
    }
}

/// The name with a tag: an engine would pull every tag of one without.
fn tagged(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') || last.contains('@') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// True for what may be the name of an image. It becomes part of an address of the engine's API, where anything else might mean
/// another one.
fn is_name(name: &str) -> bool {
    name.len() <= 512
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
        && name.split('/').all(|part| !part.is_empty() && part != "..")
}

/// The host of an image's name, as engines find it.
fn registry(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "https://index.docker.io/v1/",
    }
}

/// Has the engine have all of these, at the same time; says what is pulled. The order is kept.
pub(super) async fn bring(
    docker: &Docker,
    needed: &[Needed],
    pull: Pull,
    log: &mut LogWriter,
) -> Result<Vec<Image>, StartError> {
    let (say, mut said) = mpsc::channel(LINES);
    let all = join_all(
        needed
            .iter()
            .map(|needed| bring_one(docker, needed, pull, say.clone())),
    );
    drop(say);
    let telling = async {
        while let Some(line) = said.recv().await {
            let line: String = line;
            log.line(&line).await;
        }
    };
    let (brought, ()) = tokio::join!(all, telling);
    brought.into_iter().collect()
}

async fn bring_one(
    docker: &Docker,
    needed: &Needed,
    pull: Pull,
    say: mpsc::Sender<String>,
) -> Result<Image, StartError> {
    let name = &needed.name;
    if !is_name(name) {
        return Err(StartError::Step(format!(
            "{name:?} is no name of an image; write it as [registry/]name[:tag]"
        )));
    }
    let say = |line: String| {
        // Where the log is so slow, one line about a pull is not missed.
        let _ = say.try_send(line);
    };
    let local = match docker.inspect_image(name).await {
        Ok(image) => Some(image),
        Err(error) if status(&error) == Some(404) => None,
        Err(error) => {
            return Err(StartError::Engine(format!(
                "the image {name} cannot be looked for: {}",
                words(&error)
            )));
        }
    };
    let is_asked = match (&local, pull) {
        (_, Pull::Always) | (None, Pull::IfNotPresent) => true,
        // Whoever has credentials for it shows that they are good: another application may have brought the copy.
        (Some(_), Pull::IfNotPresent) => needed.credentials.is_some(),
        (_, Pull::Never) => false,
    };
    if !is_asked {
        return match local {
            Some(image) => Ok(found(name, &image)),
            None => Err(StartError::Step(format!(
                "The image {name} is not on the runner's machine, and nothing is pulled there (engine.pull = never)"
            ))),
        };
    }
    match pull_image(docker, needed, &say).await {
        Ok(()) => {}
        Err(Refused::Here(why)) => return Err(StartError::Engine(why)),
        Err(Refused::Registry { why, is_answer }) => match local {
            // A registry that is away says nothing about a copy that is here.
            Some(image) if !is_answer => {
                say(format!(
                    "The image {name} cannot be pulled ({why}); the copy on the runner's machine is used."
                ));
                return Ok(found(name, &image));
            }
            _ => {
                return Err(StartError::Step(format!(
                    "The image {name} cannot be pulled: {why}. Check its name, its tag and the credentials for its registry"
                )));
            }
        },
    }
    match docker.inspect_image(name).await {
        Ok(image) => Ok(found(name, &image)),
        Err(error) => Err(StartError::Engine(format!(
            "the image {name} was pulled and is not there: {}",
            words(&error)
        ))),
    }
}

/// Why an image was not pulled.
enum Refused {
    /// The engine.
    Here(String),
    /// The registry; `is_answer` where it said no, and not where it did not answer.
    Registry { why: String, is_answer: bool },
}

async fn pull_image(
    docker: &Docker,
    needed: &Needed,
    say: &impl Fn(String),
) -> Result<(), Refused> {
    let mut tries = 1;
    loop {
        let refused = match pull_once(docker, needed, say).await {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        match refused {
            Refused::Registry {
                why,
                is_answer: false,
            } if tries < TRIES => {
                let pause = PAUSE * tries + jitter();
                say(format!(
                    "Pulling {} failed ({why}); trying again in {} s.",
                    needed.name,
                    pause.as_secs()
                ));
                tokio::time::sleep(pause).await;
                tries += 1;
            }
            refused => return Err(refused),
        }
    }
}

/// Many runners do not ask again at the same moment.
fn jitter() -> Duration {
    let random = getrandom::u32().unwrap_or(0);
    Duration::from_millis(u64::from(random % 2000))
}

async fn pull_once(docker: &Docker, needed: &Needed, say: &impl Fn(String)) -> Result<(), Refused> {
    let name = &needed.name;
    let begin = Instant::now();
    let options = CreateImageOptionsBuilder::default()
        .from_image(name)
        .build();
    let mut coming = docker.create_image(Some(options), None, needed.credentials.clone());
    let mut progress = Progress::default();
    let mut next = begin + PROGRESS;
    let mut is_said = false;
    loop {
        let line = tokio::select! {
            line = coming.next().fuse() => line,
            () = tokio::time::sleep_until(next) => {
                next += PROGRESS;
                if let Some(words) = progress.words() {
                    say(format!("Pulling {name}: {words}"));
                }
                continue;
            }
        };
        match line {
            None => break,
            Some(Ok(line)) => {
                if !is_said && line.id.is_some() {
                    is_said = true;
                    say(format!("Pulling {name}"));
                }
                progress.take(line);
            }
            Some(Err(error)) => {
                let why = words(&error);
                return Err(judge(status(&error), why));
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    if progress.is_new {
        say(format!("Pulled {name} in {seconds:.1} s"));
    }
    Ok(())
}

/// Whether an error is the registry's answer, the registry's silence, or the engine's own.
fn judge(status: Option<u16>, why: String) -> Refused {
    let low = why.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| low.contains(part));
    if has(&["no space left", "read-only file system"]) {
        return Refused::Here(format!("the image cannot be kept: {why}"));
    }
    let is_away = has(&[
        "timeout",
        "connection refused",
        "connection reset",
        "no such host",
        "toomanyrequests",
        "too many requests",
        "temporary failure",
        "tls:",
        "x509",
        "unexpected eof",
        "i/o timeout",
        "bad gateway",
        "service unavailable",
        "internal server error",
    ]);
    match status {
        None if !is_away && !has(&["not found", "denied", "unauthorized", "manifest"]) => {
            Refused::Here(format!("the image cannot be pulled: {why}"))
        }
        _ => Refused::Registry {
            why,
            is_answer: !is_away,
        },
    }
}

/// How far the layers of an image are.
#[derive(Default)]
struct Progress {
    layers: BTreeMap<String, (i64, i64)>,
    /// Whether something came.
    is_new: bool,
}

impl Progress {
    fn take(&mut self, line: CreateImageInfo) {
        let Some(detail) = line.progress_detail else {
            return;
        };
        let (Some(id), Some(current), Some(total)) = (line.id, detail.current, detail.total) else {
            return;
        };
        self.is_new = true;
        if line.status.as_deref() == Some("Downloading") {
            self.layers.insert(id, (current, total));
        } else if let Some((current, total)) = self.layers.get_mut(&id) {
            *current = *total;
        }
    }

    fn words(&self) -> Option<String> {
        let (current, total) = self
            .layers
            .values()
            .fold((0, 0), |(current, total), layer| {
                (current + layer.0, total + layer.1)
            });
        (total > 0).then(|| {
            format!(
                "{} of {} MB",
                current / 1_000_000,
                (total / 1_000_000).max(1)
            )
        })
    }
}

fn found(name: &str, image: &ImageInspect) -> Image {
    let config = image.config.as_ref();
    let ports = config
        .and_then(|config| config.exposed_ports.as_ref())
        .into_iter()
        .flatten()
        .filter_map(|port| port.strip_suffix("/tcp").unwrap_or(port).parse().ok())
        .collect();
    let has_check = config
        .and_then(|config| config.healthcheck.as_ref()?.test.as_ref())
        .is_some_and(|test| test.first().is_some_and(|how| how != "NONE"));
    Image {
        name: name.to_owned(),
        id: image.id.clone().unwrap_or_else(|| name.to_owned()),
        ports,
        has_check,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_name, registry, tagged};

    #[test]
    fn names_have_a_tag_and_a_registry() {
        let hub = "https://index.docker.io/v1/";
        for (name, full, host) in [
            ("busybox", "busybox:latest", hub),
            ("node:22", "node:22", hub),
            ("a/b", "a/b:latest", hub),
            (
                "localhost:5000/a",
                "localhost:5000/a:latest",
                "localhost:5000",
            ),
            (
                "registry.example.com/a/b:1",
                "registry.example.com/a/b:1",
                "registry.example.com",
            ),
            ("a@sha256:00", "a@sha256:00", hub),
        ] {
            assert_eq!((&*tagged(name), registry(name)), (full, host));
        }
    }

    #[test]
    fn an_image_is_no_other_part_of_the_engine() {
        for good in ["busybox:1", "a.b:5000/c/d_e@sha256:00"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "../containers/x",
            "a/../b",
            "a?b=c",
            "a#b",
            "a b",
            "a//b",
            "-a",
            "ä",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
