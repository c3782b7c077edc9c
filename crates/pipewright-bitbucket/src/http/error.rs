//! The errors a call to either Bitbucket can end with.

use std::time::Duration;

use url::Url;

use super::NetworkFailure;

/// One field that Bitbucket refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name; empty where the refusal is about the whole.
    pub field: String,
    /// Bitbucket's own sentence.
    pub message: String,
}

/// Why a call did not do what it should. `doing` says what was attempted, to which thing; `message` is Bitbucket's own
/// sentence, possibly empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The credential is unknown, expired or revoked (401).
    #[error(
        "{doing}: Bitbucket does not accept the credential{}; refresh it, or connect again",
        said(message)
    )]
    Unauthorized {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// The credential lacks a permission of its own, whatever its owner may do (403 of Cloud with two lists).
    #[error("{doing}: the credential lacks the permission {}; tick it in the OAuth consumer or token and connect again", required.join(", "))]
    MissingScope {
        /// What was attempted.
        doing: String,
        /// The scopes that the call asks for.
        required: Vec<String>,
        /// The scopes that the credential has, only the strongest of each family.
        granted: Vec<String>,
    },
    /// The credential's owner may not do this (403; 401 of Data Center for somebody who is signed in).
    #[error(
        "{doing}: the connected account may not do this{}; give it the right at Bitbucket, or connect with an account that has it",
        said(message)
    )]
    Forbidden {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// This kind of credential is refused for this call, whatever its permissions.
    #[error(
        "{doing}: Bitbucket does not allow this with this kind of credential{}; use an OAuth connection or do it by hand",
        said(message)
    )]
    WrongKindOfCredential {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// The server takes no user name and password (Data Center 10 by default).
    #[error(
        "{doing}: this Bitbucket does not accept user name and password; create an HTTP access token at Bitbucket and enter it in place of the password"
    )]
    PasswordsRefused {
        /// What was attempted.
        doing: String,
    },
    /// Too many wrong passwords: only signing in with a browser helps, a correct password keeps failing (Data Center).
    #[error(
        "{doing}: Bitbucket demands a CAPTCHA after several failed sign-ins; sign in to Bitbucket once with a browser as this user, then try again"
    )]
    CaptchaRequired {
        /// What was attempted.
        doing: String,
        /// Where to sign in, given only if it is on the server's own host.
        login_url: Option<Url>,
    },
    /// It does not exist, or is hidden from this credential (404).
    #[error(
        "{doing}: Bitbucket does not know it, or hides it from the connected account{}; check that it still exists and that the account can see it",
        said(message)
    )]
    NotFound {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// The call itself was removed from Bitbucket (410).
    #[error(
        "{doing}: Bitbucket has removed this function{}; update Pipewright",
        said(message)
    )]
    Gone {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// It collides with something that exists (409).
    #[error("{doing}: it conflicts with what is at Bitbucket{}", said(message))]
    Conflict {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
    },
    /// Bitbucket refused the content of the request (400, 422).
    #[error(
        "{doing}: Bitbucket refused the request{}{}",
        said(message),
        fields_text(fields)
    )]
    Invalid {
        /// What was attempted.
        doing: String,
        /// Bitbucket's sentence.
        message: String,
        /// The fields it refused, where it says.
        fields: Vec<FieldError>,
    },
    /// Too many requests (429).
    #[error("{doing}: Bitbucket's rate limit for this account is reached{}; it is tried again later", after(*retry_after))]
    RateLimited {
        /// What was attempted.
        doing: String,
        /// How long Bitbucket asks to wait.
        retry_after: Option<Duration>,
    },
    /// Bitbucket failed (5xx, or Cloud's 555 for calls that take too long).
    #[error(
        "{doing}: Bitbucket failed with status {status}{}; it is tried again later",
        said(message)
    )]
    Server {
        /// What was attempted.
        doing: String,
        /// The status code.
        status: u16,
        /// Bitbucket's sentence.
        message: String,
    },
    /// No answer in time.
    #[error(
        "{doing}: {host} did not respond in time; check that it is up and that the network lets Pipewright reach it"
    )]
    Timeout {
        /// What was attempted.
        doing: String,
        /// The host that was asked.
        host: String,
    },
    /// No answer at all.
    #[error("{doing}: {host} cannot be reached: {failure}")]
    Network {
        /// What was attempted.
        doing: String,
        /// The host, with its port, that was asked.
        host: String,
        /// Why.
        failure: NetworkFailure,
    },
    /// The answer sends us to another host, where no credential is sent.
    #[error(
        "{doing}: the response redirects to {to}, where Pipewright does not send the credential; check the address of Bitbucket"
    )]
    Redirected {
        /// What was attempted.
        doing: String,
        /// The scheme, host and path it leads to.
        to: String,
    },
    /// What answered is not Bitbucket as we know it: a login page, a proxy's page, JSON of another shape.
    #[error(
        "{doing}: the response is not one that Bitbucket sends ({detail}); check the address, and whether a proxy or sign-in page stands before it"
    )]
    NotBitbucket {
        /// What was attempted.
        doing: String,
        /// What was found instead.
        detail: String,
    },
    /// The answer is longer than the limit.
    #[error("{doing}: the response is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was attempted.
        doing: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The list has more pages than the limit.
    #[error(
        "{doing}: the list has more than {limit} pages, which is Pipewright's limit for one list"
    )]
    TooManyPages {
        /// What was attempted.
        doing: String,
        /// The limit in pages.
        limit: usize,
    },
    /// The request could not be formed, because a name in it cannot be part of an address.
    #[error("{doing}: {detail}")]
    BadRequest {
        /// What was attempted.
        doing: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl ApiError {
    /// True where the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Server { .. } | Self::Timeout { .. } => true,
            Self::Network { failure, .. } => !matches!(failure, NetworkFailure::Tls(_)),
            _ => false,
        }
    }

    /// How long Bitbucket asks to wait, where it says.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// True where the thing does not exist or is hidden.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// True where the credential itself is no longer good: refresh it, and if that fails ask the person to connect again.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// True where no credential of this account will do, or not this credential: waiting does not help, a person must act.
    pub fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized { .. }
                | Self::MissingScope { .. }
                | Self::Forbidden { .. }
                | Self::WrongKindOfCredential { .. }
                | Self::PasswordsRefused { .. }
                | Self::CaptchaRequired { .. }
        )
    }
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

fn after(retry_after: Option<Duration>) -> String {
    retry_after
        .map(|wait| format!(" (it asks to wait {} s)", wait.as_secs()))
        .unwrap_or_default()
}

fn fields_text(fields: &[FieldError]) -> String {
    let texts: Vec<String> = fields
        .iter()
        .map(|field| {
            if field.field.is_empty() {
                field.message.clone()
            } else {
                format!("{}: {}", field.field, field.message)
            }
        })
        .collect();
    if texts.is_empty() {
        String::new()
    } else {
        format!(": {}", texts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sentence that a call can end with, filled in as people read it, in one snapshot.
    #[test]
    fn every_error_reads_well() {
        let doing = || "adding the access key to harbor/checkout-api".to_owned();
        let host = || "bitbucket.example.com:8443".to_owned();
        let message = || "Bitbucket's own words".to_owned();
        let errors = [
            ApiError::Unauthorized {
                doing: doing(),
                message: String::new(),
            },
            ApiError::MissingScope {
                doing: doing(),
                required: vec!["repository:admin".to_owned(), "webhook".to_owned()],
                granted: vec!["repository".to_owned()],
            },
            ApiError::Forbidden {
                doing: doing(),
                message: message(),
            },
            ApiError::WrongKindOfCredential {
                doing: doing(),
                message: message(),
            },
            ApiError::PasswordsRefused { doing: doing() },
            ApiError::CaptchaRequired {
                doing: doing(),
                login_url: None,
            },
            ApiError::NotFound {
                doing: doing(),
                message: message(),
            },
            ApiError::Gone {
                doing: doing(),
                message: message(),
            },
            ApiError::Conflict {
                doing: doing(),
                message: message(),
            },
            ApiError::Invalid {
                doing: doing(),
                message: message(),
                fields: vec![FieldError {
                    field: "key".to_owned(),
                    message: "is not a key".to_owned(),
                }],
            },
            ApiError::RateLimited {
                doing: doing(),
                retry_after: Some(Duration::from_secs(60)),
            },
            ApiError::Server {
                doing: doing(),
                status: 502,
                message: String::new(),
            },
            ApiError::Timeout {
                doing: doing(),
                host: host(),
            },
            ApiError::Network {
                doing: doing(),
                host: host(),
                failure: NetworkFailure::UnknownHost,
            },
            ApiError::Network {
                doing: doing(),
                host: host(),
                failure: NetworkFailure::Refused,
            },
            ApiError::Redirected {
                doing: doing(),
                to: "https://login.example.com/".to_owned(),
            },
            ApiError::NotBitbucket {
                doing: doing(),
                detail: "the response is text/html instead of JSON".to_owned(),
            },
            ApiError::TooLarge {
                doing: doing(),
                limit: 8 << 20,
            },
            ApiError::TooManyPages {
                doing: doing(),
                limit: 1000,
            },
            ApiError::BadRequest {
                doing: doing(),
                detail: "the name is empty".to_owned(),
            },
        ];
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::with_settings!({ snapshot_path => "../../tests/messages", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("calls", text.join("\n"));
        });
    }
}
