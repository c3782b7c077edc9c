//! Why no answer came: told apart by type, because each has a different remedy.

use std::error::Error as StdError;
use std::io;

use super::outgoing::NotAllowed;

/// What is wrong with an encrypted connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The certificate was issued by an authority we do not trust.
    #[error("its certificate was issued by an authority that is not trusted here")]
    UnknownIssuer,
    /// The certificate is for other names.
    #[error("its certificate is for another host name")]
    WrongName,
    /// The certificate has run out or is not valid yet.
    #[error("its certificate has expired or is not valid yet")]
    Expired,
    /// What answers does not speak TLS at all.
    #[error("it does not speak TLS on this port")]
    NotTls,
    /// Something else.
    #[error("the encrypted connection failed: {0}")]
    Other(String),
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFailure {
    /// The name could not be resolved.
    #[error("the host name is not known")]
    UnknownHost,
    /// Nothing listens on the port.
    #[error("nothing listens on this port")]
    Refused,
    /// The encrypted connection could not be made.
    #[error(transparent)]
    Tls(TlsFailure),
    /// The policy of outgoing addresses refuses it.
    #[error(transparent)]
    NotAllowed(NotAllowed),
    /// Something else: unreachable, reset, cut off.
    #[error("the connection failed: {0}")]
    Other(String),
}

impl NetworkFailure {
    /// Looks through the chain of causes.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if let Some(refused) = refused(error) {
            return Self::NotAllowed(refused);
        }
        if error.is_dns() {
            return Self::UnknownHost;
        }
        let mut last = error.to_string();
        let mut cause = StdError::source(error);
        while let Some(error) = cause {
            let error = unwrapped(error);
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls(tls_failure(tls));
            }
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused)
            {
                return Self::Refused;
            }
            last = error.to_string();
            cause = error.source();
        }
        Self::Other(last)
    }
}

/// The refusal of our own resolver, if it is what ended the connection.
fn refused(error: &reqwest::Error) -> Option<NotAllowed> {
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        let error = unwrapped(error);
        if let Some(refused) = error.downcast_ref::<NotAllowed>() {
            return Some(refused.clone());
        }
        cause = error.source();
    }
    None
}

/// What I/O errors wrap, possibly one in another: their `source` skips it, so it must be asked for.
fn unwrapped<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => unwrapped(inner),
        None => error,
    }
}

fn tls_failure(error: &rustls::Error) -> TlsFailure {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => TlsFailure::UnknownIssuer,
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => TlsFailure::WrongName,
        rustls::Error::InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        ) => TlsFailure::Expired,
        rustls::Error::InvalidMessage(_) => TlsFailure::NotTls,
        other => TlsFailure::Other(other.to_string()),
    }
}
