//! Columns that may be NULL, as typed optional values.
//!
//! `#[sqlx(try_from = "…")]` on an optional field needs a type that decodes NULL and turns into `Option<T>`; these are
//! those types. A value that does not parse is an error of the row, never a default.

use std::time::Duration;

use pipewright_core::Timestamp;
use uuid::Uuid;

/// The longest time for which anything is ever put off. Loops take a stored moment that lies further ahead as one that has come:
/// the clock was set back since it was stored.
const LONGEST_WAIT: Duration = Duration::from_mins(30);

/// From when on a moment that something waits for is too far ahead to be meant.
pub(crate) fn too_far(now: Timestamp) -> i64 {
    (now + LONGEST_WAIT).as_micros()
}

/// A moment that may be missing.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct MaybeMicros(Option<i64>);

impl From<MaybeMicros> for Option<Timestamp> {
    fn from(value: MaybeMicros) -> Self {
        value.0.map(Timestamp::from_micros)
    }
}

/// An id that may be missing.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct MaybeUuid(Option<Uuid>);

macro_rules! maybe_id {
    ($($id:ident),+) => {$(
        impl From<MaybeUuid> for Option<pipewright_core::ids::$id> {
            fn from(value: MaybeUuid) -> Self {
                value.0.map(pipewright_core::ids::$id::from_uuid)
            }
        }
    )+};
}

maybe_id!(ApplicationId, BuildId, DeliveryId, RunnerId, UserId);

/// A text that may be missing.
#[derive(Debug, Clone, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct MaybeText(Option<String>);

impl TryFrom<MaybeText> for Option<pipewright_core::CommitHash> {
    type Error = pipewright_core::git::CommitHashError;

    fn try_from(value: MaybeText) -> Result<Self, Self::Error> {
        value
            .0
            .map(pipewright_core::CommitHash::try_from)
            .transpose()
    }
}

impl TryFrom<MaybeText> for Option<pipewright_core::build::AttemptOutcome> {
    type Error = pipewright_core::build::UnknownState;

    fn try_from(value: MaybeText) -> Result<Self, Self::Error> {
        value
            .0
            .map(pipewright_core::build::AttemptOutcome::try_from)
            .transpose()
    }
}
