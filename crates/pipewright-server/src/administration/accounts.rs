//! Renaming an account, giving it an owner, and deleting it with everything it holds: by an owner, or by an administrator
//! of the installation.

use pipewright_core::Role;
use pipewright_core::ids::AccountId;
use pipewright_runner::executor::Isolation;
use pipewright_store::accounts::{self, Account, AccountKind};
use pipewright_store::integrations::{self, IntegrationState};
use pipewright_store::users::{self, User};
use pipewright_store::{Db, StoreError, Tx, applications, events, members};
use serde_json::json;

use crate::accounts::{NewAccount, checked_names, make, refuse_team, slug};
use crate::app::App;
use crate::ground::{ActError, Actor, Administrator, Denied, Failure, Kind, together};
use crate::users::checked_name;

/// An act on an account was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// Whoever asks may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none.
    #[error("There is no such account.")]
    NotFound,
    /// What was entered cannot be used.
    #[error("{0}")]
    Entered(String),
    /// The short name is another account's.
    #[error("The short name `{0}` is taken; choose another.")]
    Taken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An act on what is in the account went wrong.
    #[error(transparent)]
    Act(#[from] ActError),
}

impl Failure for AccountError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::Entered(_) | Self::Taken(_) => Kind::Unusable,
            Self::Store(_) => Kind::Internal,
            Self::Act(error) => error.kind(),
        }
    }
}

/// Who acts on an account.
#[derive(Debug)]
pub(crate) enum Whose<'a> {
    /// One of its owners.
    Owner(&'a Actor),
    /// An administrator of the installation.
    Administrator(&'a Administrator),
}

impl Whose<'_> {
    /// Whether they may decide about this account at all. Asked before anything of a form is judged.
    pub(crate) fn admitted(&self, account: AccountId) -> Result<(), AccountError> {
        self.actor(account)?;
        Ok(())
    }

    /// The same, as who acts in the account. Only owners decide about an account as a whole.
    fn actor(&self, account: AccountId) -> Result<Actor, Denied> {
        match self {
            Self::Owner(actor) if actor.role == Some(Role::Owner) => Ok((*actor).clone()),
            Self::Owner(_) => Err(Denied(
                "Only an owner of this account may do this. Ask one.".to_owned(),
            )),
            Self::Administrator(who) => Ok(who.in_account(account)),
        }
    }

    /// As who acts on the installation, whose history tells of what happens to accounts.
    fn administrator(&self) -> Administrator {
        match self {
            Self::Owner(actor) => Administrator {
                user: actor.user,
                name: actor.name.clone(),
                address: actor.address.clone(),
                at: actor.at,
            },
            Self::Administrator(who) => (*who).clone(),
        }
    }
}

/// A team to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTeam<'a> {
    pub(crate) name: &'a str,
    /// The first part of its addresses; empty for one that is made of the name.
    pub(crate) short: &'a str,
    pub(crate) owner: &'a User,
    /// What the installation's steps run in: without a sandbox there is one team at most.
    pub(crate) isolation: Isolation,
}

/// Makes a team whose owner is this user.
pub(crate) async fn make_for(
    db: &Db,
    who: &Administrator,
    new: NewTeam<'_>,
) -> Result<Account, AccountError> {
    let NewTeam {
        name,
        short,
        owner,
        isolation,
    } = new;
    let (name, short) = checked_names(name, short).map_err(AccountError::Entered)?;
    if owner.disabled_at.is_some() {
        return Err(AccountError::Entered(format!(
            "{} is disabled and cannot own an account.",
            owner.email
        )));
    }
    let mut tx = db.begin().await?;
    if let Some(sentence) = refuse_team(isolation, &mut tx).await? {
        return Err(AccountError::Entered(sentence));
    }
    let new = NewAccount {
        slug: &short,
        name: &name,
        kind: AccountKind::Team,
        owner: owner.id,
        now: who.at,
    };
    let account = make(&mut tx, &new)
        .await
        .map_err(|error| taken(error, &short))?;
    let detail = json!({ "slug": short, "owner": owner.email });
    record(
        &mut tx,
        who,
        &account,
        "account.created",
        &account.name,
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(account)
}

/// Changes what people call an account, and the first part of its addresses.
pub(crate) async fn rename(
    db: &Db,
    whose: &Whose<'_>,
    id: AccountId,
    name: &str,
    short: &str,
) -> Result<Account, AccountError> {
    let actor = whose.actor(id)?;
    let before = accounts::by_id(db, id)
        .await?
        .ok_or(AccountError::NotFound)?;
    // The short name it has is kept, also one that would not be given any more.
    let kept = if short.trim() == before.slug {
        Ok(before.slug.clone())
    } else {
        slug::check(short)
    };
    let (name, short) = match (checked_name(name), kept) {
        (Ok(name), Ok(short)) => (name, short),
        (name, short) => {
            let wrong = together([name.err(), short.err()]);
            return Err(AccountError::Entered(wrong.unwrap_or_default()));
        }
    };
    let mut tx = db.begin().await?;
    accounts::set_name(&mut tx, id, &name).await?;
    let mut detail = json!({ "name": name });
    if short != before.slug {
        accounts::set_slug(&mut tx, id, &short)
            .await
            .map_err(|error| taken(error, &short))?;
        detail["slug"] = json!(short);
    }
    actor
        .record(&mut tx, "account.renamed", &before.name, detail.clone())
        .await?;
    whose
        .administrator()
        .record(&mut tx, "account.renamed", &before.name, detail)
        .await?;
    tx.commit().await?;
    Ok(Account {
        name,
        slug: short,
        ..before
    })
}

/// Makes a user an owner of an account: of one that no owner is left of, for instance.
pub(crate) async fn give(
    db: &Db,
    who: &Administrator,
    id: AccountId,
    email: &str,
) -> Result<User, AccountError> {
    let account = accounts::by_id(db, id)
        .await?
        .ok_or(AccountError::NotFound)?;
    let user = users::by_email(db, &users::email_key(email))
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or_else(|| {
            AccountError::Entered(format!(
                "{} is not the address of a user who can sign in.",
                email.trim()
            ))
        })?;
    let mut tx = db.begin().await?;
    if members::role_within(&mut tx, id, user.id).await?.is_some() {
        members::set_role(&mut tx, id, user.id, Role::Owner).await?;
    } else {
        members::add(&mut tx, id, user.id, Role::Owner, who.at).await?;
    }
    let detail = json!({ "to": user.email });
    record(
        &mut tx,
        who,
        &account,
        "account.given",
        &account.name,
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(user)
}

/// Deletes an account: its applications with their builds, what we put at Bitbucket, its connections, members, variables.
/// Its history becomes the installation's. Gives what a person must still remove at Bitbucket.
pub(crate) async fn delete(
    app: &App,
    whose: &Whose<'_>,
    account: &Account,
) -> Result<Vec<String>, AccountError> {
    let actor = whose.actor(account.id)?;
    let mut left = Vec::new();
    let owned = applications::by_account(&app.db, account.id).await?;
    for listed in &owned {
        left.extend(crate::applications::delete(app, &actor, &listed.application).await?);
    }
    for integration in integrations::by_account(&app.db, account.id).await? {
        if integration.state == IntegrationState::Disconnected {
            continue;
        }
        let removals =
            crate::integrations::disconnect::disconnect(app, &actor, &integration).await?;
        left.extend(
            removals
                .into_iter()
                .filter(|removal| removal.problem.is_some())
                .map(|removal| removal.what),
        );
    }
    let count = members::list(&app.db, account.id).await?.len();
    let mut tx = app.db.begin().await?;
    events::outlive(&mut tx, account.id, &account.slug).await?;
    if !accounts::remove(&mut tx, account.id).await? {
        return Err(AccountError::NotFound);
    }
    let detail = json!({
        "slug": account.slug,
        "applications": owned.len(),
        "members": count,
        "left_at_bitbucket": left.join(", "),
    });
    whose
        .administrator()
        .record(&mut tx, "account.deleted", &account.name, detail)
        .await?;
    tx.commit().await?;
    Ok(left)
}

/// Writes an administrator's act into the installation's history, and into the account's.
async fn record(
    tx: &mut Tx,
    who: &Administrator,
    account: &Account,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), StoreError> {
    who.in_account(account.id)
        .record(tx, action, subject, detail.clone())
        .await?;
    who.record(tx, action, subject, detail).await
}

fn taken(error: StoreError, short: &str) -> AccountError {
    match error {
        StoreError::Exists(_) => AccountError::Taken(short.to_owned()),
        other => other.into(),
    }
}
