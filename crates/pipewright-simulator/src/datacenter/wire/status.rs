//! Build statuses, in the form tied to a repository and in the old form tied to a commit alone.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{project::shown_key, render::Render};
use crate::{datacenter::moment::Moment, state::StatusWrite};

/// A rich status as it is read back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireStatus {
    key: String,
    state: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_slug: Option<String>,
    created_date: Moment,
    updated_date: Moment,
    /// `parent`, `buildNumber`, `duration`, `testResults`.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// A status of the old resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireLegacyStatus {
    state: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    date_added: Moment,
}

impl Render<'_> {
    /// A rich status.
    pub(in crate::datacenter) fn status(&self, write: &StatusWrite) -> WireStatus {
        let repository = write
            .repository
            .filter(|_| self.version.names_repository_in_status())
            .and_then(|id| self.tables.repository(id));
        let space = repository.and_then(|repository| self.tables.space(repository.space));
        WireStatus {
            key: write.key.clone(),
            state: write.state.clone(),
            url: write.url.clone(),
            name: write.name.clone(),
            description: write.description.clone(),
            ref_name: write.refname.clone(),
            project_key: space.map(shown_key),
            repository_slug: repository.map(|repository| repository.slug.clone()),
            created_date: self.moment(write.created_at),
            updated_date: self.moment(write.written_at),
            extra: write.extra.clone(),
        }
    }

    /// A status as the old resource shows it, whichever way it was written.
    pub(in crate::datacenter) fn legacy_status(&self, write: &StatusWrite) -> WireLegacyStatus {
        WireLegacyStatus {
            state: write.state.clone(),
            key: write.key.clone(),
            name: write.name.clone(),
            url: write.url.clone(),
            description: write.description.clone(),
            date_added: self.moment(write.written_at),
        }
    }
}
