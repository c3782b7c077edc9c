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

/// Tries user name and password, or token, against the server at `base`. What the text is, is found by trying: as the one and
/// then as the other. The password is sent as a password at most once, because every wrong one brings a CAPTCHA closer; text
/// that looks like a token is therefore tried as a token first.
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
        return attempt(http, base, user, as_token).await;
    }
    if looks_like_token(password) {
        return match attempt(http, base, user, as_token).await {
            Err(ConnectionError::TokenRefused) => attempt(http, base, user, as_password).await,
            other => other,
        };
    }
    match attempt(http, base, user, as_password).await {
        Err(refused @ (ConnectionError::WrongPassword | ConnectionError::PasswordsRefused)) => {
            match attempt(http, base, user, as_token).await {
                Err(ConnectionError::TokenRefused) => Err(refused),
                other => other,
            }
        }
        other => other,
    }
}

async fn attempt(
    http: &Http,
    base: &Url,
    user: &str,
    credential: Credential,
) -> Result<SignedIn, ConnectionError> {
    let connection = DataCenterClient::new(http.clone(), base.clone(), credential.clone())
        .check_connection_of(user)
        .await?;
    Ok(SignedIn {
        credential,
        connection,
    })
}

/// A guess, which only says what is tried first. Present tokens begin with `BBDC-`; older ones are base64 of a number, a colon
/// and 20 random bytes.
fn looks_like_token(password: &Secret) -> bool {
    if password.expose().starts_with("BBDC-") {
        return true;
    }
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
        assert!(looks_like_token(&Secret::new("BBDC-anything+at/all")));
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
