//! Work in lanes, as the nouns describe it: what waits, what is next for a key, and one step of it. Who moves lanes is
//! `background::lanes`.

use std::fmt::Debug;
use std::hash::Hash;

use pipewright_store::StoreError;

use crate::live::Part;

/// What is done in lanes.
pub(crate) trait Lane: Send + Sync + 'static {
    /// What a lane is for.
    type Key: Copy + Eq + Hash + Debug + Send + Sync + 'static;
    /// What is moved one step.
    type Unit: Send + 'static;
    /// What names a unit.
    type Id: Copy + Debug + Send + Sync + 'static;

    /// Which part of the server it is.
    const PART: Part;
    /// How many lanes move at the same time.
    const SIDE_BY_SIDE: usize;

    /// Keys that have something to do now, at most `limit`.
    fn waiting(
        &self,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Self::Key>, StoreError>> + Send;
    /// What is next for a key.
    fn next(
        &self,
        key: Self::Key,
    ) -> impl Future<Output = Result<Option<Self::Unit>, StoreError>> + Send;
    /// The unit's name.
    fn id(unit: &Self::Unit) -> Self::Id;
    /// Moves the unit one step, which must change what [`Lane::next`] answers.
    fn step(&self, unit: Self::Unit) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// The step panicked: takes the unit out of the way.
    fn panicked(&self, id: Self::Id) -> impl Future<Output = Result<(), StoreError>> + Send;
}
