//! The life of keys: made when they are first needed, published before they sign, and published on until the last token that
//! they signed has expired.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, OidcKeyId};
use pipewright_store::oidc::{self, OidcKey, SigningAlgorithm};
use pipewright_store::sealed::purpose;
use pipewright_store::{StoreError, Tx, Vault};
use serde_json::{Value, json};

use super::sign::{NewKey, SignError, make};
use crate::app::App;
use crate::config::ServerConfig;

/// How long a new key is published before it signs, so that whoever keeps the list of keys for a while knows it by then.
const AHEAD: Duration = Duration::from_hours(1);

/// How long a token lives at most.
pub(super) const LONGEST: Duration = Duration::from_hours(24);

/// How long a key signs before another one follows by itself.
const AGE: Duration = Duration::from_hours(24 * 90);

/// Of each algorithm there is a key from the beginning, so that one can be chosen at any time.
const ALGORITHMS: [SigningAlgorithm; 2] = [SigningAlgorithm::Rs256, SigningAlgorithm::Es256];

/// A key is not there and cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Making or using one failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The task that makes one was ended.
    #[error("a key was not made in time")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a key is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Published, and signs from then on.
    Next,
    /// Signs.
    Signs,
    /// Published for tokens that it signed.
    Past,
}

/// The issuer of an account's tokens.
pub(crate) fn issuer(config: &ServerConfig, account: AccountId) -> String {
    config.public(&format!("/oidc/{}", account.as_uuid()))
}

/// What each key of an account is doing now. `keys` are in their order.
pub(crate) fn standing(keys: &[OidcKey], key: &OidcKey, now: Timestamp) -> Standing {
    if key.signs_from > now {
        return Standing::Next;
    }
    let is_followed = keys.iter().any(|other| {
        other.algorithm == key.algorithm && other.number > key.number && other.signs_from <= now
    });
    if is_followed {
        Standing::Past
    } else {
        Standing::Signs
    }
}

/// The public keys, as verifiers ask for them (RFC 7517, 5).
pub(crate) fn published(keys: &[OidcKey], now: Timestamp) -> Value {
    let keys: Vec<Value> = keys
        .iter()
        .filter(|key| key.published_until.is_none_or(|until| until > now))
        .filter_map(|key| serde_json::from_str(&key.public_jwk).ok())
        .collect();
    json!({ "keys": keys })
}

/// The account's keys; made where there are none, and followed by others where they are old.
pub(crate) async fn ensure(app: &App, account: AccountId) -> Result<Vec<OidcKey>, KeyError> {
    // Twice at most: somebody else may make the same key at the same moment.
    for _ in 0..2 {
        let keys = oidc::keys(&app.db, account).await?;
        let now = app.clock.now();
        let wanted: Vec<_> = ALGORITHMS
            .into_iter()
            .filter_map(|algorithm| due(&keys, algorithm, now))
            .collect();
        if wanted.is_empty() {
            return Ok(keys);
        }
        let made = make_all(&wanted).await?;
        let mut tx = app.db.begin().await?;
        match store(&mut tx, &app.vault, account, made, now).await {
            Ok(()) => tx.commit().await?,
            Err(error) if error.is_unique_violation() => tx.rollback().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(oidc::keys(&app.db, account).await?)
}

/// What follows at once, or after [`AHEAD`], by a person's word. Nothing where what follows is published already.
pub(super) fn follow(keys: &[OidcKey], now: Timestamp, at_once: bool) -> Vec<Wanted> {
    let is_waiting = keys.iter().any(|key| key.signs_from > now);
    if is_waiting && !at_once {
        return Vec::new();
    }
    ALGORITHMS
        .into_iter()
        .map(|algorithm| Wanted {
            algorithm,
            number: last(keys, algorithm).map_or(1, |key| key.number + 1),
            signs_from: if at_once { now } else { now + AHEAD },
        })
        .collect()
}

/// A key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    algorithm: SigningAlgorithm,
    number: i64,
    signs_from: Timestamp,
}

impl Wanted {
    /// From when it signs.
    pub(super) const fn signs_from(&self) -> Timestamp {
        self.signs_from
    }
}

fn last(keys: &[OidcKey], algorithm: SigningAlgorithm) -> Option<&OidcKey> {
    keys.iter().rfind(|key| key.algorithm == algorithm)
}

fn due(keys: &[OidcKey], algorithm: SigningAlgorithm, now: Timestamp) -> Option<Wanted> {
    match last(keys, algorithm) {
        None => Some(Wanted {
            algorithm,
            number: 1,
            signs_from: now,
        }),
        Some(last) if last.signs_from + AGE <= now => Some(Wanted {
            algorithm,
            number: last.number + 1,
            signs_from: now + AHEAD,
        }),
        Some(_) => None,
    }
}

/// Makes them where computing holds nobody up.
pub(super) async fn make_all(wanted: &[Wanted]) -> Result<Vec<(Wanted, NewKey)>, KeyError> {
    let wanted = wanted.to_vec();
    let made = tokio::task::spawn_blocking(move || {
        wanted
            .into_iter()
            .map(|one| Ok((one, make(one.algorithm)?)))
            .collect::<Result<Vec<_>, SignError>>()
    });
    Ok(made.await.map_err(|_| KeyError::Ended)??)
}

/// Stores new keys, says until when those before them are published, and forgets the ones that nobody needs.
pub(super) async fn store(
    tx: &mut Tx,
    vault: &Vault,
    account: AccountId,
    made: Vec<(Wanted, NewKey)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (wanted, new) in made {
        let id = OidcKeyId::new();
        let key = OidcKey {
            id,
            algorithm: wanted.algorithm,
            number: wanted.number,
            key_id: new.key_id,
            public_jwk: new.public_jwk,
            private_key: vault.seal(&new.private_key, &purpose::oidc_key(id)),
            made_at: now,
            signs_from: wanted.signs_from,
            published_until: None,
        };
        oidc::add(tx, account, &key, wanted.signs_from + LONGEST).await?;
    }
    oidc::forget(tx, account, now).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::OidcKeyId;
    use pipewright_store::Sealed;
    use pipewright_store::oidc::{OidcKey, SigningAlgorithm};

    use super::{AGE, AHEAD, LONGEST, Standing, due, follow, published, standing};

    fn key(number: i64, signs_from: Timestamp, published_until: Option<Timestamp>) -> OidcKey {
        OidcKey {
            id: OidcKeyId::new(),
            algorithm: SigningAlgorithm::Rs256,
            number,
            key_id: format!("k{number}"),
            public_jwk: format!("{{\"kid\":\"k{number}\"}}"),
            private_key: Sealed::from(Vec::new()),
            made_at: signs_from,
            signs_from,
            published_until,
        }
    }

    fn names(keys: &[OidcKey], now: Timestamp) -> Vec<String> {
        let list = published(keys, now);
        let keys = list["keys"].as_array().expect("a list").clone();
        keys.iter()
            .map(|key| key["kid"].as_str().expect("a name").to_owned())
            .collect()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_until_its_last_token_expired() {
        let begin = Timestamp::from_seconds(1_000_000);
        let first = key(1, begin, None);
        assert_eq!(
            due(std::slice::from_ref(&first), SigningAlgorithm::Rs256, begin),
            None
        );
        // A person has another one follow.
        let now = begin + Duration::from_hours(5);
        let wanted = follow(std::slice::from_ref(&first), now, false);
        let rs = wanted
            .iter()
            .find(|one| one.algorithm == SigningAlgorithm::Rs256)
            .expect("one");
        assert_eq!((rs.number, rs.signs_from), (2, now + AHEAD));
        let until = rs.signs_from + LONGEST;
        let keys = [key(1, begin, Some(until)), key(2, rs.signs_from, None)];
        let stand = |at: Timestamp| [standing(&keys, &keys[0], at), standing(&keys, &keys[1], at)];
        assert_eq!(stand(now), [Standing::Signs, Standing::Next]);
        assert_eq!(stand(rs.signs_from), [Standing::Past, Standing::Signs]);
        assert_eq!(names(&keys, now), ["k1", "k2"]);
        assert_eq!(names(&keys, until - Duration::from_secs(1)), ["k1", "k2"]);
        assert_eq!(names(&keys, until), ["k2"]);
        assert!(follow(&keys, now, false).is_empty(), "one waits already");
        assert!(
            !follow(&keys, now, true).is_empty(),
            "but not where it hurries"
        );
    }

    #[test]
    fn a_key_is_followed_by_itself_when_it_is_old() {
        let begin = Timestamp::from_seconds(1_000_000);
        let keys = [key(1, begin, None)];
        let algorithm = SigningAlgorithm::Rs256;
        assert_eq!(due(&keys, algorithm, begin + AGE - AHEAD), None);
        let wanted = due(&keys, algorithm, begin + AGE).expect("another one");
        assert_eq!((wanted.number, wanted.signs_from), (2, begin + AGE + AHEAD));
        let first = due(&keys, SigningAlgorithm::Es256, begin).expect("the first");
        assert_eq!(
            (first.number, first.signs_from),
            (1, begin),
            "signs at once"
        );
    }
}
