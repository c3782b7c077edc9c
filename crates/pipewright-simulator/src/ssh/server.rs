//! Connections: key exchange and sign-in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use russh::keys::{PublicKey, PublicKeyBase64 as _};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
    run_stream,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, SshId};
use tokio_util::sync::CancellationToken;

use super::command::SshCommand;
use super::session::{self, GitProtocol};
use crate::faults::GatedListener;
use crate::installation::{Installation, Product};
use crate::state::KeyId;

/// Serves connections until `stop`.
pub(crate) async fn serve(
    mut listener: GatedListener,
    installation: Arc<Installation>,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            (stream, _) = listener.accept() => stream,
        };
        let connection = Connection {
            installation: Arc::clone(&installation),
            key: None,
            channels: HashMap::new(),
            protocols: HashMap::new(),
        };
        let config = Arc::new(config(&installation));
        let stop = stop.clone();
        installation.tasks().spawn(async move {
            let talk = async {
                match run_stream(config, stream, connection).await {
                    Ok(session) => session.await,
                    Err(error) => Err(error),
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                ended = talk => if let Err(error) = ended {
                    tracing::debug!(%error, "an SSH connection to the simulator ended");
                },
            }
        });
    }
}

fn config(installation: &Installation) -> Config {
    let mut methods = MethodSet::empty();
    methods.push(MethodKind::PublicKey);
    let name = match installation.product() {
        Product::Cloud => "SSH-2.0-conker_simulated",
        Product::Datacenter => "SSH-2.0-APACHE-SSHD-2.13.2",
    };
    Config {
        server_id: SshId::Standard(Cow::Borrowed(name)),
        methods,
        // There is nothing to protect from guessing here, and tests should not wait.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![installation.ssh_host_key().private().clone()],
        nodelay: true,
        inactivity_timeout: None,
        ..Config::default()
    }
}

/// One connection's state.
struct Connection {
    installation: Arc<Installation>,
    key: Option<KeyId>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    protocols: HashMap<ChannelId, GitProtocol>,
}

impl Connection {
    /// The registration of an offered key, if it may sign in now.
    fn registered(&self, user: &str, key: &PublicKey) -> Option<KeyId> {
        if user != "git" {
            return None;
        }
        let (algorithm, base64) = (key.algorithm().to_string(), key.public_key_base64());
        let now = self.installation.clock().now();
        self.installation.read(|tables| {
            let key = tables.key_by_blob(&algorithm, &base64)?;
            key.expires_at
                .is_none_or(|expiry| now < expiry)
                .then_some(key.id)
        })
    }

    fn start(&mut self, channel: ChannelId, command: SshCommand) -> bool {
        let (Some(key), Some(channel)) = (self.key, self.channels.remove(&channel)) else {
            return false;
        };
        let protocol = self.protocols.remove(&channel.id()).unwrap_or_default();
        let installation = Arc::clone(&self.installation);
        let tasks = installation.tasks().clone();
        tasks.spawn(session::run(installation, key, channel, command, protocol));
        true
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(if self.registered(user, offer.public_key).is_some() {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.key = self.registered(user, key.public_key);
        let Some(id) = self.key else {
            return Ok(Auth::reject());
        };
        let now = self.installation.clock().now();
        self.installation.write(|tables| {
            if let Some(key) = tables.keys.get_mut(&id) {
                key.last_used = Some(now);
            }
        });
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match (name, GitProtocol::parse(value)) {
            ("GIT_PROTOCOL", Some(protocol)) => {
                self.protocols.insert(channel, protocol);
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Data Center has no shell at all; Cloud greets.
        let greets = self.installation.product() == Product::Cloud;
        if greets && self.start(channel, SshCommand::Other(String::new())) {
            session.channel_success(channel)
        } else {
            session.channel_failure(channel)
        }
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let command = SshCommand::parse(&String::from_utf8_lossy(data));
        if self.start(channel, command) {
            session.channel_success(channel)
        } else {
            session.channel_failure(channel)
        }
    }
}
