//! What can be wrong with an act on members.

use pipewright_core::ids::UserId;
use pipewright_store::members::{self, Member, MemberChange};
use pipewright_store::{Db, StoreError};

use crate::ground::{Actor, Denied, Failure, Kind};

/// A member stays as they are, or nobody is invited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such member or invitation.
    #[error("there is no such member")]
    NotFound,
    /// The account would be nobody's.
    #[error(
        "an account always has an owner. Make somebody else an owner first, then do this again"
    )]
    LastOwner,
    /// What was entered cannot be used: a whole sentence.
    #[error("{0}")]
    Entered(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(anyhow::Error),
}

impl Failure for MemberError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::LastOwner => Kind::Conflict,
            Self::Entered(_) => Kind::Unusable,
            Self::Store(_) | Self::Random(_) => Kind::Internal,
        }
    }
}

/// The member of the actor's account with this id.
pub(super) async fn find(db: &Db, actor: &Actor, id: UserId) -> Result<Member, MemberError> {
    let listed = members::list(db, actor.account).await?;
    listed
        .into_iter()
        .find(|one| one.id == id)
        .ok_or(MemberError::NotFound)
}

/// What the store says of a change.
pub(super) fn finish(change: &MemberChange) -> Result<(), MemberError> {
    match change {
        MemberChange::Done => Ok(()),
        MemberChange::NoSuchMember => Err(MemberError::NotFound),
        MemberChange::LastOwner => Err(MemberError::LastOwner),
    }
}
