//! The connection check: what a new connection is tried with before anything is saved, each failure with its own sentence.
//!
//! The order matters: first everything that can be learned without the credential, then one single attempt with it,
//! because every wrong password brings the account closer to a CAPTCHA.

use reqwest::Method;
use url::Url;

use super::DataCenterClient;
use super::failure::check;
use super::repositories::remote;
use super::users::user_name;
use super::wire::{ApplicationProperties, BuildCapabilities, Page, RateLimitSettings, Repository};
use crate::credential::Credential;
use crate::http::{Answer, ApiError, NetworkFailure, Request, TlsFailure};
use crate::remote::{Permission, RemoteUser};

/// Why a server cannot be connected. Every variant is a sentence for the person who filled in the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The name could not be resolved.
    #[error("the host {host} is not known; check the spelling, and that the machine Pipewright runs on can resolve the name")]
    UnknownHost {
        /// Host and port.
        host: String,
    },
    /// Nothing listens there.
    #[error("nothing listens at {host}; check the port (Bitbucket's own is 7990) and any firewall between Pipewright and the server")]
    PortClosed {
        /// Host and port.
        host: String,
    },
    /// No answer in time.
    #[error("{host} does not answer; check the address, and that a firewall lets Pipewright through")]
    NoAnswer {
        /// Host and port.
        host: String,
    },
    /// The certificate's authority is not trusted.
    #[error(
        "the certificate of {host} was issued by an authority that is not trusted here; give Pipewright your company's certificate authority (setting bitbucket.extra_ca)"
    )]
    UnknownAuthority {
        /// Host and port.
        host: String,
    },
    /// The certificate is for another name.
    #[error("the certificate of {host} is for another host name; enter the name that the certificate carries")]
    WrongCertificateName {
        /// Host and port.
        host: String,
    },
    /// The certificate has run out.
    #[error("the certificate of {host} has expired or is not valid yet; have it renewed, or check the clocks")]
    CertificateExpired {
        /// Host and port.
        host: String,
    },
    /// It does not speak TLS.
    #[error("{host} does not speak HTTPS on this port; if the browser shows the address with http://, enter it so")]
    NotTls {
        /// Host and port.
        host: String,
    },
    /// Another network failure.
    #[error("the connection to {host} failed ({detail}); check the address, and that the server is up")]
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
    #[error("this address leads to {to}; enter the address of Bitbucket itself, as the browser shows it when you are signed in")]
    Redirected {
        /// Where it leads.
        to: String,
    },
    /// Something else answers.
    #[error(
        "what answers at {address} is not Bitbucket Server or Data Center ({detail}); check the address, and whether a sign-in page or proxy stands before it"
    )]
    NotBitbucket {
        /// The base address that was asked.
        address: String,
        /// What was found.
        detail: String,
    },
    /// The password is wrong.
    #[error("Bitbucket does not accept this user name and password; check both (several wrong attempts lock the account behind a CAPTCHA)")]
    WrongPassword,
    /// The token is wrong.
    #[error("Bitbucket does not accept this HTTP access token; check that it is whole, has not expired and was not revoked")]
    TokenRefused,
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
    #[error("Bitbucket at {address} failed with status {status}; try again, or ask its administrator")]
    ServerFailed {
        /// The base address.
        address: String,
        /// The status code.
        status: u16,
    },
}

fn at(login_url: Option<&Url>) -> String {
    login_url.map(|url| format!(" at {url}")).unwrap_or_default()
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
        Self { text: text.to_owned(), major: numbers.next().unwrap_or(0), minor: numbers.next().unwrap_or(0) }
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

impl DataCenterClient {
    /// Tries the address and the credential, in the order in which most can be said about a failure. Nothing is changed at
    /// the server, and the credential is tried once.
    pub async fn check_connection(&self) -> Result<Connection, ConnectionError> {
        let version = self.find_server().await?;
        let (user, capabilities) = self.sign_in_once().await?;
        let user = self.user(&user).await.map_err(|error| self.explain(error))?;
        let ssh = optional(self.ssh_settings_wire().await).map_err(|error| self.explain(error))?.map(ssh_settings);
        let limit = self.get::<RateLimitSettings>("/api/latest/admin/rate-limit/settings", &[], "reading the rate limit").await;
        let limit = optional(limit).map_err(|error| self.explain(error))?;
        let administered = self.first_repositories(Permission::Admin).await.map_err(|error| self.explain(error))?;
        let reads_repositories = !administered.names.is_empty()
            || !self.first_repositories(Permission::Read).await.map_err(|error| self.explain(error))?.names.is_empty();
        Ok(Connection {
            version,
            capabilities,
            user,
            ssh,
            rate_limit: limit
                .filter(|limit| limit.enabled)
                .and_then(|limit| limit.default_settings)
                .and_then(|bucket| Some(RateLimit { capacity: bucket.capacity?, per_second: bucket.fill_rate? })),
            administered,
            reads_repositories,
        })
    }

    /// Asks, without the credential, whether Bitbucket answers at the base address, and if not, whether it answers at another
    /// path of the same host.
    pub(crate) async fn find_server(&self) -> Result<ServerVersion, ConnectionError> {
        let failure = match self.properties_at(&self.base).await {
            Ok(properties) => {
                tracing::debug!(version = properties.version, name = properties.display_name, "found Bitbucket");
                return Ok(ServerVersion::parse(&properties.version));
            }
            Err(error) => error,
        };
        let elsewhere = matches!(failure, ApiError::NotFound { .. } | ApiError::NotBitbucket { .. } | ApiError::Redirected { .. });
        if elsewhere {
            for candidate in other_contexts(&self.base) {
                if self.properties_at(&candidate).await.is_ok() {
                    return Err(ConnectionError::WrongContextPath { found: candidate });
                }
            }
        }
        Err(self.explain(failure))
    }

    async fn properties_at(&self, base: &Url) -> Result<ApplicationProperties, ApiError> {
        let client = Self::anonymous(self.http.clone(), base.clone());
        client.get("/api/1.0/application-properties", &[], "looking for Bitbucket").await
    }

    /// The one attempt with the credential: who are we, and what can the server do with build statuses?
    async fn sign_in_once(&self) -> Result<(String, Capabilities), ConnectionError> {
        let answer = self.first_answer().await.map_err(|error| self.explain(error))?;
        let capabilities = if answer.is_success() {
            let known: BuildCapabilities = answer.decode().map_err(|error| self.explain(error))?;
            let knows = |name: &str| known.build_status.iter().any(|capability| capability == name);
            Capabilities { rich_build_status: knows("richBuildStatus"), cancelled_status: knows("cancelledStatus") }
        } else {
            Capabilities::default()
        };
        match user_name(&answer) {
            Some(user) => Ok((user, capabilities)),
            // 200 without a name: the server lets anybody ask and has ignored the credential.
            None => Err(self.refused()),
        }
    }

    /// Servers before 7.4 do not know the question; their refusal of a wrong credential comes first all the same, and for a
    /// right one the answer names the user.
    async fn first_answer(&self) -> Result<Answer, ApiError> {
        let doing = "signing in to Bitbucket";
        let answer = self.send_unchecked(Request::new(Method::GET, self.url("/api/latest/build/capabilities", &[], doing)?, doing)).await?;
        if answer.status == 404 && user_name(&answer).is_some() { Ok(answer) } else { check(answer, &self.base) }
    }

    /// At most one page of the repositories for which the account has a permission.
    async fn first_repositories(&self, permission: Permission) -> Result<Administered, ApiError> {
        let word = if permission == Permission::Admin { "REPO_ADMIN" } else { "REPO_READ" };
        let page: Page<Repository> =
            self.get("/api/1.0/repos", &[("permission", word), ("limit", "25")], "reading the repositories of the server").await?;
        let more = !page.is_last && page.next_page_start.is_some();
        let names = page.values.into_iter().filter_map(|repository| remote(repository, None)).map(|repository| repository.full_name);
        Ok(Administered { names: names.collect(), more })
    }

    /// What a refused credential means for this kind of credential.
    fn refused(&self) -> ConnectionError {
        match self.credential {
            Some(Credential::Basic { .. }) => ConnectionError::WrongPassword,
            _ => ConnectionError::TokenRefused,
        }
    }

    /// Turns a failed call into the sentence for the form.
    pub(crate) fn explain(&self, error: ApiError) -> ConnectionError {
        let address = self.base.to_string();
        match error {
            ApiError::Network { host, failure, .. } => match failure {
                NetworkFailure::UnknownHost => ConnectionError::UnknownHost { host },
                NetworkFailure::Refused => ConnectionError::PortClosed { host },
                NetworkFailure::Tls(TlsFailure::UnknownIssuer) => ConnectionError::UnknownAuthority { host },
                NetworkFailure::Tls(TlsFailure::WrongName) => ConnectionError::WrongCertificateName { host },
                NetworkFailure::Tls(TlsFailure::Expired) => ConnectionError::CertificateExpired { host },
                NetworkFailure::Tls(TlsFailure::NotTls) => ConnectionError::NotTls { host },
                failure @ (NetworkFailure::Tls(TlsFailure::Other(_)) | NetworkFailure::Other(_)) => {
                    ConnectionError::ConnectionFailed { host, detail: failure.to_string() }
                }
            },
            ApiError::Timeout { host, .. } => ConnectionError::NoAnswer { host },
            ApiError::Unauthorized { .. } => self.refused(),
            ApiError::PasswordsRefused { .. } => ConnectionError::PasswordsRefused,
            ApiError::CaptchaRequired { login_url, .. } => ConnectionError::CaptchaRequired { login_url },
            ApiError::RateLimited { .. } => ConnectionError::RateLimited,
            ApiError::Redirected { to, .. } => ConnectionError::Redirected { to },
            ApiError::Server { status, .. } => ConnectionError::ServerFailed { address, status },
            ApiError::NotFound { .. } | ApiError::Gone { .. } => {
                ConnectionError::NotBitbucket { address, detail: "it does not know Bitbucket's API".to_owned() }
            }
            ApiError::NotBitbucket { detail, .. } | ApiError::BadRequest { detail, .. } => {
                ConnectionError::NotBitbucket { address, detail }
            }
            ApiError::Forbidden { message, .. } => {
                let user = match &self.credential {
                    Some(Credential::Basic { user, .. }) => user.clone(),
                    _ => "the owner of this token".to_owned(),
                };
                ConnectionError::Forbidden { user, detail: message }
            }
            other => ConnectionError::NotBitbucket { address, detail: other.to_string() },
        }
    }
}

/// What a user may not ask or an old server does not know is simply not known; anything else is a failure.
fn optional<T>(result: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_retryable() => Err(error),
        Err(_) => Ok(None),
    }
}

fn ssh_settings(settings: super::wire::SshSettings) -> SshSettings {
    let base = settings.base_url.as_deref().and_then(|url| Url::parse(url).ok());
    let from_base = base.as_ref().and_then(Url::port);
    let fingerprint = settings.fingerprint.and_then(|fingerprint| {
        let value = fingerprint.value?;
        Some(match fingerprint.algorithm {
            Some(algorithm) if !value.contains(':') => format!("{}:{value}", algorithm.replace('-', "")),
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

/// Other paths of the same host where Bitbucket may be: the usual context paths, and the beginnings of the one entered.
fn other_contexts(base: &Url) -> Vec<Url> {
    let entered = base.path().trim_end_matches('/');
    let mut paths: Vec<String> = Vec::new();
    let mut parent = entered;
    while let Some((shorter, _)) = parent.rsplit_once('/') {
        paths.push(shorter.to_owned());
        parent = shorter;
    }
    paths.extend(["/bitbucket", "/stash"].map(str::to_owned));
    paths.retain(|path| path != entered);
    paths.truncate(6);
    let with_path = |path: String| {
        let mut url = base.clone();
        url.set_path(&path);
        url
    };
    paths.into_iter().map(with_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_far_as_they_go() {
        for (text, major, minor) in [("9.4.2", 9, 4), ("10.0", 10, 0), ("4.6.0-rc1", 4, 6), ("nightly", 0, 0)] {
            let version = ServerVersion::parse(text);
            assert_eq!((version.major, version.minor), (major, minor), "{text}");
        }
    }

    #[test]
    fn t14_usual_contexts_and_parents_are_looked_at() {
        let others = |base: &str| -> Vec<String> {
            other_contexts(&base.parse().expect("an address")).into_iter().map(|url| url.path().to_owned()).collect()
        };
        assert_eq!(others("https://example.com"), ["/bitbucket", "/stash"]);
        assert_eq!(others("https://example.com/git/bitbucket"), ["/git", "/", "/bitbucket", "/stash"]);
        assert_eq!(others("https://example.com/bitbucket"), ["/", "/stash"]);
    }

    #[test]
    fn ssh_settings_prefer_what_clone_addresses_show() {
        let wire = |json: &str| ssh_settings(serde_json::from_str(json).expect("settings"));
        let proxied = wire(
            r#"{"enabled":true,"port":7999,"baseUrl":"ssh://git.example.com:2222","fingerprint":{"algorithm":"SHA-256","value":"abc"}}"#,
        );
        assert_eq!((proxied.port, proxied.host.as_deref()), (Some(2222), Some("git.example.com")));
        assert_eq!(proxied.fingerprint.as_deref(), Some("SHA256:abc"));
        assert_eq!(wire(r#"{"port":7999,"baseUrl":"ssh://example.com"}"#).port, Some(7999));
    }
}
