//! Passwords: Argon2id with 19 MiB, two passes, one lane (OWASP's first recommendation for it).
//!
//! Hashing is slow on purpose, so it runs where blocking is allowed and only few at a time, first come, first served, and
//! those whom we know beside strangers: a flood of guesses keeps nobody waiting who signed in here before. Who finds no
//! place within some seconds is told to come back. An unknown user's password is checked against a hash of nothing, so that
//! it takes as long as a known one's.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use pipewright_core::Secret;
use tokio::sync::Semaphore;

/// Hashes made at a time for strangers, across the process: each takes 19 MiB and a core for some tens of milliseconds.
static STRANGERS: Lane = Lane::of(2, 200);

/// The same for whoever is known: is signed in, or comes from a browser that they signed in with before.
static KNOWN: Lane = Lane::of(2, 50);

/// A few places and a bounded queue before them, served in the order of arrival.
struct Lane {
    places: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
}

impl Lane {
    const fn of(places: usize, queue: usize) -> Self {
        Self {
            places: Semaphore::const_new(places),
            waiting: AtomicUsize::new(0),
            queue,
        }
    }
}

/// Whom a password is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Anybody.
    Stranger,
    /// Somebody we know.
    Known,
}

/// How long to wait for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// The shortest password, in characters.
const SHORTEST: usize = 10;

/// The longest password, in bytes.
const LONGEST: usize = 1000;

/// How hard a password must be to guess: a hundred million guesses, where a stranger is let make a few an hour.
const ENOUGH: zxcvbn::Score = zxcvbn::Score::Three;

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

/// Why a new password is refused, as a sentence; nothing where it is good enough. `about` is what others know of its
/// owner: name, address.
pub(crate) fn check(password: &Secret, about: &[&str]) -> Result<(), String> {
    let password = password.expose();
    if password.chars().count() < SHORTEST {
        return Err(format!(
            "Choose a password of at least {SHORTEST} characters; a few words are easier to keep than symbols."
        ));
    }
    if password.len() > LONGEST {
        return Err(format!("Choose a password of at most {LONGEST} bytes."));
    }
    let known: Vec<&str> = about
        .iter()
        .flat_map(|text| {
            std::iter::once(*text)
                .chain(text.split('@'))
                .chain(text.split(|character: char| !character.is_alphanumeric()))
        })
        .chain(["pipewright", "bitbucket"])
        .filter(|word| word.chars().count() > 2)
        .collect();
    if zxcvbn::zxcvbn(password, &known).score() < ENOUGH {
        return Err(
            "This password is too easy to guess: it is made of common words, names, dates or keys next to one another. Choose a few words that do not belong together."
                .to_owned(),
        );
    }
    Ok(())
}

/// The password as a PHC string with a salt of its own.
pub(crate) async fn hash(password: Secret) -> Result<String, PasswordError> {
    blocking(&KNOWN, move || hash_blocking(password.expose())).await
}

/// True where the password belongs to the PHC string. Without one the work is the same and the answer is no.
pub(crate) async fn verify(
    of: For,
    password: Secret,
    hash: Option<String>,
) -> Result<bool, PasswordError> {
    let lane = match of {
        For::Stranger => &STRANGERS,
        For::Known => &KNOWN,
    };
    blocking(lane, move || {
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
    lane: &'static Lane,
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let place = queued(lane).await?;
    // The place is given back when the work ends, also where nobody waits for it any more.
    tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    })
    .await
    .map_err(|error| PasswordError::Hash(error.to_string()))?
}

/// A place in the lane, once it is free.
async fn queued(
    lane: &'static Lane,
) -> Result<tokio::sync::SemaphorePermit<'static>, PasswordError> {
    struct Waiting(&'static AtomicUsize);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let before = lane.waiting.fetch_add(1, Ordering::Relaxed);
    let _waiting = Waiting(&lane.waiting);
    if before >= lane.queue {
        return Err(PasswordError::Busy);
    }
    tokio::time::timeout(PATIENCE, lane.places.acquire())
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or(PasswordError::Busy)
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

    use super::{For, check, hash, verify};

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
            verify(
                For::Stranger,
                Secret::new("correct horse battery"),
                Some(hash.clone())
            )
            .await
            .expect("checks")
        );
        assert!(
            !verify(For::Known, Secret::new("correct horse batterx"), Some(hash))
                .await
                .expect("checks")
        );
        assert!(
            !verify(For::Stranger, Secret::new(""), None)
                .await
                .expect("checks")
        );
    }

    #[test]
    fn weak_passwords_are_refused_with_a_way_out() {
        let about = ["Mara Lindqvist", "mara.l@harbor.example"];
        for weak in [
            "",
            "short",
            "aaaaaaaaaaaaaa",
            &"x".repeat(2000),
            "password12",
            "Password123!",
            "1234567890",
            "qwertyuiop",
            "Summer2026!",
            "lindqvist1",
            "harbor.example",
            "pipewright1",
        ] {
            check(&Secret::new(weak), &about).expect_err(weak);
        }
        for good in ["correct horse", "größe日本語größe日", "another good one"] {
            check(&Secret::new(good), &about).expect(good);
        }
    }
}
