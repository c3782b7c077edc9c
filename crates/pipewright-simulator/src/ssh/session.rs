//! One session of a connection: a git process wired to a channel, or a greeting.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};

use super::command::SshCommand;
use crate::git::http::GitService;
use crate::installation::{Installation, Product};
use crate::state::{Actor, KeyHolder, KeyId, Permission, RepositoryId};

/// Number of the channel's error stream (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// The wire protocol version a client asked for by `GIT_PROTOCOL`.
#[derive(Debug, Clone, Default)]
pub(super) struct GitProtocol(Option<String>);

impl GitProtocol {
    /// Only `version=N` is let through to git.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let number = value.strip_prefix("version=")?;
        (number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| Self(Some(value.to_owned())))
    }
}

/// What a session may do after looking at key and repository.
enum Admission {
    Git {
        repository: RepositoryId,
        actor: Actor,
    },
    Refused(String),
}

/// Runs a session to its end.
pub(super) async fn run(
    installation: Arc<Installation>,
    key: KeyId,
    channel: Channel<Msg>,
    command: SshCommand,
    protocol: GitProtocol,
) {
    let (input, output) = channel.split();
    let code = match command {
        SshCommand::Git {
            service,
            space,
            slug,
        } => match admit(&installation, key, service, &space, &slug) {
            Admission::Git { repository, actor } => {
                git(
                    &installation,
                    repository,
                    actor,
                    service,
                    &protocol,
                    input,
                    &output,
                )
                .await
            }
            Admission::Refused(sentence) => {
                say(&output, Some(STDERR), &format!("{sentence}\n")).await;
                1
            }
        },
        SshCommand::Other(line) => other(&installation, key, &line, &output).await,
    };
    // A client that has gone does not need to hear it.
    let _ = output.exit_status(code).await;
    let _ = output.eof().await;
    let _ = output.close().await;
}

fn admit(
    installation: &Installation,
    key: KeyId,
    service: GitService,
    space: &str,
    slug: &str,
) -> Admission {
    installation.read(|tables| {
        let repository = tables.repository_by_path(space, slug);
        let key = tables.keys.get(&key);
        let permission = match (repository, key) {
            (Some(repository), Some(key)) => tables.key_permission(key, repository),
            _ => None,
        };
        let (Some(repository), Some(key), Some(permission)) = (repository, key, permission) else {
            return Admission::Refused(match installation.product() {
                Product::Cloud => "The requested repository either does not exist or you do not have access.\n\
                    If you believe this repository exists and you have access, make sure you're authenticated."
                    .to_owned(),
                Product::Datacenter => {
                    "Repository not found\nThe requested repository does not exist, or you do not have permission to access it.".to_owned()
                }
            });
        };
        if service == GitService::ReceivePack && (permission < Permission::Write || repository.archived) {
            return Admission::Refused(match installation.product() {
                Product::Cloud => "Unauthorized\nfatal: You don't have write access to this repository.".to_owned(),
                Product::Datacenter => "Access denied\nYou are not permitted to push to this repository.".to_owned(),
            });
        }
        let actor = match &key.holder {
            KeyHolder::User(user) => Actor::User(*user),
            KeyHolder::Access { .. } => Actor::Unknown,
        };
        Admission::Git { repository: repository.id, actor }
    })
}

async fn git(
    installation: &Arc<Installation>,
    repository: RepositoryId,
    actor: Actor,
    service: GitService,
    protocol: &GitProtocol,
    input: ChannelReadHalf,
    output: &ChannelWriteHalf<Msg>,
) -> u32 {
    let directory = match installation.ensure_git(repository).await {
        Ok(directory) => directory,
        Err(error) => {
            say(output, Some(STDERR), &format!("{error}\n")).await;
            return 1;
        }
    };
    match service {
        GitService::UploadPack => serve("upload-pack", directory, protocol, input, output).await,
        GitService::ReceivePack => {
            match installation
                .during_push(
                    repository,
                    actor,
                    serve("receive-pack", directory, protocol, input, output),
                )
                .await
            {
                Ok((code, _)) => code,
                Err(error) => {
                    say(output, Some(STDERR), &format!("{error}\n")).await;
                    1
                }
            }
        }
    }
}

/// Wires a git process to the channel and returns its exit code.
async fn serve(
    program: &str,
    directory: PathBuf,
    protocol: &GitProtocol,
    input: ChannelReadHalf,
    output: &ChannelWriteHalf<Msg>,
) -> u32 {
    let mut command = Command::new("git");
    command.env_clear().envs(crate::git::ENVIRONMENT);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if let Some(protocol) = &protocol.0 {
        command.env("GIT_PROTOCOL", protocol);
    }
    command
        .arg(program)
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            say(
                output,
                Some(STDERR),
                &format!("could not start git: {error}\n"),
            )
            .await;
            return 1;
        }
    };
    let (Some(stdin), Some(mut stdout), Some(mut stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return 1;
    };
    let mut out = output.make_writer();
    let mut err = output.make_writer_ext(Some(STDERR));
    let mut feeding = tokio::spawn(feed(input, stdin));
    let copying = async {
        let copied = tokio::join!(tokio::io::copy(&mut stdout, &mut out), async {
            let mut said = Vec::new();
            stderr.read_to_end(&mut said).await?;
            err.write_all(&said).await
        });
        (copied.0.is_ok() && copied.1.is_ok(), child.wait().await)
    };
    tokio::pin!(copying);
    // A client that hangs up (not: one that ends its input) ends the process; otherwise the process decides.
    let (_, status) = tokio::select! {
        ended = &mut copying => ended,
        Ok(true) = &mut feeding => return 1,
    };
    feeding.abort();
    status
        .ok()
        .and_then(|status| status.code())
        .and_then(|code| u32::try_from(code).ok())
        .unwrap_or(1)
}

/// Copies the channel's data into the process. Returns true when the client closed the channel, false when it ended its
/// input or the process stopped listening (and then waits no longer).
async fn feed(mut input: ChannelReadHalf, stdin: ChildStdin) -> bool {
    let mut stdin = Some(stdin);
    loop {
        match input.wait().await {
            Some(ChannelMsg::Data { data }) => {
                if let Some(pipe) = &mut stdin
                    && pipe.write_all(&data).await.is_err()
                {
                    stdin = None;
                }
            }
            Some(ChannelMsg::Eof) => stdin = None,
            Some(ChannelMsg::Close) | None => return true,
            Some(_) => {}
        }
    }
}

async fn other(
    installation: &Arc<Installation>,
    key: KeyId,
    line: &str,
    output: &ChannelWriteHalf<Msg>,
) -> u32 {
    let holder = installation.read(|tables| {
        let key = tables.keys.get(&key)?;
        Some(match &key.holder {
            KeyHolder::User(user) => tables.user(*user).map(|user| user.name.clone()),
            KeyHolder::Access { .. } => None,
        })
    });
    match (installation.product(), line) {
        (Product::Cloud, "") => {
            let kind = if holder.flatten().is_some() {
                "ssh key"
            } else {
                "a deploy key"
            };
            let greeting = format!(
                "authenticated via {kind}.\n\nYou can use git to connect to Bitbucket. Shell access is disabled\n"
            );
            say(output, None, &greeting).await;
            0
        }
        (Product::Cloud, "host_key_info") => {
            let key = installation.ssh_host_key();
            say(
                output,
                None,
                &format!("{}\n{}\n", key.openssh(), key.fingerprint()),
            )
            .await;
            0
        }
        (Product::Datacenter, "whoami") => {
            say(
                output,
                None,
                &format!("{}\n", holder.flatten().unwrap_or_default()),
            )
            .await;
            0
        }
        (Product::Cloud, _) => {
            say(output, Some(STDERR), "Invalid command: you can use git to connect to Bitbucket. Shell access is disabled\n").await;
            1
        }
        (Product::Datacenter, _) => {
            say(
                output,
                Some(STDERR),
                "Invalid command\nThe command you are trying to execute is not supported.\n",
            )
            .await;
            1
        }
    }
}

async fn say(output: &ChannelWriteHalf<Msg>, stream: Option<u32>, text: &str) {
    let mut writer: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>> = match stream {
        None => Box::pin(output.make_writer()),
        Some(number) => Box::pin(output.make_writer_ext(Some(number))),
    };
    // A client that has gone does not need to hear it.
    let _ = writer.write_all(text.as_bytes()).await;
    let _ = writer.flush().await;
}
