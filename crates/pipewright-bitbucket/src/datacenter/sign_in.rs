//! The form with user name and password, where an HTTP access token may stand in place of the password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipewright_core::Secret;
use url::Url;

use super::{Connection, ConnectionError, DataCenterClient};
use crate::credential::Credential;
use crate::http::Http;

/// A credential that works, and what was found with it.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// What to keep: user name and password, or the HTTP access token that stood in the password's place.
    pub credential: Credential,
    /// What the check found.
    pub connection: Connection,
}

/// Tries user name and password, or token, against the server at `base`. The password is sent as a password at most once,
/// because every wrong one brings a CAPTCHA closer; text of a token's form is tried as a token first, and any text where
/// the server takes no passwords.
pub async fn sign_in(
    http: &Http,
    base: &Url,
    user: &str,
    password: &Secret,
) -> Result<SignedIn, ConnectionError> {
    let as_token = Credential::HttpAccessToken(password.clone());
    let as_password = Credential::Basic {
        user: user.to_owned(),
        password: password.clone(),
    };
    if user.is_empty() {
        return attempt(http, base, as_token).await;
    }
    if looks_like_token(password) {
        match attempt(http, base, as_token).await {
            Err(ConnectionError::TokenRefused) => attempt(http, base, as_password).await,
            other => other,
        }
    } else {
        match attempt(http, base, as_password).await {
            Err(ConnectionError::PasswordsRefused) => match attempt(http, base, as_token).await {
                Err(ConnectionError::TokenRefused) => Err(ConnectionError::PasswordsRefused),
                other => other,
            },
            other => other,
        }
    }
}

async fn attempt(
    http: &Http,
    base: &Url,
    credential: Credential,
) -> Result<SignedIn, ConnectionError> {
    let connection = DataCenterClient::new(http.clone(), base.clone(), credential.clone())
        .check_connection()
        .await?;
    Ok(SignedIn {
        credential,
        connection,
    })
}

/// Tokens are base64 of a number, a colon and 20 random bytes. A wrong guess costs one request.
fn looks_like_token(password: &Secret) -> bool {
    let Ok(bytes) = STANDARD.decode(password.expose()) else {
        return false;
    };
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits >= 6 && bytes.get(digits) == Some(&b':') && bytes.len() > digits + 10
}

#[cfg(test)]
mod tests {
    use pipewright_core::Secret;

    use super::looks_like_token;

    #[test]
    fn tokens_are_told_from_passwords() {
        // The example of Atlassian's own document.
        assert!(looks_like_token(&Secret::new(
            "MjUyOTczNTE1MDY5On2rDbID2EgYpH8AVOECHv0saruQ"
        )));
        for password in [
            "",
            "hunter2",
            "correct horse",
            "cGFzc3dvcmQ=",
            "MTIzNDU2Nzg6",
        ] {
            assert!(!looks_like_token(&Secret::new(password)), "{password}");
        }
    }
}
