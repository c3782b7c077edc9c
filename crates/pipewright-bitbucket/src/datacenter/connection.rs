//! What the connection check can end with: what it found out, or the one sentence for the person.

use url::Url;

use super::wire;
use crate::http::NotAllowed;
use crate::remote::RemoteUser;

/// Why a server cannot be connected. Every variant is a sentence for the person who filled in the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The name could not be resolved.
    #[error(
        "the host {host} is not known; check the spelling, and that the machine Pipewright runs on can resolve the name"
    )]
    UnknownHost {
        /// Host and port.
        host: String,
    },
    /// The policy of outgoing addresses refuses it.
    #[error(transparent)]
    NotAllowed(NotAllowed),
    /// Nothing listens there.
    #[error(
        "nothing listens at {host}; check the port (Bitbucket's own is 7990) and any firewall between Pipewright and the server"
    )]
    PortClosed {
        /// Host and port.
        host: String,
    },
    /// No answer in time.
    #[error(
        "{host} does not respond; check the address, and that a firewall lets Pipewright through"
    )]
    NoAnswer {
        /// Host and port.
        host: String,
    },
    /// The certificate's authority is not trusted.
    #[error(
        "the certificate of {host} was issued by an authority that is not trusted here; give Pipewright your company's certificate authority (setting bitbucket.extra_ca_file)"
    )]
    UnknownAuthority {
        /// Host and port.
        host: String,
    },
    /// The certificate is for another name.
    #[error(
        "the certificate of {host} is for another host name; enter the name that the certificate carries"
    )]
    WrongCertificateName {
        /// Host and port.
        host: String,
    },
    /// The certificate has run out.
    #[error(
        "the certificate of {host} has expired or is not valid yet; have it renewed, or check the clocks"
    )]
    CertificateExpired {
        /// Host and port.
        host: String,
    },
    /// It does not speak TLS.
    #[error(
        "{host} does not speak HTTPS on this port; if the browser shows the address with http://, enter it so"
    )]
    NotTls {
        /// Host and port.
        host: String,
    },
    /// Another network failure.
    #[error(
        "the connection to {host} failed ({detail}); check the address, and that the server is up"
    )]
    ConnectionFailed {
        /// Host and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// Bitbucket answers at another path of the same host.
    #[error("Bitbucket is at {found} on this host; enter that address")]
    WrongContextPath {
        /// Where it answers.
        found: Url,
    },
    /// The address leads elsewhere.
    #[error(
        "this address leads to {to}; enter the address of Bitbucket itself, as the browser shows it when you are signed in"
    )]
    Redirected {
        /// Where it leads.
        to: String,
    },
    /// Something else answers.
    #[error(
        "the service at {address} is not Bitbucket Server or Data Center ({detail}); check the address, and whether a sign-in page or proxy is in front of it"
    )]
    NotBitbucket {
        /// The base address that was asked.
        address: String,
        /// What was found.
        detail: String,
    },
    /// The password is wrong.
    #[error(
        "Bitbucket does not accept this user name and password; check both (several wrong attempts lock the account behind a CAPTCHA)"
    )]
    WrongPassword,
    /// The token is wrong.
    #[error(
        "Bitbucket does not accept this HTTP access token; check that it is complete, has not expired and was not revoked"
    )]
    TokenRefused,
    /// Nothing in the answers says who is signed in.
    #[error(
        "Bitbucket responds without saying who is signed in, so it is not known whether it accepts this {kind}; if there is a proxy in front of it, let it pass the header X-AUSERNAME, or connect with the HTTP access token of a user"
    )]
    NotNamed {
        /// What was entered.
        kind: &'static str,
    },
    /// A CAPTCHA must be solved.
    #[error("Bitbucket demands a CAPTCHA for this user after several failed sign-ins; sign in once with a browser{}, then try again", at(login_url.as_ref()))]
    CaptchaRequired {
        /// Where to sign in, if it is on the same host.
        login_url: Option<Url>,
    },
    /// Passwords are switched off (version 10 by default).
    #[error(
        "this Bitbucket does not accept user name and password (version 10 and later refuse them by default); create an HTTP access token in Bitbucket under Manage account, HTTP access tokens, and enter it as the password"
    )]
    PasswordsRefused,
    /// Too many requests.
    #[error("Bitbucket's rate limit for this user is reached; wait a minute and try again")]
    RateLimited,
    /// The account may sign in and see nothing.
    #[error("{user} can sign in but may not use Bitbucket's API ({detail}); ask its administrator")]
    Forbidden {
        /// Who.
        user: String,
        /// Bitbucket's sentence.
        detail: String,
    },
    /// The server fails.
    #[error(
        "Bitbucket at {address} failed with status {status}; try again, or ask its administrator"
    )]
    ServerFailed {
        /// The base address.
        address: String,
        /// The status code.
        status: u16,
    },
}

fn at(login_url: Option<&Url>) -> String {
    login_url
        .map(|url| format!(" at {url}"))
        .unwrap_or_default()
}

/// A server's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// As the server writes it: `9.4.2`.
    pub text: String,
    /// The first number; 0 where the text does not begin with one.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl ServerVersion {
    pub(crate) fn parse(text: &str) -> Self {
        let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        Self {
            text: text.to_owned(),
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
        }
    }
}

/// What this server can do beyond the oldest version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Build statuses belong to a repository and carry `parent` and `ref` (7.4 and later).
    pub rich_build_status: bool,
    /// A stopped build can be shown as cancelled instead of failed.
    pub cancelled_status: bool,
}

/// How the server's SSH is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// False where clones over SSH are switched off.
    pub enabled: bool,
    /// The host that clone addresses name; none where the server does not say.
    pub host: Option<String>,
    /// The port that clones use: of the base address where it names one, else the server's own. The product's default is
    /// 7999.
    pub port: Option<u16>,
    /// False where keys cannot be put on a repository, only on a user.
    pub access_keys_enabled: bool,
    /// The host key's fingerprint as the server gives it, for pinning.
    pub fingerprint: Option<String>,
}

/// How many requests the server takes from one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// At once.
    pub capacity: u32,
    /// Refilled each second.
    pub per_second: u32,
}

/// The repositories where webhooks and access keys can be set: their names as far as one page goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Administered {
    /// Full names, at most one page.
    pub names: Vec<String>,
    /// True where there are more.
    pub more: bool,
}

/// What the check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The server's version.
    pub version: ServerVersion,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Who the credential is.
    pub user: RemoteUser,
    /// How SSH is set up; none where the server does not tell this user.
    pub ssh: Option<SshSettings>,
    /// How many requests it takes; none where it has no limit or does not tell.
    pub rate_limit: Option<RateLimit>,
    /// Where webhooks and access keys can be set.
    pub administered: Administered,
    /// True where at least one repository can be read.
    pub reads_repositories: bool,
}

/// The settings as they come, in our words.
pub(crate) fn ssh_settings(settings: wire::SshSettings) -> SshSettings {
    let base = settings
        .base_url
        .as_deref()
        .and_then(|url| Url::parse(url).ok());
    let from_base = base.as_ref().and_then(Url::port);
    let fingerprint = settings.fingerprint.and_then(|fingerprint| {
        let value = fingerprint.value?;
        Some(match fingerprint.algorithm {
            Some(algorithm) if !value.contains(':') => {
                format!("{}:{value}", algorithm.replace('-', ""))
            }
            _ => value,
        })
    });
    SshSettings {
        enabled: settings.enabled.unwrap_or(true),
        host: base.and_then(|url| url.host_str().map(str::to_owned)),
        port: from_base.or(settings.port),
        access_keys_enabled: settings.access_keys_enabled.unwrap_or(true),
        fingerprint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_far_as_they_go() {
        for (text, major, minor) in [
            ("9.4.2", 9, 4),
            ("10.0", 10, 0),
            ("4.6.0-rc1", 4, 6),
            ("nightly", 0, 0),
        ] {
            let version = ServerVersion::parse(text);
            assert_eq!((version.major, version.minor), (major, minor), "{text}");
        }
    }

    #[test]
    fn ssh_settings_prefer_what_clone_addresses_show() {
        let wire = |json: &str| ssh_settings(serde_json::from_str(json).expect("settings"));
        let proxied = wire(
            r#"{"enabled":true,"port":7999,"baseUrl":"ssh://git.example.com:2222","fingerprint":{"algorithm":"SHA-256","value":"abc"}}"#,
        );
        assert_eq!(
            (proxied.port, proxied.host.as_deref()),
            (Some(2222), Some("git.example.com"))
        );
        assert_eq!(proxied.fingerprint.as_deref(), Some("SHA256:abc"));
        assert_eq!(
            wire(r#"{"port":7999,"baseUrl":"ssh://example.com"}"#).port,
            Some(7999)
        );
    }
}
