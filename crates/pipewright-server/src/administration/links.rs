//! One-time links that administrators hand out, because no e-mail is sent: one makes a user, whose address the administrator
//! thereby vouches for; another lets a user choose a new password. A link is bound to its maker: it works only while they
//! administer the installation.

use std::time::Duration;

use pipewright_core::Secret;
use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;
use pipewright_store::accounts::{Account, AccountKind};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::user_links::{self, LinkKind, UserLink};
use pipewright_store::users::{self, User};
use pipewright_store::{Db, StoreError, Tx, administration, sign_ins};
use serde_json::json;
use uuid::Uuid;

use super::users::{AdministerError, release_address};
use crate::accounts::{NewAccount, free_slug, make, slug};
use crate::ground::{Administrator, Failure, Kind, Passerby, hash_of_token, new_token};
use crate::users::checked_email;

/// How long an invitation can be taken up.
const INVITATION: Duration = Duration::from_hours(168);
/// How long a new password can be chosen.
const RESET: Duration = Duration::from_hours(24);

/// A link was not made, or does not work any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The address is none, or is somebody's.
    #[error("{0}")]
    Address(String),
    /// The user cannot be given one.
    #[error(transparent)]
    User(#[from] AdministerError),
    /// It was used, withdrawn or has expired, or its maker may no longer make one.
    #[error(
        "This one-time link was already used or withdrawn, or it has expired. If you chose your password with it, sign in; otherwise ask an administrator for a new one."
    )]
    Gone,
    /// There is no open invitation of this id.
    #[error("there is no such invitation")]
    NoInvitation,
    /// No token could be made.
    #[error(transparent)]
    Random(anyhow::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for LinkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Address(_) => Kind::Unusable,
            Self::User(error) => error.kind(),
            Self::Gone => Kind::Gone,
            Self::NoInvitation => Kind::NotFound,
            Self::Random(_) | Self::Store(_) => Kind::Internal,
        }
    }
}

/// What a new user is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Given {
    /// Administers the installation.
    pub(crate) is_administrator: bool,
    /// May make accounts.
    pub(crate) may_make_accounts: bool,
    /// May connect a Bitbucket.
    pub(crate) may_connect: bool,
}

/// A link as it is handed out: its token is known only now.
#[derive(Debug)]
pub(crate) struct Handed {
    /// For whom.
    pub(crate) email: String,
    /// Ends the link's address: `/links/{token}`.
    pub(crate) token: Secret,
    /// Until when it works.
    pub(crate) expires_at: Timestamp,
}

/// Makes a link that makes a user of this address.
pub(crate) async fn invite(
    db: &Db,
    who: &Administrator,
    email: &str,
    given: Given,
) -> Result<Handed, LinkError> {
    let email = checked_email(email).map_err(LinkError::Address)?;
    if let Some(user) = users::by_email(db, &email).await?
        && user.email_proved_at.is_some()
    {
        return Err(LinkError::Address(format!(
            "{email} is the user {} already.",
            user.name
        )));
    }
    let detail = json!({
        "administrator": given.is_administrator,
        "may_make_accounts": given.may_make_accounts,
        "may_connect": given.may_connect,
    });
    let link = new_link(who, LinkKind::Invite, None, email, given, INVITATION);
    hand_out(db, who, link, "user.invited", detail).await
}

/// Makes a link by which the user chooses a new password.
pub(crate) async fn reset(db: &Db, who: &Administrator, user: UserId) -> Result<Handed, LinkError> {
    let user = users::by_id(db, user)
        .await?
        .ok_or(AdministerError::NotFound)?;
    if user.disabled_at.is_some() {
        return Err(AdministerError::Disabled(user.name).into());
    }
    let link = new_link(
        who,
        LinkKind::Reset,
        Some(user.id),
        user.email,
        Given::default(),
        RESET,
    );
    hand_out(db, who, link, "user.reset_link_made", json!({})).await
}

fn new_link(
    who: &Administrator,
    kind: LinkKind,
    user_id: Option<UserId>,
    email: String,
    given: Given,
    lifetime: Duration,
) -> UserLink {
    UserLink {
        id: Uuid::now_v7(),
        kind,
        user_id,
        email,
        is_administrator: given.is_administrator,
        may_make_accounts: given.may_make_accounts,
        may_connect: given.may_connect,
        made_by: who.user,
        maker: None,
        created_at: who.at,
        expires_at: who.at + lifetime,
    }
}

async fn hand_out(
    db: &Db,
    who: &Administrator,
    link: UserLink,
    action: &str,
    detail: serde_json::Value,
) -> Result<Handed, LinkError> {
    let token = new_token().map_err(LinkError::Random)?;
    let mut tx = db.begin().await?;
    user_links::insert(&mut tx, &link, &hash_of_token(&token)).await?;
    who.record(&mut tx, action, &link.email, detail).await?;
    tx.commit().await?;
    Ok(Handed {
        email: link.email,
        token,
        expires_at: link.expires_at,
    })
}

/// Withdraws an invitation that was not taken up.
pub(crate) async fn withdraw(db: &Db, who: &Administrator, id: Uuid) -> Result<(), LinkError> {
    let open = user_links::invitations(db).await?;
    let link = open
        .into_iter()
        .find(|link| link.id == id)
        .ok_or(LinkError::NoInvitation)?;
    let mut tx = db.begin().await?;
    if !user_links::withdraw(&mut tx, id).await? {
        return Err(LinkError::NoInvitation);
    }
    who.record(&mut tx, "invitation.withdrawn", &link.email, json!({}))
        .await?;
    Ok(tx.commit().await?)
}

/// The open link of this token.
pub(crate) async fn find(db: &Db, token: &str, now: Timestamp) -> Result<UserLink, LinkError> {
    let hash = hash_of_token(&Secret::new(token));
    user_links::by_token(db, &hash, now)
        .await?
        .ok_or(LinkError::Gone)
}

/// Makes a user whose address somebody vouches for, and their personal account. A user who has the address without proof
/// loses it: gives what that one is called from then on.
pub(crate) async fn make_user(
    tx: &mut Tx,
    user: &User,
    personal_slug: &str,
) -> Result<(Account, Option<String>), StoreError> {
    let mut released = None;
    if let Some(before) = users::by_email_within(tx, &user.email).await?
        && before.email_proved_at.is_none()
        && user.email_proved_at.is_some()
    {
        released = Some(release_address(tx, &before).await?);
    }
    users::insert(tx, user).await?;
    let personal = NewAccount {
        slug: personal_slug,
        name: &user.name,
        kind: AccountKind::Personal,
        owner: user.id,
        now: user.created_at,
    };
    Ok((make(tx, &personal).await?, released))
}

/// A slug for the user's personal account that is free at this moment.
pub(crate) async fn personal_slug(db: &Db, email: &str) -> Result<String, StoreError> {
    free_slug(db, &slug::suggest(email)).await
}

/// Uses a reset link up: the new password counts, everything else that was open in the user's name ends.
pub(crate) async fn choose_password(
    tx: &mut Tx,
    link: &UserLink,
    password_hash: &str,
    now: Timestamp,
) -> Result<User, LinkError> {
    if !user_links::use_up(tx, link.id, now).await? {
        return Err(LinkError::Gone);
    }
    let id = link.user_id.ok_or(LinkError::Gone)?;
    let user = administration::held(tx, id).await?.ok_or(LinkError::Gone)?;
    if user.disabled_at.is_some() || user.email != link.email {
        return Err(LinkError::Gone);
    }
    users::set_password(tx, id, password_hash).await?;
    administration::end_everything(tx, id).await?;
    sign_ins::clear(tx, &format!("address {}", user.email)).await?;
    sign_ins::clear_beginning(tx, &format!("pair {} ", user.email)).await?;
    // Whoever was handed the link is whom an administrator takes for the address's owner.
    administration::prove_email(tx, id, now).await?;
    Ok(user)
}

/// Writes down that a user was made, and that another lost the address by it.
pub(crate) async fn record_joined(
    tx: &mut Tx,
    from: &Passerby<'_>,
    user: &User,
    invited_by: Option<&str>,
    released: Option<String>,
) -> Result<(), StoreError> {
    let mut event = NewEvent {
        account_id: None,
        user_id: Some(user.id),
        actor: &user.name,
        action: "user.joined",
        subject: &user.email,
        detail: json!({ "invited_by": invited_by }),
        address: Some(from.address),
        at: from.at,
    };
    events::record(tx, &event).await?;
    if let Some(now) = released {
        event.action = "user.address_released";
        event.detail = json!({ "now": now });
        events::record(tx, &event).await?;
    }
    Ok(())
}
