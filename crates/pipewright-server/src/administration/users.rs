//! What administrators do to users. Each act is one transaction with its line of history; what an act ends, ends at once.

use pipewright_core::ids::UserId;
use pipewright_store::administration::{self, AdministratorChange, Ended};
use pipewright_store::users::User;
use pipewright_store::{Db, StoreError, Tx, sessions, sign_ins};
use serde_json::json;

use crate::ground::rights::Rules;
use crate::ground::{Administrator, Failure, Kind};

/// An act on a user was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdministerError {
    /// There is none of this id.
    #[error("There is no such user.")]
    NotFound,
    /// Nobody could administer the installation any more.
    #[error(
        "{0} is the last administrator who can sign in. Make somebody else an administrator first."
    )]
    LastAdministrator(String),
    /// A disabled user cannot be given anything.
    #[error("{0} is disabled. Enable the user first.")]
    Disabled(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for AdministerError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::LastAdministrator(_) | Self::Disabled(_) => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// The user, while nobody else changes who administers.
async fn held(tx: &mut Tx, id: UserId) -> Result<User, AdministerError> {
    administration::held(tx, id)
        .await?
        .ok_or(AdministerError::NotFound)
}

fn allowed(change: AdministratorChange, user: &User) -> Result<(), AdministerError> {
    match change {
        AdministratorChange::Done => Ok(()),
        AdministratorChange::LastAdministrator => {
            Err(AdministerError::LastAdministrator(user.name.clone()))
        }
    }
}

/// Lets the user sign in no more, and ends everything they have in hand.
pub(crate) async fn disable(
    db: &Db,
    who: &Administrator,
    id: UserId,
) -> Result<(User, Ended), AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    let change = administration::disable(&mut tx, &user, who.at).await?;
    allowed(change, &user)?;
    let ended = administration::end_everything(&mut tx, id).await?;
    let detail = json!({ "sessions": ended.sessions, "invitations": ended.invitations, "links": ended.links });
    who.record(&mut tx, "user.disabled", &user.email, detail)
        .await?;
    tx.commit().await?;
    Ok((user, ended))
}

/// Lets the user sign in again, with the password they had.
pub(crate) async fn enable(
    db: &Db,
    who: &Administrator,
    id: UserId,
) -> Result<User, AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    administration::enable(&mut tx, id).await?;
    who.record(&mut tx, "user.enabled", &user.email, json!({}))
        .await?;
    tx.commit().await?;
    Ok(user)
}

/// Ends every session of the user, and forgets their browsers. Gives how many sessions.
pub(crate) async fn end_sessions(
    db: &Db,
    who: &Administrator,
    id: UserId,
) -> Result<(User, u64), AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    let ended = sessions::remove_all(&mut tx, id).await?;
    sign_ins::forget_browsers(&mut tx, id).await?;
    who.record(
        &mut tx,
        "user.sessions_ended",
        &user.email,
        json!({ "sessions_ended": ended }),
    )
    .await?;
    tx.commit().await?;
    Ok((user, ended))
}

/// Makes the user an administrator, which also vouches for their address; or an ordinary user again.
pub(crate) async fn set_administrator(
    db: &Db,
    who: &Administrator,
    id: UserId,
    is_administrator: bool,
) -> Result<User, AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    if is_administrator && user.disabled_at.is_some() {
        return Err(AdministerError::Disabled(user.name));
    }
    let change = administration::set_administrator(&mut tx, &user, is_administrator).await?;
    allowed(change, &user)?;
    if is_administrator && user.email_proved_at.is_none() {
        administration::prove_email(&mut tx, id, who.at).await?;
    }
    let action = if is_administrator {
        "user.made_administrator"
    } else {
        "user.no_longer_administrator"
    };
    who.record(&mut tx, action, &user.email, json!({})).await?;
    tx.commit().await?;
    Ok(user)
}

/// Says whether the user may make accounts and connect a Bitbucket.
pub(crate) async fn set_rights(
    db: &Db,
    who: &Administrator,
    id: UserId,
    may_make_accounts: bool,
    may_connect: bool,
) -> Result<User, AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    administration::set_rights(&mut tx, id, may_make_accounts, may_connect).await?;
    let detail = json!({ "may_make_accounts": may_make_accounts, "may_connect": may_connect });
    who.record(&mut tx, "user.rights_changed", &user.email, detail)
        .await?;
    tx.commit().await?;
    Ok(user)
}

/// Vouches that the user's address is theirs.
pub(crate) async fn confirm_address(
    db: &Db,
    who: &Administrator,
    id: UserId,
) -> Result<User, AdministerError> {
    let mut tx = db.begin().await?;
    let user = held(&mut tx, id).await?;
    administration::prove_email(&mut tx, id, who.at).await?;
    who.record(&mut tx, "user.address_confirmed", &user.email, json!({}))
        .await?;
    tx.commit().await?;
    Ok(user)
}

/// Takes an address from a user for whom nobody vouched, because somebody else is vouched for it: the user keeps what they
/// have under another sign-in name, and is signed out everywhere.
pub(crate) async fn release_address(tx: &mut Tx, user: &User) -> Result<String, StoreError> {
    let number: String = user.id.to_string().chars().rev().take(8).collect();
    let email = format!("unconfirmed-{number}:{}", user.email);
    administration::set_email(tx, user.id, &email).await?;
    administration::end_everything(tx, user.id).await?;
    Ok(email)
}

/// Changes who may make accounts and who may connect a Bitbucket without being given the right by name.
pub(crate) async fn set_rules(
    db: &Db,
    who: &Administrator,
    rules: Rules,
) -> Result<(), StoreError> {
    let before = Rules::load(db).await?;
    let mut tx = db.begin().await?;
    rules.save(&mut tx, who.at).await?;
    for (what, before, now) in [
        ("who may make accounts", before.accounts, rules.accounts),
        (
            "who may connect a Bitbucket",
            before.connections,
            rules.connections,
        ),
    ] {
        if before != now {
            let detail = json!({ "before": before.as_str(), "now": now.as_str() });
            who.record(&mut tx, "installation.rules_changed", what, detail)
                .await?;
        }
    }
    tx.commit().await
}
