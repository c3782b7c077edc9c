//! Git's smart protocol over HTTP, by git's own `http-backend`.
//!
//! The callers have found the repository and decided what the caller may do. A fetch is streamed; a push's answer is
//! held until the refs are compared, so that its events are under way when the client sees the end of the push.

use std::process::Stdio;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::io::ReaderStream;

use super::run::ENVIRONMENT;
use crate::installation::Installation;
use crate::state::{Actor, RepositoryId};

/// What a request wants of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GitService {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

/// Which service a request to `{repository}.git/{rest}` is about; `None` when it is not one of the smart protocol.
pub(crate) fn service(method: &Method, rest: &str, query: Option<&str>) -> Option<GitService> {
    match (method, rest, query) {
        (&Method::GET, "info/refs", Some("service=git-upload-pack"))
        | (&Method::POST, "git-upload-pack", _) => Some(GitService::UploadPack),
        (&Method::GET, "info/refs", Some("service=git-receive-pack"))
        | (&Method::POST, "git-receive-pack", _) => Some(GitService::ReceivePack),
        _ => None,
    }
}

/// Answers a request of the smart protocol. `user` is what the reflog and hooks would see.
pub(crate) async fn serve(
    installation: Arc<Installation>,
    repository: RepositoryId,
    actor: Actor,
    rest: &str,
    request: Request,
) -> Response {
    let pushing = request.method() == Method::POST && rest == "git-receive-pack";
    let (parts, body) = request.into_parts();
    match start(&installation, repository, rest, &parts).await {
        Ok(child) if pushing => {
            // A task of its own: a client that hangs up must not stop the comparison of refs.
            let tasks = installation.tasks().clone();
            let work = async move {
                installation
                    .during_push(repository, actor, push(child, body))
                    .await
            };
            match tasks.spawn(work).await {
                Ok(Ok((response, _))) => response,
                Ok(Err(error)) => failed(&error),
                Err(error) => failed(&error),
            }
        }
        Ok(child) => fetch(&installation, child, body).await,
        Err(error) => failed(&error),
    }
}

async fn start(
    installation: &Arc<Installation>,
    repository: RepositoryId,
    rest: &str,
    request: &Parts,
) -> std::io::Result<Child> {
    let directory = installation
        .ensure_git(repository)
        .await
        .map_err(std::io::Error::other)?;
    let mut command = Command::new("git");
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let header = |name: HeaderName| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    command
        .envs(ENVIRONMENT)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", directory.parent().unwrap_or(&directory))
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{repository}.git/{rest}"))
        .env("REQUEST_METHOD", request.method.as_str())
        .env("QUERY_STRING", request.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", header(header::CONTENT_ENCODING))
        .env(
            "GIT_PROTOCOL",
            header(HeaderName::from_static("git-protocol")),
        )
        .env("REMOTE_USER", "simulator")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command.spawn()
}

/// Copies the request's body into the process; ends when either side does.
async fn feed(child: &mut Child, body: Body) {
    let Some(mut stdin) = child.stdin.take() else {
        return;
    };
    let mut chunks = body.into_data_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        if stdin.write_all(&chunk).await.is_err() {
            return;
        }
    }
    // Dropping the pipe is the end of input; a failed shutdown means the process is gone already.
    let _ = stdin.shutdown().await;
}

async fn push(mut child: Child, body: Body) -> Response {
    let Some(stdout) = child.stdout.take() else {
        return failed(&"git has no output");
    };
    let reading = async {
        let mut reader = BufReader::new(stdout);
        let head = read_head(&mut reader).await?;
        let mut body = Vec::new();
        reader.read_to_end(&mut body).await?;
        Ok::<_, std::io::Error>((head, body))
    };
    let (read, ()) = tokio::join!(reading, feed(&mut child, body));
    match (read, child.wait().await) {
        (Ok((head, body)), Ok(_)) => respond(head, Body::from(body)),
        (Err(error), _) | (_, Err(error)) => failed(&error),
    }
}

async fn fetch(installation: &Arc<Installation>, mut child: Child, body: Body) -> Response {
    let Some(stdout) = child.stdout.take() else {
        return failed(&"git has no output");
    };
    installation.tasks().spawn(async move {
        feed(&mut child, body).await;
        let _ = child.wait().await;
    });
    let mut reader = BufReader::new(stdout);
    match read_head(&mut reader).await {
        Ok(head) => respond(head, Body::from_stream(ReaderStream::new(reader))),
        Err(error) => failed(&error),
    }
}

/// Headers of a CGI program's answer, up to the empty line.
async fn read_head(reader: &mut BufReader<ChildStdout>) -> std::io::Result<Vec<(String, String)>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => head.push((name.to_owned(), value.trim().to_owned())),
            None => return Ok(head),
        }
    }
}

fn respond(head: Vec<(String, String)>, body: Body) -> Response {
    let mut response = Response::new(body);
    for (name, value) in head {
        if name.eq_ignore_ascii_case("status") {
            let code = value
                .split_whitespace()
                .next()
                .and_then(|code| code.parse().ok());
            *response.status_mut() = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name), HeaderValue::try_from(value))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::warn!(%error, "git over HTTP failed in the simulator");
    (StatusCode::INTERNAL_SERVER_ERROR, "git failed\n").into_response()
}
