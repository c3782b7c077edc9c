//! `repo:modified` and `repo:forked`.

use serde_json::{Value, json};

use crate::{
    datacenter::wire::{Render, WireRepository},
    state::{Repository, RepositoryId},
};

/// A renamed or moved repository: `old` and `new`, and no `repository`.
pub(in crate::datacenter) fn repository_modified(
    old: &WireRepository,
    new: &WireRepository,
) -> (&'static str, Value) {
    ("repo:modified", json!({ "old": old, "new": new }))
}

impl Render<'_> {
    pub(super) fn renamed(
        &self,
        repository: RepositoryId,
        old_slug: &str,
    ) -> Option<(&'static str, Value)> {
        let now = self.tables.repository(repository)?;
        let before = Repository {
            slug: old_slug.to_owned(),
            name: old_slug.to_owned(),
            ..now.clone()
        };
        Some(repository_modified(
            &self.repository(&before),
            &self.repository(now),
        ))
    }

    pub(super) fn forked(&self, fork: RepositoryId) -> Option<(&'static str, Value)> {
        let fork = self.tables.repository(fork)?;
        Some((
            "repo:forked",
            json!({ "repository": self.repository(fork) }),
        ))
    }
}
