//! SSH keys of users and access keys of repositories and projects.

use serde::Serialize;

use super::{project::WireProject, render::Render, repository::WireRepository};
use crate::{
    datacenter::moment::Moment,
    state::{Permission, Repository, Space, SshKey},
};

/// An SSH key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireKey {
    id: u64,
    text: String,
    label: String,
    #[serde(flatten)]
    details: Option<KeyDetails>,
}

/// What newer versions add.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyDetails {
    algorithm_type: String,
    created_date: Moment,
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_days: Option<i64>,
    /// Milliseconds as a string, as servers send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_authenticated: Option<String>,
}

/// An access key: the key, what it opens, and how far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::datacenter) struct WireAccessKey {
    key: WireKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<WireRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<WireProject>,
    permission: &'static str,
}

impl Render<'_> {
    /// A key.
    pub(in crate::datacenter) fn key(&self, key: &SshKey) -> WireKey {
        let text = match key.comment.as_str() {
            "" => key.openssh(),
            comment => format!("{} {comment}", key.openssh()),
        };
        WireKey {
            id: key.id.0,
            text,
            label: key.label.clone(),
            details: self.key_details(key),
        }
    }

    fn key_details(&self, key: &SshKey) -> Option<KeyDetails> {
        self.version.describes_keys().then(|| KeyDetails {
            algorithm_type: algorithm_type(&key.algorithm).to_owned(),
            created_date: self.moment(key.created_at),
            fingerprint: key.fingerprint.clone(),
            expiry_days: key
                .expires_at
                .map(|at| (at.as_second() - key.created_at.as_second()) / 86_400),
            last_authenticated: key.last_used.map(|at| at.as_millisecond().to_string()),
        })
    }

    /// A key's place in a repository.
    pub(in crate::datacenter) fn repository_key(
        &self,
        key: &SshKey,
        repository: &Repository,
        permission: Permission,
    ) -> WireAccessKey {
        WireAccessKey {
            key: self.key(key),
            repository: Some(self.repository(repository)),
            project: None,
            permission: if permission >= Permission::Write {
                "REPO_WRITE"
            } else {
                "REPO_READ"
            },
        }
    }

    /// A key's place in a project.
    pub(in crate::datacenter) fn project_key(
        &self,
        key: &SshKey,
        space: &Space,
        permission: Permission,
    ) -> WireAccessKey {
        WireAccessKey {
            key: self.key(key),
            repository: None,
            project: Some(self.project(space)),
            permission: if permission >= Permission::Write {
                "PROJECT_WRITE"
            } else {
                "PROJECT_READ"
            },
        }
    }
}

fn algorithm_type(algorithm: &str) -> &str {
    match algorithm {
        "ssh-rsa" => "RSA",
        "ssh-dss" => "DSA",
        "ssh-ed25519" => "ED25519",
        ecdsa if ecdsa.starts_with("ecdsa-") => "ECDSA",
        other => other,
    }
}
