//! Branches, tags and the short form of a ref.

use serde::Serialize;

use crate::state::{RefTarget, ref_name};

/// A ref in its short form, as payloads and the default branch use it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireMinimalRef {
    pub(in crate::datacenter) id: String,
    pub(in crate::datacenter) display_id: String,
    #[serde(rename = "type")]
    pub(in crate::datacenter) kind: &'static str,
}

impl WireMinimalRef {
    pub(in crate::datacenter) fn of(full_name: &str) -> Self {
        Self {
            id: full_name.to_owned(),
            display_id: ref_name::short(full_name).to_owned(),
            kind: if ref_name::is_tag(full_name) {
                "TAG"
            } else {
                "BRANCH"
            },
        }
    }
}

/// A branch. The document names the flag `default`, servers send `isDefault`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireBranch {
    #[serde(flatten)]
    short: WireMinimalRef,
    latest_commit: String,
    latest_changeset: String,
    is_default: bool,
}

impl WireBranch {
    pub(in crate::datacenter) fn new(
        full_name: &str,
        target: &RefTarget,
        is_default: bool,
    ) -> Self {
        Self {
            short: WireMinimalRef::of(full_name),
            latest_commit: target.commit.clone(),
            latest_changeset: target.commit.clone(),
            is_default,
        }
    }
}

/// A tag. `hash` is the tag object of an annotated tag and null for a lightweight one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireTag {
    #[serde(flatten)]
    short: WireMinimalRef,
    latest_commit: String,
    latest_changeset: String,
    hash: Option<String>,
}

impl WireTag {
    pub(in crate::datacenter) fn new(full_name: &str, target: &RefTarget) -> Self {
        Self {
            short: WireMinimalRef::of(full_name),
            latest_commit: target.commit.clone(),
            latest_changeset: target.commit.clone(),
            hash: target.is_annotated().then(|| target.object.clone()),
        }
    }
}
