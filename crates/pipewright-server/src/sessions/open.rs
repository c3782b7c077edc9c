//! Opening a session: after signing in, after the set-up, after taking up an invitation.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use pipewright_core::ids::{AccountId, UserId};
use pipewright_store::{Tx, accounts, sessions, sign_ins};
use std::time::Duration;

use crate::ground::{hash_of_token, new_token};
use crate::web::{BROWSER_COOKIE, PageError, SESSION_COOKIE, Visitor, own_cookie};

/// Whose session is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// The user.
    pub(crate) user: UserId,
    /// The account to show first; none leads to where the user worked last.
    pub(crate) account: Option<AccountId>,
}

/// A browser that nobody signed in with for so long is forgotten.
const BROWSER_LIFETIME: Duration = Duration::from_hours(24 * 400);

/// What the browser is given: its session, and what shows it next time.
#[derive(Debug)]
pub(crate) struct Opened {
    session: Cookie<'static>,
    browser: Option<Cookie<'static>>,
}

impl Opened {
    /// Adds the cookies to an answer's.
    pub(crate) fn onto(self, cookies: CookieJar) -> CookieJar {
        let cookies = cookies.add(self.session);
        match self.browser {
            Some(browser) => cookies.add(browser),
            None => cookies,
        }
    }
}

/// Opens a session for the visitor's browser and returns its cookies. A session that the browser had is ended: a token
/// that somebody planted in it beforehand is worth nothing afterwards.
pub(crate) async fn open(
    tx: &mut Tx,
    visitor: &Visitor,
    opening: Opening,
) -> Result<Opened, PageError> {
    let config = &visitor.app.config;
    if let Some(before) = &visitor.session {
        sessions::remove(tx, &before.token_hash).await?;
    }
    sessions::remove_expired(tx, visitor.now).await?;
    let account = match opening.account {
        Some(account) => Some(account),
        None => accounts::where_to(tx, opening.user).await?,
    };
    let token = new_token()?;
    let session = sessions::NewSession {
        token_hash: &hash_of_token(&token),
        user_id: opening.user,
        account_id: account,
        now: visitor.now,
        expires_at: visitor.now + config.session_lifetime.min(config.session_longest),
        address: &visitor.address,
        user_agent: &visitor.user_agent,
    };
    sessions::insert(tx, &session).await?;
    let mut cookie = own_cookie(config, SESSION_COOKIE, token.expose());
    // The server decides when a session ends; the browser only has to keep the cookie that long.
    cookie.make_permanent();
    sign_ins::forget_old_browsers(tx, visitor.now - BROWSER_LIFETIME).await?;
    let mut browser = None;
    let hash = if let Some(hash) = visitor.browser {
        hash
    } else {
        let token = new_token()?;
        let mut cookie = own_cookie(config, BROWSER_COOKIE, token.expose());
        cookie.make_permanent();
        browser = Some(cookie);
        hash_of_token(&token)
    };
    sign_ins::know_browser(tx, &hash, opening.user, visitor.now).await?;
    Ok(Opened {
        session: cookie,
        browser,
    })
}
