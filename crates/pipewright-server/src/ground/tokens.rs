//! Unguessable tokens: of sessions, invitations and the set-up link. Given out once, kept as a hash.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipewright_core::Secret;
use sha2::{Digest, Sha256};

/// How often a session in use is written down as used.
pub(crate) const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// How long a token is, in characters.
pub(crate) const TOKEN_LENGTH: usize = 43;

/// A new token: 32 random bytes in URL-safe Base64, 43 characters.
pub(crate) fn new_token() -> anyhow::Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// What the database holds of a token. A plain hash is enough: the token itself cannot be guessed.
pub(crate) fn hash_of_token(token: &Secret) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{hash_of_token, new_token};

    #[test]
    fn tokens_differ_and_hash_alike() {
        let (first, second) = (new_token().expect("random"), new_token().expect("random"));
        assert_eq!(first.expose().len(), super::TOKEN_LENGTH);
        assert_ne!(first.expose(), second.expose());
        assert_eq!(hash_of_token(&first), hash_of_token(&first.clone()));
        assert_ne!(hash_of_token(&first), hash_of_token(&second));
    }
}
