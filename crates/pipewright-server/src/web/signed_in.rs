//! Somebody who is signed in, whatever account they look at.

use axum::extract::FromRequestParts;
use http::request::Parts;
use pipewright_store::users::User;

use super::page::Page;
use super::problem::PageError;
use super::visitor::{Visitor, VisitorSession};
use crate::app::App;
use crate::ground::{Administrator, Denied};

/// Somebody who is signed in. Anybody else is sent to the sign-in page: use it only where the page is nobody's secret.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// Who asks, and from where.
    pub(crate) visitor: Visitor,
    /// The user.
    pub(crate) user: User,
    /// What names the session in the database.
    pub(crate) token_hash: [u8; 32],
}

impl SignedIn {
    /// The context of a page with this title.
    pub(crate) fn page(&self, title: impl Into<String>) -> Page {
        self.visitor.page(title)
    }

    /// The installation's administrator; refuses whoever is none.
    pub(crate) fn administrator(&self) -> Result<Administrator, Denied> {
        if self.user.is_administrator {
            return Ok(Administrator {
                user: Some(self.user.id),
                name: self.user.name.clone(),
                address: Some(self.visitor.address.clone()),
                at: self.visitor.now,
            });
        }
        Err(Denied(
            "Only an administrator of this installation may do this: whoever opened its set-up link, or was made one. Ask them.".to_owned(),
        ))
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let visitor = Visitor::of(app, parts).await?;
        let Some(VisitorSession {
            user, token_hash, ..
        }) = visitor.session.clone()
        else {
            return Err(PageError::SignIn);
        };
        Ok(Self {
            visitor,
            user,
            token_hash,
        })
    }
}
