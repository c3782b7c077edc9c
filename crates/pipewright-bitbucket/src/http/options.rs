//! What an operator can set about outgoing connections.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::outgoing::Outgoing;

/// How Bitbucket is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    #[default]
    Environment,
    /// Directly, whatever the environment says.
    Direct,
    /// Through this HTTP proxy.
    Through(Url),
}

/// Settings of the HTTP client. The defaults suit both products.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Sent with every request, so that an administrator of Bitbucket can see who asks.
    pub user_agent: String,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long one request may take, body included.
    pub request_timeout: Duration,
    /// Certificate authorities trusted besides the system's, in PEM form; empty for none.
    pub extra_ca_pem: Vec<u8>,
    /// How Bitbucket is reached.
    pub proxy: Proxy,
    /// Longest JSON answer that is read, in bytes.
    pub max_answer_bytes: usize,
    /// Where may be connected to.
    pub outgoing: Arc<Outgoing>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("Pipewright/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            extra_ca_pem: Vec::new(),
            proxy: Proxy::default(),
            max_answer_bytes: 16 * 1024 * 1024,
            outgoing: Arc::default(),
        }
    }
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The extra certificates are not certificates.
    #[error(
        "the extra certificate authorities cannot be read ({0}); give a file of PEM blocks that begin with -----BEGIN CERTIFICATE-----"
    )]
    Certificates(String),
    /// The proxy's address is not one.
    #[error("the proxy address cannot be used ({0}); give it as http://host:port")]
    Proxy(String),
    /// The client could not be set up for another reason, for instance because the system has no certificate authorities.
    #[error(
        "outgoing HTTPS cannot be set up ({0}); check that the system's certificate authorities are installed"
    )]
    Client(String),
}
