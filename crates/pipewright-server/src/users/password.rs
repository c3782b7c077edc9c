//! Passwords: Argon2id with 19 MiB, two passes, one lane (OWASP's first recommendation for it).
//!
//! Hashing is slow on purpose, so it runs where blocking is allowed and only few at a time; who finds no place within
//! some seconds is told to come back. An unknown user's password is checked against a hash of nothing, so that it takes
//! as long as a known one's.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use pipewright_core::Secret;
use tokio::sync::Semaphore;

/// Hashes made at a time, across the process: each takes 19 MiB and a core for some tens of milliseconds.
static PLACES: Semaphore = Semaphore::const_new(2);

/// How long to wait for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// The shortest password, in characters.
const SHORTEST: usize = 10;

/// The longest password, in bytes.
const LONGEST: usize = 1000;

/// What an unknown user's password is checked against: a hash of an empty password, which nobody may have.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_blocking("").ok());

/// A password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many are being hashed.
    #[error("too many passwords are being checked; try again in a few seconds")]
    Busy,
    /// Hashing itself failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Why a new password is not taken, as a sentence; nothing where it is.
pub(crate) fn check(password: &Secret) -> Result<(), String> {
    let password = password.expose();
    if password.chars().count() < SHORTEST {
        return Err(format!(
            "Choose a password of at least {SHORTEST} characters; a few words are easier to keep than symbols."
        ));
    }
    if password.len() > LONGEST {
        return Err(format!("Choose a password of at most {LONGEST} bytes."));
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return Err("Choose a password that is not one character over and over.".to_owned());
    }
    Ok(())
}

/// The password as a PHC string with a salt of its own.
pub(crate) async fn hash(password: Secret) -> Result<String, PasswordError> {
    blocking(move || hash_blocking(password.expose())).await
}

/// True where the password belongs to the PHC string. Without one the work is the same and the answer is no.
pub(crate) async fn verify(password: Secret, hash: Option<String>) -> Result<bool, PasswordError> {
    blocking(move || {
        let known = hash.is_some();
        let hash = hash
            .or_else(|| NOBODY.clone())
            .ok_or_else(|| PasswordError::Hash("no random bytes for a salt".to_owned()))?;
        let parsed =
            PasswordHash::new(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
        let fits = password.expose().len() <= LONGEST
            && argon2()?
                .verify_password(password.expose().as_bytes(), &parsed)
                .is_ok();
        Ok(fits && known)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let place = tokio::time::timeout(PATIENCE, PLACES.acquire())
        .await
        .map_err(|_| PasswordError::Busy)?;
    let result = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    drop(place);
    result
}

fn hash_blocking(password: &str) -> Result<String, PasswordError> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None)
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use pipewright_core::Secret;

    use super::{check, hash, verify};

    #[tokio::test]
    async fn only_the_right_password_fits_and_nobodys_never() {
        let hash = hash(Secret::new("correct horse battery"))
            .await
            .expect("hashes");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            verify(Secret::new("correct horse battery"), Some(hash.clone()))
                .await
                .expect("checks")
        );
        assert!(
            !verify(Secret::new("correct horse batterx"), Some(hash))
                .await
                .expect("checks")
        );
        assert!(!verify(Secret::new(""), None).await.expect("checks"));
    }

    #[test]
    fn weak_passwords_are_refused_with_a_way_out() {
        for weak in ["", "short", "aaaaaaaaaaaaaa", &"x".repeat(2000)] {
            check(&Secret::new(weak)).expect_err("is refused");
        }
        check(&Secret::new("correct horse")).expect("is taken");
        check(&Secret::new("größe日本語größe日")).expect("is taken");
    }
}
