//! A member of the account that the address names.
//!
//! To anybody else, signed in or not, the account does not exist: the answer is 404, the same as for an account that
//! is not there. What a member may do is asked with [`MemberOf::require`].

use axum::extract::{FromRequestParts, RawPathParams};
use http::Method;
use http::header::ACCEPT;
use http::request::Parts;
use pipewright_core::{Right, Role, Timestamp};
use pipewright_store::accounts::{Account, Membership};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::users::User;
use pipewright_store::{StoreError, Tx, sessions};

use super::page::Page;
use super::problem::PageError;
use super::signed_in::SignedIn;
use super::visitor::Visitor;
use crate::app::App;

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

    /// Refuses whoever may not do this, with a sentence that says who may.
    pub(crate) fn require(&self, right: Right) -> Result<(), PageError> {
        if self.role.may(right) {
            Ok(())
        } else {
            Err(PageError::Forbidden(refusal(
                self.role,
                right,
                &self.account.name,
            )))
        }
    }

    /// A path inside the account, without the sub-path: `/harbor/builds`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.account.slug)
    }

    /// The request's moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.visitor.now
    }

    /// Writes into the account's history that this user did something. `action` is a stable word (`member.invited`),
    /// `subject` what it was done to, `detail` an object of words.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            account_id: Some(self.account.id),
            user_id: Some(self.user.id),
            actor: &self.user.name,
            action,
            subject,
            detail,
            address: Some(&self.visitor.address),
            at: self.visitor.now,
        };
        events::record(tx, &event).await
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
        let signed_in =
            SignedIn::from_request_parts(parts, app)
                .await
                .map_err(|error| match error {
                    PageError::SignIn => PageError::NotFound,
                    other => other,
                })?;
        let SignedIn {
            visitor,
            user,
            token_hash,
        } = signed_in;
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
            sessions::set_account(&mut tx, &token_hash, account.id).await?;
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

fn refusal(role: Role, right: Right, account: &str) -> String {
    let may: Vec<String> = right
        .roles()
        .map(|role| format!("{}s", role.as_str()))
        .collect();
    let who = match may.as_slice() {
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => "nobody".to_owned(),
    };
    format!(
        "In {account}, only {who} may {}; you are a {}. Ask one of them, or ask to be given that role.",
        right.what(),
        role.as_str()
    )
}

#[cfg(test)]
mod tests {
    use pipewright_core::{Right, Role};

    use super::refusal;

    #[test]
    fn a_refusal_says_who_may() {
        assert_eq!(
            refusal(Role::Viewer, Right::Build, "Harbor"),
            "In Harbor, only owners, admins and developers may start, stop or rerun builds; you are a viewer. \
             Ask one of them, or ask to be given that role."
        );
    }
}
