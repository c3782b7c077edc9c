//! The one-time set-up link. The database holds only its token's hash, so each start without a user makes a new link and
//! the one before stops working.

use pipewright_core::Secret;
use pipewright_store::{settings, users};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::ground::{hash_of_token, new_token};

/// The setting that holds the hash of the link's token.
pub(crate) const SETTING: &str = "setup.token_hash";

/// Makes a set-up link while there is no user: the whole address, for the operator to open. `None` once there is one.
pub async fn ensure_link(app: &App) -> anyhow::Result<Option<String>> {
    let mut tx = app.db.begin().await?;
    if users::count_within(&mut tx).await? > 0 {
        settings::remove(&mut tx, SETTING).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let token = new_token()?;
    settings::put(&mut tx, SETTING, &hash_of_token(&token), app.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(
        app.config.public(&format!("/setup/{}", token.expose())),
    ))
}

/// The token's hash, if it is the link's.
pub(crate) async fn hash_of_link(app: &App, token: &str) -> anyhow::Result<Option<[u8; 32]>> {
    let hash = hash_of_token(&Secret::new(token));
    let kept = settings::get(&app.db, SETTING).await?;
    Ok(kept
        .filter(|kept| bool::from(kept.as_slice().ct_eq(&hash)))
        .map(|_| hash))
}
