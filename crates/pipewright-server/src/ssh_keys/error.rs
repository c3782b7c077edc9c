//! Why a key or a host was not set, or not removed.

use pipewright_store::StoreError;

use crate::ground::{Denied, Failure, Kind};

/// A key or a host was not set, or not removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none.
    #[error("there is no such key")]
    NoSuchKey,
    /// A sentence that says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for SetError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NoSuchKey => Kind::NotFound,
            Self::Refused(_) => Kind::Unusable,
            Self::Store(_) => Kind::Internal,
        }
    }
}
