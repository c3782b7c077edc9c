//! Changed files.

use serde::Serialize;
use serde_json::{Value, json};

use crate::git::{DiffEntry, DiffStatus};

/// A path in the four forms that the product gives at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::datacenter) struct WirePath {
    components: Vec<String>,
    parent: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<String>,
    #[serde(rename = "toString")]
    whole: String,
}

impl WirePath {
    pub(in crate::datacenter) fn of(path: &str) -> Self {
        let components: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        let name = components.last().cloned().unwrap_or_default();
        Self {
            parent: components
                .split_last()
                .map(|(_, parents)| parents.join("/"))
                .unwrap_or_default(),
            extension: name
                .rsplit_once('.')
                .map(|(_, extension)| extension.to_owned()),
            name,
            components,
            whole: path.to_owned(),
        }
    }
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireChange {
    path: WirePath,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_path: Option<WirePath>,
    percent_unchanged: i32,
    #[serde(rename = "type")]
    kind: &'static str,
    node_type: &'static str,
    /// Servers send a list with a null in it here.
    links: Value,
    properties: Value,
}

impl WireChange {
    pub(in crate::datacenter) fn of(entry: &DiffEntry) -> Self {
        let (kind, git_kind, percent_unchanged) = match entry.status {
            DiffStatus::Added => ("ADD", "ADD", -1),
            DiffStatus::Removed => ("DELETE", "DELETE", -1),
            DiffStatus::Modified => ("MODIFY", "MODIFY", -1),
            DiffStatus::Renamed => ("MOVE", "RENAME", 100),
            DiffStatus::Copied => ("COPY", "COPY", 100),
        };
        let moved = matches!(entry.status, DiffStatus::Renamed | DiffStatus::Copied);
        let path = entry
            .new
            .as_deref()
            .or(entry.old.as_deref())
            .unwrap_or_default();
        Self {
            path: WirePath::of(path),
            src_path: entry.old.as_deref().filter(|_| moved).map(WirePath::of),
            percent_unchanged,
            kind,
            node_type: "FILE",
            links: json!({ "self": [null] }),
            properties: json!({ "gitChangeType": git_kind }),
        }
    }
}
