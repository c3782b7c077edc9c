//! The calls: exchange a code, refresh, revoke.

use pipewright_core::Secret;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::authorize::{PkceVerifier, StateToken, authorize_url};
use super::token::TokenAnswer;
use super::{OAuthError, TokenSet};
use crate::cloud::CloudEndpoints;
use crate::credential::basic;
use crate::http::{Answer, ApiError, Http, Request, retry_after};
use crate::scopes::ScopeSet;

/// One OAuth consumer of Bitbucket Cloud, which each installation has of its own.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    http: Http,
    endpoints: CloudEndpoints,
    key: String,
    secret: Secret,
}

/// Which grant is being asked for: the same refusal means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    Code,
    Refresh,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
}

impl OAuthClient {
    /// The consumer with this key and secret; neither has a fixed length.
    pub fn new(
        http: Http,
        endpoints: CloudEndpoints,
        key: impl Into<String>,
        secret: Secret,
    ) -> Self {
        Self {
            http,
            endpoints,
            key: key.into(),
            secret,
        }
    }

    /// Where to send the person's browser. `redirect_uri` must begin with the consumer's callback URL and is repeated when
    /// the code is exchanged; `scopes` narrows the grant.
    pub fn authorize_url(
        &self,
        state: &StateToken,
        verifier: &PkceVerifier,
        redirect_uri: &Url,
        scopes: &ScopeSet,
    ) -> Result<Url, OAuthError> {
        let base = self.page("/site/oauth2/authorize")?;
        Ok(authorize_url(
            base,
            &self.key,
            state,
            verifier,
            redirect_uri,
            scopes,
        ))
    }

    /// Exchanges the code of a callback for tokens. A code is good once: do not retry after any answer.
    pub async fn exchange_code(
        &self,
        code: &Secret,
        verifier: &PkceVerifier,
        redirect_uri: &Url,
    ) -> Result<TokenSet, OAuthError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.secret().expose()),
        ];
        self.ask(Grant::Code, &form).await
    }

    /// Trades a refresh token for the next pair. The old refresh token is spent by this: store the answer before using it,
    /// and run only one refresh per connection at a time.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<TokenSet, OAuthError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
        ];
        let mut tokens = self.ask(Grant::Refresh, &form).await?;
        if tokens.refresh_token.is_none() {
            // Before May 2026 refresh tokens did not rotate and were not always repeated.
            tokens.refresh_token = Some(refresh_token.clone());
        }
        Ok(tokens)
    }

    /// Tries to end a token at Bitbucket. No such call is documented, so nothing may depend on it: true only where
    /// Bitbucket said yes. A person can always end the access on their Bitbucket settings' page of authorised apps.
    pub async fn revoke(&self, token: &Secret) -> bool {
        let Ok(url) = self.page("/site/oauth2/revoke") else {
            return false;
        };
        let request = self.signed(
            Request::new(Method::POST, url, "revoking the access at Bitbucket")
                .form(&[("token", token.expose())]),
        );
        matches!(self.http.send(request).await, Ok(answer) if answer.is_success())
    }

    async fn ask(&self, grant: Grant, form: &[(&str, &str)]) -> Result<TokenSet, OAuthError> {
        let doing = match grant {
            Grant::Code => "exchanging the authorization for tokens",
            Grant::Refresh => "refreshing the access to Bitbucket",
        };
        let request = self.signed(
            Request::new(Method::POST, self.page("/site/oauth2/access_token")?, doing).form(form),
        );
        let answer = self
            .http
            .send(request)
            .await
            .map_err(OAuthError::Unavailable)?;
        if answer.is_success() {
            let tokens: TokenAnswer = answer.decode().map_err(OAuthError::Unavailable)?;
            return Ok(tokens.into());
        }
        Err(refusal(grant, &answer))
    }

    fn signed(&self, request: Request) -> Request {
        match HeaderValue::from_str(basic(&self.key, &self.secret).expose()) {
            Ok(value) => request.header(AUTHORIZATION, value),
            // Base64 is always a valid header, so this is never reached; unsigned, the request would be refused.
            Err(_) => request,
        }
    }

    fn page(&self, path: &str) -> Result<Url, OAuthError> {
        self.endpoints
            .page(path)
            .ok_or_else(|| OAuthError::Refused("the address of Bitbucket is not usable".to_owned()))
    }
}

/// What a refusal means. Bitbucket answers a bad refresh token with `invalid_request`, so the words alone do not decide.
fn refusal(grant: Grant, answer: &Answer) -> OAuthError {
    let doing = answer.doing.clone();
    let status = answer.status;
    if status == 429 {
        return OAuthError::Unavailable(ApiError::RateLimited {
            doing,
            retry_after: retry_after(answer),
        });
    }
    let body = serde_json::from_slice::<Refusal>(&answer.body);
    let is_answer = body.as_ref().is_ok_and(|body| !body.error.is_empty());
    if status >= 500 || (!is_answer && !matches!(status, 400 | 401)) {
        return OAuthError::Unavailable(ApiError::Server {
            doing,
            status,
            message: String::new(),
        });
    }
    let Refusal {
        error,
        error_description,
    } = body.unwrap_or_default();
    let description = error_description.to_ascii_lowercase();
    match (error.as_str(), grant) {
        ("invalid_client" | "unauthorized_client", _) => OAuthError::WrongClient,
        _ if description.contains("no callback") => OAuthError::NoCallback,
        _ if description.contains("redirect_uri") => OAuthError::WrongCallback,
        ("", _) if status == 401 => OAuthError::WrongClient,
        ("invalid_grant" | "invalid_request" | "", Grant::Refresh) => OAuthError::RefreshInvalid,
        ("invalid_grant" | "invalid_request" | "", Grant::Code) => OAuthError::CodeInvalid,
        _ => OAuthError::Refused(said(&error, &error_description)),
    }
}

fn said(error: &str, description: &str) -> String {
    let text = if description.is_empty() {
        error.to_owned()
    } else {
        format!("{error}: {description}")
    };
    text.chars().take(300).collect()
}
