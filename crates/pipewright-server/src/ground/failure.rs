//! The one road from a use case's error to what a person or a program is answered.
//!
//! A use case returns its own typed error, which says here which kind of "no" it is. The web floor makes the status of the
//! kind and the sentence of the error's words, for every page alike; the API will do the same. A new error needs one
//! `match` beside its type, and no handler.

use pipewright_store::StoreError;

use super::sentences::sentence;

/// Which kind of "no" an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not there, or whoever asks may not know that it is: 404.
    NotFound,
    /// It was there for whoever has its secret, and is no more: 404, in words of its own.
    Gone,
    /// Whoever asks may not do this: 403.
    Denied,
    /// It contradicts what is there: 409, or a sentence on the page that was looked at.
    Conflict,
    /// What was entered cannot be used: 422, or a sentence beside the form.
    Unusable,
    /// It may work later: 503, or a sentence on the page that was looked at.
    NotNow,
    /// Our own fault: 500, and its words go to the log alone.
    Internal,
}

/// An error of a use case.
pub(crate) trait Failure: std::error::Error + Send + Sync + Sized + 'static {
    /// Which kind of "no" this is.
    fn kind(&self) -> Kind;

    /// What a person is told: the error's own words as a sentence. Not for [`Kind::Internal`].
    fn sentence(&self) -> String {
        sentence(&self.to_string())
    }
}

/// The error of a use case that can go wrong in no way of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else of ours failed.
    #[error(transparent)]
    Failed(anyhow::Error),
}

impl ActError {
    /// What failed is ours, and only the log is told of it.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure for ActError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Store(_) | Self::Failed(_) => Kind::Internal,
        }
    }
}

/// Whoever asked may not do this. The sentence says who may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Denied(pub(crate) String);

impl Failure for Denied {
    fn kind(&self) -> Kind {
        Kind::Denied
    }
}

impl Failure for StoreError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}
