//! The engine's API: one connection pool, and its errors in words.

use std::path::Path;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;

use super::super::contract::{NotReady, StartError};

/// Seconds until a request counts as unanswered. A container's start on a loaded machine takes some.
const TIMEOUT: u64 = 120;

/// The engine, connected to when it is first asked.
#[derive(Debug, Default)]
pub(super) struct Client(OnceCell<Docker>);

impl Client {
    /// The engine, with the newest version of its API that both sides know.
    pub(super) async fn get(&self, socket: &Path) -> Result<&Docker, bollard::errors::Error> {
        self.0
            .get_or_try_init(|| async {
                let path = socket.to_string_lossy();
                Docker::connect_with_unix(&path, TIMEOUT, API_DEFAULT_VERSION)?
                    .negotiate_version()
                    .await
            })
            .await
    }

    /// Asks whether the engine answers.
    pub(super) async fn ping(&self, socket: &Path) -> Result<(), NotReady> {
        let answered = match self.get(socket).await {
            Ok(docker) => docker.ping().await.map(drop),
            Err(error) => Err(error),
        };
        answered.map_err(|error| NotReady(away(socket, &error)))
    }
}

/// The sentence for an engine that does not answer.
fn away(socket: &Path, error: &bollard::errors::Error) -> String {
    format!(
        "The container engine at {} does not answer: {}. Steps wait until it does; start it, or name another one, or none, in the setting engine.address",
        socket.display(),
        words(error)
    )
}

/// What an error says, without the client's own wrapping.
pub(super) fn words(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => format!("no answer within {TIMEOUT} s"),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.contains(&cause_text) {
                    text.push_str(": ");
                    text.push_str(&cause_text);
                }
                source = cause.source();
            }
            text
        }
    };
    text.trim().trim_end_matches('.').replace('\n', "; ")
}

/// The engine's status code, where it answered with one.
pub(super) fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// A container that the engine answers about and does not start. That would be so the next time too, unless the machine is short
/// of something: `what` begins the sentence.
pub(super) fn refused(what: &str, error: &bollard::errors::Error) -> StartError {
    let text = words(error);
    let low = text.to_lowercase();
    let is_short = [
        "no space left",
        "cannot allocate memory",
        "too many open files",
        "resource temporarily unavailable",
        "disk quota exceeded",
    ]
    .iter()
    .any(|part| low.contains(part));
    if is_short || status(error).is_none() {
        StartError::Engine(format!("{what} cannot be started: {text}"))
    } else {
        let mut letters = what.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        StartError::Step(format!(
            "{}{} cannot be started: {text}",
            first.unwrap_or_default(),
            letters.as_str()
        ))
    }
}

/// An error of the engine that is no fault of the step's.
pub(super) fn engine(doing: &str) -> impl Fn(bollard::errors::Error) -> StartError {
    let doing = doing.to_owned();
    move |error| StartError::Engine(format!("{doing}: {}", words(&error)))
}
