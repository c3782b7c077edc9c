//! The connection check: what a new connection is tried with before anything is saved, each failure with its own sentence.
//!
//! The order matters: first everything that can be learned without the credential, then one single attempt with it,
//! because every wrong password brings the account closer to a CAPTCHA.

use reqwest::Method;
use url::Url;

use super::DataCenterClient;
use super::connection::{
    Administered, Capabilities, Connection, ConnectionError, RateLimit, ServerVersion, ssh_settings,
};
use super::failure::check;
use super::repositories::remote;
use super::users::{unnamed, user_name};
use super::wire::{ApplicationProperties, Page, RateLimitSettings, Repository};
use crate::credential::Credential;
use crate::http::{Answer, ApiError, BuildCapabilities, NetworkFailure, Request, TlsFailure};
use crate::remote::Permission;

impl DataCenterClient {
    /// Tries the address and the credential, in the order in which most can be said about a failure. Nothing is changed at
    /// the server, and the credential is tried once.
    pub async fn check_connection(&self) -> Result<Connection, ConnectionError> {
        self.check_connection_of("").await
    }

    /// The same, with the user name that a person entered: it is believed where the server does not name the user itself.
    pub(crate) async fn check_connection_of(
        &self,
        entered: &str,
    ) -> Result<Connection, ConnectionError> {
        let version = self.find_server().await?;
        let (named, capabilities) = self.sign_in_once().await?;
        let user = match named.or_else(|| self.own_name(entered)) {
            Some(name) => self.user(&name).await,
            None => Ok(unnamed()),
        };
        let user = user.map_err(|error| self.explain(error))?;
        let ssh = optional(self.ssh_settings_wire().await)
            .map_err(|error| self.explain(error))?
            .map(ssh_settings);
        let limit = self
            .get::<RateLimitSettings>(
                "/api/latest/admin/rate-limit/settings",
                &[],
                "reading the rate limit",
            )
            .await;
        let limit = optional(limit).map_err(|error| self.explain(error))?;
        let administered = self
            .first_repositories(Permission::Admin)
            .await
            .map_err(|error| self.explain(error))?;
        let reads_repositories = !administered.names.is_empty()
            || !self
                .first_repositories(Permission::Read)
                .await
                .map_err(|error| self.explain(error))?
                .names
                .is_empty();
        Ok(Connection {
            version,
            capabilities,
            user,
            ssh,
            rate_limit: limit
                .filter(|limit| limit.enabled)
                .and_then(|limit| limit.default_settings)
                .and_then(|bucket| {
                    Some(RateLimit {
                        capacity: bucket.capacity?,
                        per_second: bucket.fill_rate?,
                    })
                }),
            administered,
            reads_repositories,
        })
    }

    /// Asks, without the credential, whether Bitbucket answers at the base address, and if not, whether it answers at another
    /// path of the same host.
    pub(crate) async fn find_server(&self) -> Result<ServerVersion, ConnectionError> {
        let failure = match self.properties_at(&self.base).await {
            Ok(properties) => {
                tracing::debug!(
                    version = properties.version,
                    name = properties.display_name,
                    "found Bitbucket"
                );
                return Ok(ServerVersion::parse(&properties.version));
            }
            Err(error) => error,
        };
        let elsewhere = matches!(
            failure,
            ApiError::NotFound { .. } | ApiError::NotBitbucket { .. } | ApiError::Redirected { .. }
        );
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
        client
            .get(
                "/api/1.0/application-properties",
                &[],
                "looking for Bitbucket",
            )
            .await
    }

    /// The one attempt with the credential: who are we, where the server says so, and what can it do with build statuses?
    async fn sign_in_once(&self) -> Result<(Option<String>, Capabilities), ConnectionError> {
        let answer = self
            .first_answer()
            .await
            .map_err(|error| self.explain(error))?;
        let capabilities = if answer.is_success() {
            let known: BuildCapabilities = answer.decode().map_err(|error| self.explain(error))?;
            let knows = |name: &str| {
                known
                    .build_status
                    .iter()
                    .any(|capability| capability == name)
            };
            Capabilities {
                rich_build_status: knows("richBuildStatus"),
                cancelled_status: knows("cancelledStatus"),
            }
        } else {
            Capabilities::default()
        };
        let named = user_name(&answer);
        if named.is_none() {
            self.demand_a_user().await?;
        }
        Ok((named, capabilities))
    }

    /// An answer without a name: the server lets anybody ask and has ignored the credential, or something between removes the
    /// header, which no document promises. A question that only a signed-in user may ask tells which.
    async fn demand_a_user(&self) -> Result<(), ConnectionError> {
        let doing = "signing in to Bitbucket";
        let asked = self
            .get::<serde::de::IgnoredAny>(
                "/api/1.0/dashboard/pull-requests",
                &[("limit", "1")],
                doing,
            )
            .await;
        match asked {
            Ok(_) => Ok(()),
            // The user of a project's or repository's token has no dashboard: nothing is learnt of the token.
            Err(ApiError::Forbidden { .. } | ApiError::NotFound { .. }) => {
                Err(ConnectionError::NotNamed {
                    kind: self
                        .credential
                        .as_ref()
                        .map_or("credential", Credential::kind),
                })
            }
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Whose the credential is by its own word, or by that of the person who entered it.
    fn own_name(&self, entered: &str) -> Option<String> {
        let name = match &self.credential {
            Some(Credential::Basic { user, .. }) => user,
            _ => entered,
        };
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Servers before 7.4 do not know the question; their refusal of a wrong credential comes first all the same.
    async fn first_answer(&self) -> Result<Answer, ApiError> {
        let doing = "signing in to Bitbucket";
        let answer = self
            .send_unchecked(Request::new(
                Method::GET,
                self.url("/api/latest/build/capabilities", &[], doing)?,
                doing,
            ))
            .await?;
        if answer.status == 404 {
            Ok(answer)
        } else {
            check(answer, &self.base)
        }
    }

    /// At most one page of the repositories for which the account has a permission.
    async fn first_repositories(&self, permission: Permission) -> Result<Administered, ApiError> {
        let word = if permission == Permission::Admin {
            "REPO_ADMIN"
        } else {
            "REPO_READ"
        };
        let page: Page<Repository> = self
            .get(
                "/api/1.0/repos",
                &[("permission", word), ("limit", "25")],
                "reading the repositories of the server",
            )
            .await?;
        let more = !page.is_last && page.next_page_start.is_some();
        let names = page
            .values
            .into_iter()
            .filter_map(|repository| remote(repository, None))
            .map(|repository| repository.full_name);
        Ok(Administered {
            names: names.collect(),
            more,
        })
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
            ApiError::Network { host, failure, .. } => {
                match failure {
                    NetworkFailure::UnknownHost => ConnectionError::UnknownHost { host },
                    NetworkFailure::NotAllowed(refused) => ConnectionError::NotAllowed(refused),
                    NetworkFailure::Refused => ConnectionError::PortClosed { host },
                    NetworkFailure::Tls(TlsFailure::UnknownIssuer) => {
                        ConnectionError::UnknownAuthority { host }
                    }
                    NetworkFailure::Tls(TlsFailure::WrongName) => {
                        ConnectionError::WrongCertificateName { host }
                    }
                    NetworkFailure::Tls(TlsFailure::Expired) => {
                        ConnectionError::CertificateExpired { host }
                    }
                    NetworkFailure::Tls(TlsFailure::NotTls) => ConnectionError::NotTls { host },
                    failure @ (NetworkFailure::Tls(TlsFailure::Other(_))
                    | NetworkFailure::Other(_)) => ConnectionError::ConnectionFailed {
                        host,
                        detail: failure.to_string(),
                    },
                }
            }
            ApiError::Timeout { host, .. } => ConnectionError::NoAnswer { host },
            ApiError::Unauthorized { .. } => self.refused(),
            ApiError::PasswordsRefused { .. } => ConnectionError::PasswordsRefused,
            ApiError::CaptchaRequired { login_url, .. } => {
                ConnectionError::CaptchaRequired { login_url }
            }
            ApiError::RateLimited { .. } => ConnectionError::RateLimited,
            ApiError::Redirected { to, .. } => ConnectionError::Redirected { to },
            ApiError::Server { status, .. } => ConnectionError::ServerFailed { address, status },
            ApiError::NotFound { .. } | ApiError::Gone { .. } => ConnectionError::NotBitbucket {
                address,
                detail: "it does not know Bitbucket's API".to_owned(),
            },
            ApiError::NotBitbucket { detail, .. } | ApiError::BadRequest { detail, .. } => {
                ConnectionError::NotBitbucket { address, detail }
            }
            ApiError::Forbidden { message, .. } => {
                let user = match &self.credential {
                    Some(Credential::Basic { user, .. }) => user.clone(),
                    _ => "the owner of this token".to_owned(),
                };
                ConnectionError::Forbidden {
                    user,
                    detail: message,
                }
            }
            other => ConnectionError::NotBitbucket {
                address,
                detail: other.to_string(),
            },
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
    use super::other_contexts;

    #[test]
    fn t14_usual_contexts_and_parents_are_looked_at() {
        let others = |base: &str| -> Vec<String> {
            other_contexts(&base.parse().expect("an address"))
                .into_iter()
                .map(|url| url.path().to_owned())
                .collect()
        };
        assert_eq!(others("https://example.com"), ["/bitbucket", "/stash"]);
        assert_eq!(
            others("https://example.com/git/bitbucket"),
            ["/git", "/", "/bitbucket", "/stash"]
        );
        assert_eq!(others("https://example.com/bitbucket"), ["/", "/stash"]);
    }
}
