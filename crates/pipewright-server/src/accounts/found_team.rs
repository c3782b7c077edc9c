//! Making a team's account.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;
use pipewright_store::StoreError;
use pipewright_store::accounts::{Account, AccountKind};
use pipewright_store::events::{self, NewEvent};

use super::alone::refuse_team;
use super::make::{NewAccount, make};
use super::names::checked_names;
use crate::app::App;
use crate::ground::{Denied, Failure, Kind, rights};

/// A user who makes a team. They act in no account yet, and own the new one.
#[derive(Debug, Clone)]
pub(crate) struct Founder<'a> {
    /// The user.
    pub(crate) user: UserId,
    /// How the history calls them.
    pub(crate) name: &'a str,
    /// The network address that the request came from.
    pub(crate) address: &'a str,
    /// The act's moment.
    pub(crate) at: Timestamp,
    /// Whether they were given the right to make accounts.
    pub(crate) may_make_accounts: bool,
}

impl Founder<'_> {
    /// Refuses whoever was not given the right.
    pub(crate) fn admitted(&self) -> Result<(), Denied> {
        if self.may_make_accounts {
            Ok(())
        } else {
            Err(Denied(rights::NO_ACCOUNTS.to_owned()))
        }
    }
}

/// The team was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundError {
    /// The user may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// What was entered cannot be used.
    #[error("{0}")]
    Entered(String),
    /// There may be no further team here.
    #[error("{0}")]
    Alone(String),
    /// Another account has the short name.
    #[error("The short name `{0}` is taken; choose another.")]
    Taken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for FoundError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Entered(_) => Kind::Unusable,
            Self::Alone(_) | Self::Taken(_) => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Makes the team. Where no short name was entered, it is made of the name.
pub(crate) async fn found_team(
    app: &App,
    founder: &Founder<'_>,
    name: &str,
    short: &str,
) -> Result<Account, FoundError> {
    founder.admitted()?;
    let (name, slug) = checked_names(name, short).map_err(FoundError::Entered)?;
    let new = NewAccount {
        slug: &slug,
        name: &name,
        kind: AccountKind::Team,
        owner: founder.user,
        now: founder.at,
    };
    let mut tx = app.db.begin().await?;
    if let Some(sentence) = refuse_team(app.config.host.isolation, &mut tx).await? {
        return Err(FoundError::Alone(sentence));
    }
    let account = match make(&mut tx, &new).await {
        Err(StoreError::Exists(_)) => return Err(FoundError::Taken(slug)),
        made => made?,
    };
    let event = NewEvent {
        account_id: Some(account.id),
        user_id: Some(founder.user),
        actor: founder.name,
        action: "account.created",
        subject: &name,
        detail: serde_json::json!({ "slug": slug }),
        address: Some(founder.address),
        at: founder.at,
    };
    events::record(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(account)
}
