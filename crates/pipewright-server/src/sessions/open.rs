//! Opening a session: after signing in, after the set-up, after taking up an invitation.

use axum_extra::extract::cookie::Cookie;
use pipewright_core::ids::{AccountId, UserId};
use pipewright_store::{Tx, sessions};

use crate::ground::{hash_of_token, new_token};
use crate::http::{PageError, SESSION_COOKIE, Visitor, own_cookie};

/// Whose session is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// The user.
    pub(crate) user: UserId,
    /// The account to show first.
    pub(crate) account: Option<AccountId>,
}

/// Opens a session for the visitor's browser and returns its cookie. A session that the browser had is ended: a token
/// that somebody planted in it beforehand is worth nothing afterwards.
pub(crate) async fn open(
    tx: &mut Tx,
    visitor: &Visitor,
    opening: Opening,
) -> Result<Cookie<'static>, PageError> {
    let config = &visitor.app.config;
    if let Some(before) = &visitor.session {
        sessions::remove(tx, &before.token_hash).await?;
    }
    sessions::remove_expired(tx, visitor.now).await?;
    let token = new_token()?;
    let session = sessions::NewSession {
        token_hash: &hash_of_token(&token),
        user_id: opening.user,
        account_id: opening.account,
        now: visitor.now,
        expires_at: visitor.now + config.session_lifetime,
        address: &visitor.address,
        user_agent: &visitor.user_agent,
    };
    sessions::insert(tx, &session).await?;
    let mut cookie = own_cookie(config, SESSION_COOKIE, token.expose());
    // The server decides when a session ends; the browser only has to keep the cookie that long.
    cookie.make_permanent();
    Ok(cookie)
}
