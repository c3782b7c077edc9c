//! What authenticates a call, and how git uses the same thing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipewright_core::Secret;
use reqwest::header::HeaderValue;

/// What authenticates calls to a Bitbucket. Tokens are opaque text of any length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Cloud: an access token of an OAuth grant.
    OAuth {
        /// The access token, about an hour old at most.
        access_token: Secret,
    },
    /// Cloud: an API token with scopes, sent with the Atlassian account's e-mail address.
    ApiToken {
        /// The e-mail address of the account.
        email: String,
        /// The token.
        token: Secret,
    },
    /// Cloud: the access token of a repository, project or workspace.
    AccessToken(Secret),
    /// Data Center: an HTTP access token of a person, project or repository.
    HttpAccessToken(Secret),
    /// Data Center: user name and password; refused by version 10 unless its administrator allows it.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// How git over HTTPS authenticates with a credential. It is handed to git by askpass or from memory, never on a
/// command line and never in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitCredential {
    /// As user name and password.
    UserPassword {
        /// What git is told when it asks for the user name.
        user: String,
        /// What git is told when it asks for the password.
        password: Secret,
    },
    /// As the header `Authorization: Bearer …`; project and repository tokens of Data Center work only so.
    Bearer(Secret),
}

impl Credential {
    /// The value of the `Authorization` header, marked so that it is never logged. An unusable character gives none, and
    /// the call is then answered as unauthorised.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::OAuth {
                access_token: token,
            }
            | Self::AccessToken(token)
            | Self::HttpAccessToken(token) => Secret::new(format!("Bearer {}", token.expose())),
            Self::ApiToken {
                email: user,
                token: password,
            }
            | Self::Basic { user, password } => basic(user, password),
        };
        let mut value = HeaderValue::from_str(text.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// How git over HTTPS uses this credential.
    pub fn for_git(&self) -> GitCredential {
        let named = |user: &str, password: &Secret| GitCredential::UserPassword {
            user: user.to_owned(),
            password: password.clone(),
        };
        match self {
            Self::OAuth {
                access_token: token,
            }
            | Self::AccessToken(token) => named("x-token-auth", token),
            // The e-mail address, which REST wants, is refused by git.
            Self::ApiToken { token, .. } => named("x-bitbucket-api-token-auth", token),
            Self::HttpAccessToken(token) => GitCredential::Bearer(token.clone()),
            Self::Basic { user, password } => named(user, password),
        }
    }

    /// The word for people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OAuth { .. } => "OAuth connection",
            Self::ApiToken { .. } => "API token",
            Self::AccessToken(_) => "access token",
            Self::HttpAccessToken(_) => "HTTP access token",
            Self::Basic { .. } => "user name and password",
        }
    }
}

/// The value of a Basic `Authorization` header.
pub(crate) fn basic(user: &str, password: &Secret) -> Secret {
    let pair = Secret::new(format!("{user}:{}", password.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_documented_and_never_shown() {
        let token = Credential::OAuth {
            access_token: Secret::new("abc"),
        };
        let header = token.header().expect("a header");
        assert_eq!(header.to_str().expect("text"), "Bearer abc");
        assert_eq!(
            format!("{header:?} {token:?}"),
            "Sensitive OAuth { access_token: Secret(…) }"
        );
        let basic = Credential::Basic {
            user: "jane".to_owned(),
            password: Secret::new("pä:ss"),
        };
        assert_eq!(
            basic.header().expect("a header").to_str().expect("text"),
            "Basic amFuZTpww6Q6c3M="
        );
        assert_eq!(
            Credential::AccessToken(Secret::new("line\nbreak")).header(),
            None,
            "a header is not broken open"
        );
    }

    #[test]
    fn git_gets_the_names_that_bitbucket_wants() {
        let api = Credential::ApiToken {
            email: "a@example.com".to_owned(),
            token: Secret::new("t"),
        };
        assert_eq!(
            api.for_git(),
            GitCredential::UserPassword {
                user: "x-bitbucket-api-token-auth".to_owned(),
                password: Secret::new("t")
            }
        );
        assert_eq!(
            Credential::HttpAccessToken(Secret::new("t")).for_git(),
            GitCredential::Bearer(Secret::new("t"))
        );
    }
}
