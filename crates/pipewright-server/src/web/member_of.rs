//! A member of the account that the address names.
//!
//! To whoever is signed in and no member, the account does not exist: the answer is 404, the same as for an account that
//! is not there. Whoever is not signed in is asked to sign in first, whether there is such an account or not. What a
//! member may do is asked by the use case; a page that would be of no use to them is not shown: [`MemberOf::shown_to`].

use axum::extract::{FromRequestParts, RawPathParams};
use http::Method;
use http::header::ACCEPT;
use http::request::Parts;
use pipewright_core::{Right, Role, Timestamp};
use pipewright_store::accounts::{Account, Membership};
use pipewright_store::sessions;
use pipewright_store::users::User;

use super::page::Page;
use super::problem::PageError;
use super::signed_in::SignedIn;
use super::visitor::Visitor;
use crate::app::App;
use crate::ground::{Actor, By};

/// A member of the account in the `{account}` part of the address.
#[derive(Debug, Clone)]
pub(crate) struct MemberOf {
    /// Who asks, and from where.
    pub(crate) visitor: Visitor,
    /// The user.
    pub(crate) user: User,
    /// What names the session in the database.
    pub(crate) token_hash: [u8; 32],
    /// The account.
    pub(crate) account: Account,
    /// What the user is in it.
    pub(crate) role: Role,
}

impl MemberOf {
    /// The context of a page with this title, about this account.
    pub(crate) fn page(&self, title: impl Into<String>) -> Page {
        let membership = Membership {
            account: self.account.clone(),
            role: self.role,
        };
        self.visitor.page_of(title, Some(&membership))
    }

    /// True where the user may do this.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// Refuses to show a page to whoever may not do what it is for, with a sentence that says who may. What the page then does
    /// asks again for itself.
    pub(crate) fn shown_to(&self, right: Right) -> Result<(), PageError> {
        Ok(self.actor().require(right)?)
    }

    /// A path inside the account, without the sub-path: `/harbor/builds`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.account.slug)
    }

    /// Who acts, for a use case.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            account: self.account.id,
            account_name: self.account.name.clone(),
            user: Some(self.user.id),
            name: self.user.name.clone(),
            role: Some(self.role),
            address: Some(self.visitor.address.clone()),
            at: self.visitor.now,
            by: By::Session,
            may_connect: self.visitor.may_connect(),
        }
    }

    /// The request's moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.visitor.now
    }
}

impl FromRequestParts<App> for MemberOf {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let parameters = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| PageError::NotFound)?;
        let slug = parameters
            .iter()
            .find_map(|(name, value)| (name == "account").then(|| value.to_owned()))
            .unwrap_or_default();
        let SignedIn {
            visitor,
            user,
            token_hash,
        } = SignedIn::from_request_parts(parts, app).await?;
        let membership = visitor
            .memberships
            .iter()
            .find(|membership| membership.account.slug == slug);
        let Membership { account, role } = membership.cloned().ok_or(PageError::NotFound)?;
        let last = visitor
            .session
            .as_ref()
            .and_then(|session| session.account_id);
        if last != Some(account.id) && is_navigation(parts) {
            let mut tx = app.db.begin().await?;
            sessions::set_account(&mut tx, &token_hash, account.id, visitor.now).await?;
            tx.commit().await?;
        }
        Ok(Self {
            visitor,
            user,
            token_hash,
            account,
            role,
        })
    }
}

/// True where a person opened a page, rather than a script asking for a part of one.
fn is_navigation(parts: &Parts) -> bool {
    parts.method == Method::GET
        && parts
            .headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
}
