//! Acts of administrators by commands on the machine, for whoever is locked out of the pages or writes scripts. They work on
//! the database alone, also while the server runs, and stand in the history as done by System.

use pipewright_core::ids::UserId;
use pipewright_runner::executor::Isolation;
use pipewright_store::accounts::{self, Account};
use pipewright_store::administration::{self as stored, ListedAccount, ListedUser};
use pipewright_store::users::{self, User};
use pipewright_store::{Db, StoreError};
use url::Url;

use crate::administration::accounts::{self as account_acts, AccountError, NewTeam, Whose};
use crate::administration::links::{self, Given, Handed, LinkError};
use crate::administration::users::{self as user_acts, AdministerError};
use crate::app::App;
use crate::clock::Clock;
use crate::ground::{Administrator, Failure, Kind};

/// A command was not done.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// What was asked for is not there or not possible: a whole sentence.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error("the command failed")]
    Failed(#[source] anyhow::Error),
}

impl From<StoreError> for MachineError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

fn refused(error: impl Failure) -> MachineError {
    match error.kind() {
        Kind::Internal => MachineError::Failed(error.into()),
        _ => MachineError::Refused(error.to_string()),
    }
}

impl From<AdministerError> for MachineError {
    fn from(error: AdministerError) -> Self {
        refused(error)
    }
}

impl From<LinkError> for MachineError {
    fn from(error: LinkError) -> Self {
        refused(error)
    }
}

impl From<AccountError> for MachineError {
    fn from(error: AccountError) -> Self {
        refused(error)
    }
}

/// A one-time link that a command made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    /// For whom.
    pub email: String,
    /// The whole address.
    pub url: String,
    /// Until when it works, in UTC.
    pub expires_at: String,
}

/// Acts on an installation's database.
#[derive(Debug)]
pub struct Machine<'a> {
    db: &'a Db,
    clock: &'a dyn Clock,
    public_url: Url,
    isolation: Isolation,
}

impl<'a> Machine<'a> {
    /// Acts on this database. Links that are made begin with the public address; without a sandbox there is one team at most.
    pub fn new(db: &'a Db, clock: &'a dyn Clock, public_url: Url, isolation: Isolation) -> Self {
        Self {
            db,
            clock,
            public_url,
            isolation,
        }
    }

    fn who(&self) -> Administrator {
        Administrator::on_the_machine(self.clock.now())
    }

    fn link(&self, handed: Handed) -> OneTimeLink {
        let base = self.public_url.as_str().trim_end_matches('/');
        OneTimeLink {
            email: handed.email,
            url: format!("{base}/links/{}", handed.token.expose()),
            expires_at: handed.expires_at.to_string(),
        }
    }

    /// The user of this address, or id.
    async fn user(&self, text: &str) -> Result<User, MachineError> {
        let by_email = users::by_email(self.db, &users::email_key(text)).await?;
        let found = match (by_email, text.trim().parse::<UserId>()) {
            (Some(user), _) => Some(user),
            (None, Ok(id)) => users::by_id(self.db, id).await?,
            (None, Err(_)) => None,
        };
        found.ok_or_else(|| {
            MachineError::Refused(format!(
                "There is no user {}; `pipewright user list` shows all.",
                text.trim()
            ))
        })
    }

    async fn account(&self, slug: &str) -> Result<Account, MachineError> {
        accounts::by_slug(self.db, slug.trim())
            .await?
            .ok_or_else(|| {
                MachineError::Refused(format!(
                    "There is no account {}; `pipewright account list` shows all.",
                    slug.trim()
                ))
            })
    }

    /// Every user.
    pub async fn users(&self) -> Result<Vec<ListedUser>, MachineError> {
        Ok(stored::users(self.db, "", self.clock.now(), 100_000).await?)
    }

    /// Makes a link that makes a user of this address.
    pub async fn invite(
        &self,
        email: &str,
        is_administrator: bool,
        may_make_accounts: bool,
        may_connect: bool,
    ) -> Result<OneTimeLink, MachineError> {
        let given = Given {
            is_administrator,
            may_make_accounts,
            may_connect,
        };
        let handed = links::invite(self.db, &self.who(), email, given).await?;
        Ok(self.link(handed))
    }

    /// Makes a link by which the user chooses a new password.
    pub async fn reset_password(&self, user: &str) -> Result<OneTimeLink, MachineError> {
        let user = self.user(user).await?;
        let handed = links::reset(self.db, &self.who(), user.id).await?;
        Ok(self.link(handed))
    }

    /// Lets the user sign in no more, and ends what they have in hand. Gives a sentence.
    pub async fn disable(&self, user: &str) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        let (user, ended) = user_acts::disable(self.db, &self.who(), user.id).await?;
        Ok(format!(
            "{} is disabled; sessions ended: {}, invitations and links withdrawn: {}.",
            user.email,
            ended.sessions,
            ended.invitations + ended.links
        ))
    }

    /// Lets the user sign in again. Gives a sentence.
    pub async fn enable(&self, user: &str) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        let user = user_acts::enable(self.db, &self.who(), user.id).await?;
        Ok(format!("{} may sign in again.", user.email))
    }

    /// Ends every session of the user. Gives a sentence.
    pub async fn end_sessions(&self, user: &str) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        let (user, ended) = user_acts::end_sessions(self.db, &self.who(), user.id).await?;
        Ok(format!(
            "{} is signed out; sessions ended: {ended}.",
            user.email
        ))
    }

    /// Makes the user an administrator, or an ordinary user again. Gives a sentence.
    pub async fn set_administrator(
        &self,
        user: &str,
        is_administrator: bool,
    ) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        let who = self.who();
        let user = user_acts::set_administrator(self.db, &who, user.id, is_administrator).await?;
        Ok(if is_administrator {
            format!("{} is now an administrator.", user.email)
        } else {
            format!("{} is no longer an administrator.", user.email)
        })
    }

    /// Says whether the user may make accounts and connect a Bitbucket; what is not said stays. Gives a sentence.
    pub async fn set_rights(
        &self,
        user: &str,
        may_make_accounts: Option<bool>,
        may_connect: Option<bool>,
    ) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        let accounts = may_make_accounts.unwrap_or(user.may_make_accounts);
        let connect = may_connect.unwrap_or(user.may_connect);
        user_acts::set_rights(self.db, &self.who(), user.id, accounts, connect).await?;
        let may = |may| if may { "may" } else { "may not" };
        Ok(format!(
            "{} {} make accounts and {} connect a Bitbucket.",
            user.email,
            may(accounts),
            may(connect)
        ))
    }

    /// Vouches that the address is the user's. Gives a sentence.
    pub async fn confirm_address(&self, user: &str) -> Result<String, MachineError> {
        let user = self.user(user).await?;
        user_acts::confirm_address(self.db, &self.who(), user.id).await?;
        Ok(format!("{} is confirmed.", user.email))
    }

    /// Every account.
    pub async fn accounts(&self) -> Result<Vec<ListedAccount>, MachineError> {
        Ok(stored::accounts(self.db, 100_000).await?)
    }

    /// Makes a team whose owner is this user. Gives a sentence.
    pub async fn make_account(
        &self,
        name: &str,
        slug: &str,
        owner: &str,
    ) -> Result<String, MachineError> {
        let owner = self.user(owner).await?;
        let new = NewTeam {
            name,
            short: slug,
            owner: &owner,
            isolation: self.isolation,
        };
        let account = account_acts::make_for(self.db, &self.who(), new).await?;
        Ok(format!(
            "The account {} ({}) is made; {} owns it.",
            account.name, account.slug, owner.email
        ))
    }

    /// Changes an account's name, and its short name where one is given. Gives a sentence.
    pub async fn rename_account(
        &self,
        slug: &str,
        name: &str,
        new_slug: Option<&str>,
    ) -> Result<String, MachineError> {
        let account = self.account(slug).await?;
        let who = self.who();
        let whose = Whose::Administrator(&who);
        let short = new_slug.unwrap_or(&account.slug);
        let renamed = account_acts::rename(self.db, &whose, account.id, name, short).await?;
        Ok(format!(
            "The account is called {} ({}) now.",
            renamed.name, renamed.slug
        ))
    }

    /// Makes a user an owner of an account. Gives a sentence.
    pub async fn give_account(&self, slug: &str, owner: &str) -> Result<String, MachineError> {
        let account = self.account(slug).await?;
        let owner = self.user(owner).await?;
        account_acts::give(self.db, &self.who(), account.id, &owner.email).await?;
        Ok(format!(
            "{} is an owner of {} now.",
            owner.email, account.slug
        ))
    }
}

/// Deletes an account with everything in it, here and what we put at Bitbucket. Gives a sentence.
pub async fn delete_account(app: &App, slug: &str) -> Result<String, MachineError> {
    let account = accounts::by_slug(&app.db, slug.trim())
        .await?
        .ok_or_else(|| {
            MachineError::Refused(format!(
                "There is no account {}; `pipewright account list` shows all.",
                slug.trim()
            ))
        })?;
    let who = Administrator::on_the_machine(app.clock.now());
    let left = account_acts::delete(app, &Whose::Administrator(&who), &account).await?;
    let mut sentence = format!(
        "The account {} is deleted with everything in it.",
        account.slug
    );
    if !left.is_empty() {
        sentence.push_str(" Remove by hand at Bitbucket: ");
        sentence.push_str(&left.join(", "));
        sentence.push('.');
    }
    Ok(sentence)
}
