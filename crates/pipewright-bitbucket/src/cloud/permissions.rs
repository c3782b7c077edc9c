//! Which scopes a credential has, found out by asking.

use reqwest::Method;

use super::CloudClient;
use super::failure::check;
use crate::http::{ApiError, Request, encode_path_part};
use crate::scopes::ScopeSet;

/// What could be found out about a credential's scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedScopes {
    /// Bitbucket listed them.
    Known(ScopeSet),
    /// Bitbucket did not say; each feature then shows when it is tried.
    Unknown,
}

impl CloudClient {
    /// Asks which scopes the credential has. Bitbucket has no call for it: the header `X-OAuth-Scopes` of `GET /user` says
    /// so on some days, and else the refusal of a call whose scope is never asked for (snippets) lists what was granted.
    pub async fn granted_scopes(&self) -> Result<GrantedScopes, ApiError> {
        let doing = "asking Bitbucket which permissions the credential has";
        let answer = self
            .send_unchecked(Request::new(
                Method::GET,
                self.url("/user", &[], doing)?,
                doing,
            ))
            .await?;
        if let Some(scopes) = answer
            .header("x-oauth-scopes")
            .filter(|_| answer.is_success())
        {
            return Ok(GrantedScopes::Known(ScopeSet::parse(scopes)));
        }
        let user = match check(answer) {
            Err(ApiError::MissingScope { granted, .. }) => {
                return Ok(GrantedScopes::Known(granted.into_iter().collect()));
            }
            other => other?.decode::<super::wire::User>()?,
        };
        let path = format!(
            "/snippets/{}",
            encode_path_part(user.uuid.as_deref().unwrap_or_default())
        );
        match self
            .send(Request::new(
                Method::GET,
                self.url(&path, &[("pagelen", "1")], doing)?,
                doing,
            ))
            .await
        {
            Err(ApiError::MissingScope { granted, .. }) => {
                Ok(GrantedScopes::Known(granted.into_iter().collect()))
            }
            Err(error) if error.is_retryable() || error.is_unauthorized() => Err(error),
            // The call went through or failed for another reason: nothing was learned, which is no error.
            Ok(_) | Err(_) => Ok(GrantedScopes::Unknown),
        }
    }
}
