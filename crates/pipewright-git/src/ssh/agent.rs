//! An SSH agent inside this process, so that a private key is never written to a file.
//!
//! It knows one key, lists it and signs with it, and refuses everything else. It listens on a socket in a directory
//! that only our user can enter, and also asks the kernel who calls. It lives as long as the connections of its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipewright_core::Secret;
use ssh_agent_lib::proto::{Identity, PublicCredential, Request, Response};
use ssh_agent_lib::ssh_encoding::{Decode, Encode};
use ssh_key::PrivateKey;
use ssh_key::public::KeyData;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::key::{SshKeyError, parse};

/// The largest request that is read; a signature request is under 2 KiB.
const REQUEST_LIMIT: usize = 64 << 10;

/// A listening agent; dropping it closes its socket.
#[derive(Debug)]
pub(super) struct Agent {
    socket: PathBuf,
    listening: JoinHandle<()>,
    /// The public line, which selects the key in `ssh`.
    pub(super) public_line: String,
}

/// The agent cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum AgentError {
    #[error(transparent)]
    Key(#[from] SshKeyError),
    #[error("cannot listen on {path}: {source}")]
    Socket {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Agent {
    /// Starts an agent for one key on a new socket.
    pub(super) fn start(private_key: &Secret, socket: PathBuf) -> Result<Self, AgentError> {
        let key = parse(private_key)?;
        let wrong = |error: ssh_key::Error| SshKeyError {
            action: "read",
            detail: error.to_string(),
        };
        let public_line = key.public_key().to_openssh().map_err(wrong)?;
        let listener = UnixListener::bind(&socket).map_err(|source| AgentError::Socket {
            path: socket.clone(),
            source,
        })?;
        let listening = tokio::spawn(listen(listener, Arc::new(key)));
        Ok(Self {
            socket,
            listening,
            public_line,
        })
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.listening.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn listen(listener: UnixListener, key: Arc<PrivateKey>) {
    let own = rustix::process::geteuid().as_raw();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        if stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
        {
            tokio::spawn(converse(stream, Arc::clone(&key)));
        }
    }
}

/// Answers one caller until it hangs up or talks nonsense.
async fn converse(mut stream: UnixStream, key: Arc<PrivateKey>) {
    let mut message = Vec::new();
    while let Ok(length) = stream.read_u32().await {
        let length = length as usize;
        if length == 0 || length > REQUEST_LIMIT {
            return;
        }
        message.resize(length, 0);
        if stream.read_exact(&mut message).await.is_err() {
            return;
        }
        let response = answer(&message, &key);
        let mut bytes = Vec::new();
        if response.encode(&mut bytes).is_err()
            || stream.write_u32(bytes.len() as u32).await.is_err()
            || stream.write_all(&bytes).await.is_err()
        {
            return;
        }
    }
}

/// The answer to one message (draft-miller-ssh-agent).
fn answer(message: &[u8], key: &PrivateKey) -> Response {
    let known = KeyData::from(key.public_key());
    match Request::decode(&mut &message[..]) {
        Ok(Request::RequestIdentities) => Response::IdentitiesAnswer(vec![Identity {
            credential: PublicCredential::Key(known),
            comment: key.comment().to_owned(),
        }]),
        Ok(Request::SignRequest(request)) if request.credential == PublicCredential::Key(known) => {
            sign(key, &request.data).map_or(Response::Failure, Response::SignResponse)
        }
        _ => Response::Failure,
    }
}

/// Signs with any key that can; the bound brings the trait's method along without its crate.
fn sign<K: ssh_key::SigningKey>(key: &K, data: &[u8]) -> Option<ssh_key::Signature> {
    key.try_sign(data).ok()
}
