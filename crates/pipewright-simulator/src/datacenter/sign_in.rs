//! From an `Authorization` header to a caller: passwords with their CAPTCHA, and HTTP access tokens.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};

use super::{
    caller::{Caller, TokenCaller},
    error::{ApiError, ApiResult},
    server::Server,
};
use crate::state::{Tables, TokenOwner, UserId};

/// What a password leads to.
enum Password {
    Right(UserId),
    Wrong,
    CaptchaFirst,
}

impl Server {
    /// Reads `Authorization`. Other schemes than `Basic` and `Bearer` count as nobody.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> ApiResult<Caller> {
        let Some(value) = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
        else {
            return Ok(Caller::Anonymous);
        };
        if let Some(encoded) = value.strip_prefix("Basic ") {
            let (name, secret) = decode_basic(encoded).unwrap_or_default();
            self.by_password(&name, &secret)
        } else if let Some(token) = value.strip_prefix("Bearer ") {
            let token = token.trim();
            self.installation
                .read(|tables| self.by_token(tables, token))
                .ok_or_else(ApiError::wrong_credentials)
        } else {
            Ok(Caller::Anonymous)
        }
    }

    fn by_password(&self, name: &str, secret: &str) -> ApiResult<Caller> {
        let (refused, captcha_after) = {
            let values = self.settings.values();
            let excepted = values
                .basic_allowed_users
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(name));
            (values.refuses_basic() && !excepted, values.captcha_after)
        };
        // Before any look at the credentials: a wrong password and a token meet the same refusal.
        if refused {
            return Err(ApiError::basic_disabled());
        }
        let personal_token = self.installation.read(|tables| {
            let caller = self.by_token(tables, secret)?;
            let of_person = matches!(&caller, Caller::Token(token) if matches!(token.owner, TokenOwner::User(_)));
            let named = tables.user(caller.user()?).is_some_and(|user| user.name.eq_ignore_ascii_case(name));
            (of_person && named).then_some(caller)
        });
        if let Some(caller) = personal_token {
            return Ok(caller);
        }
        match self
            .installation
            .write(|tables| try_password(tables, name, secret, captcha_after))
        {
            Password::Right(user) => Ok(Caller::Person(user)),
            Password::Wrong => Err(ApiError::wrong_credentials()),
            Password::CaptchaFirst => {
                Err(ApiError::captcha(&format!("{}/login", self.links().base)))
            }
        }
    }

    /// A token that exists and has not expired.
    fn by_token(&self, tables: &Tables, secret: &str) -> Option<Caller> {
        let now = self.now();
        let token = tables.token_by_secret(secret)?;
        let alive = token.expires_at.is_none_or(|end| now < end);
        let active = tables.user(token.user).is_some_and(|user| user.active);
        (alive && active).then(|| Caller::Token(TokenCaller::new(token)))
    }
}

/// Compares a password and counts: once a CAPTCHA is due, the right password fails too.
fn try_password(tables: &mut Tables, name: &str, secret: &str, captcha_after: u32) -> Password {
    let found = tables
        .user_by_name(name)
        .filter(|user| user.active && !user.service)
        .map(|user| user.id);
    let Some(user) = found.and_then(|id| tables.user_mut(id)) else {
        return Password::Wrong;
    };
    if captcha_after > 0 && user.failed_logins >= captcha_after {
        return Password::CaptchaFirst;
    }
    if user.password == secret {
        user.failed_logins = 0;
        return Password::Right(user.id);
    }
    user.failed_logins += 1;
    Password::Wrong
}

fn decode_basic(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}
