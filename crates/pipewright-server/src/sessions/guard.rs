//! Guards passwords against guessing, wherever one is asked for: counts failures per e-mail address, and says until when
//! an address is locked out.

use pipewright_core::Timestamp;
use pipewright_store::{StoreError, users};

use super::lockout;
use crate::app::App;
use crate::http::PageError;

/// Until when every attempt with this address is refused; nothing where it is not.
pub(crate) async fn locked_until(app: &App, email: &str) -> Result<Option<Timestamp>, StoreError> {
    let now = app.clock.now();
    let until = users::failures(&app.db, email)
        .await?
        .and_then(|failures| failures.locked_until);
    Ok(until
        .map(Timestamp::from_micros)
        .filter(|until| *until > now))
}

/// Counts a wrong password. Answers until when the address is locked out now, if it is.
pub(crate) async fn count_failure(app: &App, email: &str) -> Result<Option<Timestamp>, StoreError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::forget_failures(&mut tx, now - lockout::WINDOW).await?;
    let failures = users::record_failure(&mut tx, email, now, now - lockout::WINDOW).await?;
    let until = lockout::lock_after(failures).map(|duration| now + duration);
    if let Some(until) = until {
        users::lock(&mut tx, email, until).await?;
    }
    tx.commit().await?;
    Ok(until)
}

/// The refusal of whoever is locked out.
pub(crate) fn refusal(now: Timestamp, until: Timestamp) -> PageError {
    let (sentence, retry_after) = lockout::sentence(now, until);
    PageError::TooManyRequests {
        sentence,
        retry_after,
    }
}
