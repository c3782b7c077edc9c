//! Who may try a password, wherever one is asked for. An attempt is counted in the transaction that lets it pass: under
//! its address from its source, under its source, and under its address from everywhere. A browser that its user signed in
//! with before has a count of its own, so that strangers can lock nobody out of it.
//!
//! Every refusal is a line in the log and stands in the history. A flood does not fill the history: of attempts that are
//! refused because of a lock, the first, the tenth, the hundredth and so on become an event, with their number.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;
use pipewright_store::events::{self, NewEvent};
use pipewright_store::sign_ins::{self, Count};
use pipewright_store::{StoreError, Tx};

use super::lockout::{self, Counted};
use crate::app::App;
use crate::web::{PageError, Visitor, source};

/// The longest address that is looked up, in bytes; nobody has a longer one.
const LONGEST_EMAIL: usize = 254;

/// One attempt that was let pass, with what was counted for it.
#[derive(Debug)]
pub(crate) struct Attempt {
    counted: Vec<(String, Counted)>,
    /// A browser that the user signed in with before, or a session: served before strangers.
    pub(crate) is_known: bool,
    /// Until when the next one waits.
    pub(crate) locked_until: Option<Timestamp>,
}

/// The attempt is refused until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Locked(pub(crate) Timestamp);

impl Attempt {
    /// Lets an attempt to sign in pass, or not. `browser` is the hash of the cookie of a browser that may be known.
    pub(crate) async fn to_sign_in(
        app: &App,
        email: &str,
        address: &str,
        browser: Option<&[u8]>,
    ) -> Result<Result<Self, Locked>, StoreError> {
        let email: String = cut(email);
        if let Some(hash) = browser
            && sign_ins::knows_browser(&app.db, hash, &email).await?
        {
            let key = format!("browser {}", hex::encode(hash));
            return Self::admit(app, vec![(key, Counted::Pair)], true).await;
        }
        let source = source(address);
        let counted = vec![
            (format!("source {source}"), Counted::Source),
            (format!("address {email}"), Counted::Address),
            (format!("pair {email} {source}"), Counted::Pair),
        ];
        Self::admit(app, counted, false).await
    }

    /// Lets somebody who is signed in try their own password, or not.
    pub(crate) async fn of_user(
        app: &App,
        user: UserId,
    ) -> Result<Result<Self, Locked>, StoreError> {
        Self::admit(app, vec![(format!("user {user}"), Counted::Pair)], true).await
    }

    async fn admit(
        app: &App,
        counted: Vec<(String, Counted)>,
        is_known: bool,
    ) -> Result<Result<Self, Locked>, StoreError> {
        let now = app.clock.now();
        // Who is locked out is refused without a write, so that a flood costs no more than a read.
        for (key, _) in &counted {
            let count = sign_ins::count(&app.db, key).await?;
            if let Some(until) = count.and_then(|count| lockout::locked(&count, now)) {
                return Ok(Err(Locked(until)));
            }
        }
        let mut tx = app.db.begin().await?;
        sign_ins::forget(&mut tx, now - lockout::WINDOW).await?;
        let mut locked_until = None;
        for (key, of) in &counted {
            let count = sign_ins::hold(&mut tx, key, now).await?;
            if let Some(until) = lockout::locked(&count, now) {
                return Ok(Err(Locked(until)));
            }
            let next = lockout::one_more(&count, *of, now);
            locked_until = locked_until.max(lockout::locked(&next, now));
            sign_ins::write(&mut tx, key, &next).await?;
        }
        tx.commit().await?;
        Ok(Ok(Self {
            counted,
            is_known,
            locked_until,
        }))
    }

    /// The password was right: the attempt no longer counts, and what failed before it from here is forgotten.
    pub(crate) async fn succeeded(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        for (key, of) in &self.counted {
            if *of == Counted::Pair {
                sign_ins::clear(tx, key).await?;
            } else {
                // Others are guessing from there, or at it: their attempts stay counted.
                let count: Count = sign_ins::hold(tx, key, now).await?;
                sign_ins::write(tx, key, &lockout::one_less(&count, *of)).await?;
            }
        }
        Ok(())
    }
}

/// Why an attempt was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Address and password do not belong together.
    Wrong,
    /// They do, and the user is disabled.
    Disabled,
    /// Too many attempts, until then.
    Locked(Timestamp),
    /// Too many at this moment.
    Busy,
}

/// Writes down that an attempt was refused.
pub(crate) async fn refused(visitor: &Visitor, email: &str, why: Why) -> Result<(), StoreError> {
    let app = &visitor.app;
    let email = cut(email);
    let mut detail = serde_json::Map::new();
    let reason = match why {
        Why::Wrong => "wrong_password",
        Why::Disabled => "disabled",
        Why::Locked(_) => "locked",
        Why::Busy => "busy",
    };
    detail.insert("reason".to_owned(), reason.into());
    if let Why::Locked(until) = why {
        detail.insert("until".to_owned(), until.to_string().into());
    }
    if matches!(why, Why::Locked(_) | Why::Busy) {
        let until = match why {
            Why::Locked(until) => until.as_micros() / 60_000_000,
            _ => visitor.now.as_micros() / 60_000_000,
        };
        let key = format!("{reason} {email} {} {until}", source(&visitor.address));
        let Some(number) = app.live().tallies.count(key) else {
            tracing::warn!(email, address = %visitor.address, reason, "sign-in refused");
            return Ok(());
        };
        detail.insert("attempts".to_owned(), number.into());
    }
    tracing::warn!(email, address = %visitor.address, reason, "sign-in refused");
    let mut tx = app.db.begin().await?;
    events::record(
        &mut tx,
        &NewEvent {
            account_id: None,
            user_id: None,
            actor: "Somebody",
            action: "user.sign_in_refused",
            subject: &email,
            detail: detail.into(),
            address: Some(&visitor.address),
            at: visitor.now,
        },
    )
    .await?;
    tx.commit().await
}

/// The answer to somebody signed in who tried their own password too often.
pub(crate) fn too_often(now: Timestamp, Locked(until): Locked) -> PageError {
    let (sentence, retry_after) = lockout::sentence(now, until);
    PageError::TooManyRequests {
        sentence,
        retry_after,
    }
}

fn cut(email: &str) -> String {
    let mut end = email.len().min(LONGEST_EMAIL);
    while !email.is_char_boundary(end) {
        end -= 1;
    }
    email[..end]
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}
