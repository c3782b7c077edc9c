//! Who acts. Made once at the door, of a session or a token, and handed to the use case, which asks its right itself and
//! writes the line of history in its own transaction: neither can be forgotten by a handler, and no use case asks for a
//! browser.

use pipewright_core::ids::{AccountId, UserId};
use pipewright_core::{Right, Role, Timestamp};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::{StoreError, Tx};

use super::failure::Denied;
use super::rights::NO_CONNECTIONS;

/// The name under which the server's own acts stand in the history.
const OURSELVES: &str = "Pipewright";

/// By what an actor is known to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// A browser's session.
    Session,
    /// An API token.
    #[expect(
        dead_code,
        reason = "the door for tokens comes with the API; rights must not be written without it in mind"
    )]
    Token,
    /// The server itself.
    System,
}

/// Somebody who acts in an account.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The account that is acted in.
    pub(crate) account: AccountId,
    /// What people call it; empty for the server itself, to which nothing is refused by name.
    pub(crate) account_name: String,
    /// The user; none for the server itself.
    pub(crate) user: Option<UserId>,
    /// How the history calls them.
    pub(crate) name: String,
    /// What the user is in the account; none for the server itself, which may do everything.
    pub(crate) role: Option<Role>,
    /// The network address that the request came from.
    pub(crate) address: Option<String>,
    /// The act's moment.
    pub(crate) at: Timestamp,
    /// By what they are known.
    pub(crate) by: By,
    /// Whether an administrator lets them connect a Bitbucket, where their role does too.
    pub(crate) may_connect: bool,
}

impl Actor {
    /// The server itself, at work in an account.
    pub(crate) fn system(account: AccountId, at: Timestamp) -> Self {
        Self {
            account,
            account_name: String::new(),
            user: None,
            name: OURSELVES.to_owned(),
            role: None,
            address: None,
            at,
            by: By::System,
            may_connect: true,
        }
    }

    /// Refuses whoever may not connect a Bitbucket: their role must allow it, and an administrator of the installation.
    pub(crate) fn require_connecting(&self) -> Result<(), Denied> {
        self.require(Right::Connect)?;
        if self.may_connect {
            Ok(())
        } else {
            Err(Denied(NO_CONNECTIONS.to_owned()))
        }
    }

    /// Refuses whoever may not do this, with a sentence that says who may.
    pub(crate) fn require(&self, right: Right) -> Result<(), Denied> {
        match self.role {
            Some(role) if !role.may(right) => Err(Denied(refusal(role, right, &self.account_name))),
            None if self.by != By::System => Err(Denied(format!(
                "Only a member of {} may {}.",
                self.account_name,
                right.what()
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// True where the actor may give somebody this role, or take it away.
    pub(crate) fn may_grant(&self, role: Role) -> bool {
        match self.role {
            Some(own) => own.may_grant(role),
            None => self.by == By::System,
        }
    }

    /// Writes into the account's history what the actor did. `action` is a stable word (`member.invited`), `subject` what
    /// it was done to, `detail` an object of words.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            account_id: Some(self.account),
            user_id: self.user,
            actor: &self.name,
            action,
            subject,
            detail,
            address: self.address.as_deref(),
            at: self.at,
        };
        events::record(tx, &event).await
    }
}

/// Somebody who acts on the whole installation. That they administer it was asked when this was made; nothing else makes
/// one.
#[derive(Debug, Clone)]
pub(crate) struct Administrator {
    /// The user; none for whoever may run commands on the machine.
    pub(crate) user: Option<UserId>,
    /// How the history calls them.
    pub(crate) name: String,
    /// The network address that the request came from; none for a command on the machine.
    pub(crate) address: Option<String>,
    /// The act's moment.
    pub(crate) at: Timestamp,
}

impl Administrator {
    /// Whoever may run commands on the machine, where the data is theirs to change in any case.
    pub(crate) fn on_the_machine(at: Timestamp) -> Self {
        Self {
            user: None,
            name: "System".to_owned(),
            address: None,
            at,
        }
    }

    /// The same person, at work in an account.
    pub(crate) fn in_account(&self, account: AccountId) -> Actor {
        Actor {
            user: self.user,
            name: self.name.clone(),
            address: self.address.clone(),
            ..Actor::system(account, self.at)
        }
    }

    /// Writes into the installation's own history.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            account_id: None,
            user_id: self.user,
            actor: &self.name,
            action,
            subject,
            detail,
            address: self.address.as_deref(),
            at: self.at,
        };
        events::record(tx, &event).await
    }
}

/// Somebody who acts without being signed in: takes up a link, tries a password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passerby<'a> {
    /// The network address.
    pub(crate) address: &'a str,
    /// The moment.
    pub(crate) at: Timestamp,
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
