//! Bitbucket Data Center's JSON, as far as we read it, over all versions from 5 to 10. Everything that was ever seen
//! missing is optional; unknown fields are ignored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient;

/// A page of any list.
#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "T: serde::de::DeserializeOwned")
)]
pub(crate) struct Page<T> {
    #[serde(default, deserialize_with = "lenient::each")]
    pub(crate) values: Vec<T>,
    #[serde(
        default,
        rename = "isLastPage",
        deserialize_with = "lenient::or_default"
    )]
    pub(crate) is_last: bool,
    #[serde(default)]
    pub(crate) next_page_start: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    pub(crate) href: Option<String>,
    pub(crate) name: Option<String>,
}

/// Entries of `self` were seen as null.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Links {
    #[serde(deserialize_with = "lenient::each")]
    pub(crate) clone: Vec<Link>,
    #[serde(rename = "self", deserialize_with = "lenient::each")]
    pub(crate) own: Vec<Option<Link>>,
}

impl Links {
    /// The page for people.
    pub(crate) fn page(&self) -> Option<String> {
        self.own.iter().flatten().find_map(|link| link.href.clone())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) email_address: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) id: Option<u64>,
    pub(crate) key: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) public: Option<bool>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Repository {
    pub(crate) id: Option<u64>,
    pub(crate) slug: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) scm_id: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) archived: Option<bool>,
    pub(crate) public: Option<bool>,
    pub(crate) default_branch: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) project: Project,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) links: Links,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Ref {
    pub(crate) id: Option<String>,
    pub(crate) display_id: Option<String>,
    pub(crate) latest_commit: Option<String>,
    /// Servers send this one,
    pub(crate) is_default: Option<bool>,
    /// the document names this one.
    #[serde(rename = "default")]
    pub(crate) documented_default: Option<bool>,
    /// Of a pull request's end only.
    pub(crate) repository: Option<Repository>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) email_address: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Commit {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) author: Option<Person>,
    /// A number of milliseconds, or a text from version 10 on.
    pub(crate) author_timestamp: Option<Value>,
    pub(crate) committer_timestamp: Option<Value>,
    pub(crate) parents: Option<Vec<Commit>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequestAuthor {
    pub(crate) user: Option<User>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PullRequestProperties {
    pub(crate) merge_commit: Option<Commit>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PullRequest {
    pub(crate) id: Option<u64>,
    pub(crate) title: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) draft: Option<bool>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) author: Option<PullRequestAuthor>,
    pub(crate) from_ref: Option<Ref>,
    pub(crate) to_ref: Option<Ref>,
    /// A number of milliseconds, or a text from version 10 on.
    pub(crate) updated_date: Option<Value>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) properties: Option<PullRequestProperties>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) links: Links,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Webhook {
    pub(crate) id: Option<u64>,
    pub(crate) url: Option<String>,
    pub(crate) active: Option<bool>,
    #[serde(deserialize_with = "lenient::each")]
    pub(crate) events: Vec<String>,
    pub(crate) configuration: Option<WebhookConfiguration>,
    pub(crate) ssl_verification_required: Option<bool>,
}

/// The secret comes back in clear: only whether there is one is kept.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookConfiguration {
    pub(crate) secret: Option<String>,
}

impl std::fmt::Debug for WebhookConfiguration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookConfiguration")
            .field("has_secret", &self.secret.is_some())
            .finish()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SshKey {
    pub(crate) id: Option<u64>,
    pub(crate) text: Option<String>,
    pub(crate) label: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccessKey {
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) key: SshKey,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplicationProperties {
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SshSettings {
    pub(crate) enabled: Option<bool>,
    pub(crate) port: Option<u16>,
    pub(crate) base_url: Option<String>,
    pub(crate) access_keys_enabled: Option<bool>,
    pub(crate) fingerprint: Option<Fingerprint>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fingerprint {
    pub(crate) algorithm: Option<String>,
    pub(crate) value: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RateLimitSettings {
    pub(crate) enabled: bool,
    pub(crate) default_settings: Option<RateLimitBucket>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RateLimitBucket {
    pub(crate) capacity: Option<u32>,
    pub(crate) fill_rate: Option<u32>,
}

/// The rich build status, as it is sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RichStatus<'a> {
    pub(crate) key: &'a str,
    pub(crate) state: &'a str,
    pub(crate) url: &'a str,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) build_number: String,
    pub(crate) parent: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_results: Option<TestResults>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TestResults {
    pub(crate) successful: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// The build status of servers before 7.4.
#[derive(Debug, Serialize)]
pub(crate) struct OldStatus<'a> {
    pub(crate) key: &'a str,
    pub(crate) state: &'a str,
    pub(crate) url: &'a str,
    pub(crate) name: String,
    pub(crate) description: String,
}
