//! Who may be connected to, asked right before git or ssh connects, and at which addresses exactly.
//!
//! git and ssh resolve names by themselves. Were a name judged here and resolved there, whoever answers for it could say one
//! thing to us and another to them. So what was judged is what they are given: git's curl by `http.curloptResolve` (git 2.37;
//! an older one passes over it), ssh by `HostName`, with the name it stands for in `HostKeyAlias`, by which the host's key
//! is pinned.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::GitError;

/// Addresses of one host that are tried at most: each may take as long as a connection may.
const TRIED: usize = 3;

/// The host may not be connected to: a sentence's fragment that says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAdmitted(pub String);

type Answer = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, NotAdmitted>> + Send>>;

/// Resolves hosts and judges what they resolve to. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<dyn Fn(String, u16) -> Answer + Send + Sync>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// A gate that asks this of every host and port: which of its addresses may be connected to, the one to try first in
    /// front; none where the name resolves to nothing.
    pub fn new<R>(ask: impl Fn(String, u16) -> R + Send + Sync + 'static) -> Self
    where
        R: Future<Output = Result<Vec<IpAddr>, NotAdmitted>> + Send + 'static,
    {
        Self(Arc::new(move |host, port| Box::pin(ask(host, port))))
    }

    /// The addresses that may be connected to. Empty for a name that resolves to nothing.
    pub(crate) async fn admit(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, GitError> {
        let mut found = (self.0)(host.to_owned(), port)
            .await
            .map_err(|NotAdmitted(detail)| GitError::NotAllowed { detail })?;
        let mut known = std::collections::HashSet::new();
        found.retain(|address| known.insert(*address));
        found.truncate(TRIED);
        Ok(found)
    }
}

/// Where ssh is told to connect: what its own looking up would give, or an address that was judged.
pub(crate) type Place = Option<IpAddr>;

/// The places of a host, the one to try first in front. Empty for a name that resolves to nothing.
pub(crate) async fn places(
    gate: Option<&Gate>,
    host: &str,
    port: u16,
) -> Result<Vec<Place>, GitError> {
    match gate {
        None => Ok(vec![None]),
        Some(gate) => Ok(gate
            .admit(host, port)
            .await?
            .into_iter()
            .map(Some)
            .collect()),
    }
}

/// The value of `http.curloptResolve` that has curl connect to these addresses and no other.
pub(crate) fn curl_resolve(host: &str, port: u16, addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        })
        .collect();
    format!("{host}:{port}:{}", addresses.join(","))
}

#[cfg(test)]
mod tests {
    use super::curl_resolve;

    #[test]
    fn curl_is_told_every_judged_address() {
        let addresses = ["192.0.2.7", "2001:db8::7"].map(|text| text.parse().expect("an address"));
        assert_eq!(
            curl_resolve("git.example", 8443, &addresses),
            "git.example:8443:192.0.2.7,[2001:db8::7]"
        );
    }
}
