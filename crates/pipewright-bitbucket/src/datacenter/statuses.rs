//! Posts build statuses, in the form that the server knows.

use reqwest::Method;

use super::DataCenterClient;
use super::client::api_path;
use super::wire::{OldStatus, RichStatus, TestResults};
use crate::http::{ApiError, BuildCapabilities, Request};
use crate::remote::RepositoryAddress;
use crate::status::{
    BuildStatus, PostedStatus, cut_text, datacenter_state, datacenter_url_problem,
};

/// Longest name and description.
const MAX_TEXT: usize = 255;
/// Longest `parent`.
const MAX_PARENT: usize = 1024;

impl DataCenterClient {
    /// Posts a build status; the same key on the same commit is overwritten. Servers from 7.4 on get the whole (with
    /// `parent`, which required builds match, and `ref`, without which pull requests do not show it: trap T5), older ones
    /// the five fields they know. Read permission is enough.
    pub async fn post_status(
        &self,
        address: &RepositoryAddress,
        status: &BuildStatus,
    ) -> Result<PostedStatus, ApiError> {
        if let Some(problem) = datacenter_url_problem(&status.url) {
            return Ok(PostedStatus::Skipped(problem));
        }
        let known = self.build_capabilities().await?;
        let knows = |name: &str| {
            known
                .build_status
                .iter()
                .any(|capability| capability == name)
        };
        let doing = format!(
            "posting the status of {} to {}/{}",
            status.commit.short(),
            address.space,
            address.slug
        );
        let state = datacenter_state(status.state, knows("cancelledStatus"));
        let name = cut_text(&status.name, MAX_TEXT);
        let description = cut_text(&status.description, MAX_TEXT);
        let request = if knows("richBuildStatus") {
            let url = self.url(
                &format!("{}/commits/{}/builds", api_path(address), status.commit),
                &[],
                &doing,
            )?;
            Request::new(Method::POST, url, doing).json(&RichStatus {
                key: status.key.as_str(),
                state,
                url: status.url.as_str(),
                name,
                description,
                build_number: status.build_number.to_string(),
                parent: cut_text(&status.parent, MAX_PARENT),
                reference: status
                    .reference
                    .as_ref()
                    .map(pipewright_core::RefName::full),
                duration: status
                    .duration
                    .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
                last_updated: status.updated_at.map(|moment| moment.as_micros() / 1_000),
                test_results: status.tests.map(|tests| TestResults {
                    successful: tests.successful,
                    failed: tests.failed,
                    skipped: tests.skipped,
                }),
            })
        } else {
            // A state that old servers lack would be refused.
            let state = datacenter_state(status.state, false);
            let url = self.url(
                &format!("/build-status/1.0/commits/{}", status.commit),
                &[],
                &doing,
            )?;
            Request::new(Method::POST, url, doing).json(&OldStatus {
                key: status.key.as_str(),
                state,
                url: status.url.as_str(),
                name,
                description,
            })
        };
        self.send(request).await?;
        Ok(PostedStatus::Posted)
    }

    /// What the server can do with build statuses; nothing new where it does not know the question (before 7.4).
    pub(crate) async fn build_capabilities(&self) -> Result<BuildCapabilities, ApiError> {
        let ask = || async {
            match self
                .get(
                    "/api/latest/build/capabilities",
                    &[],
                    "asking the server which build statuses it knows",
                )
                .await
            {
                Err(error) if error.is_not_found() => Ok(BuildCapabilities::default()),
                other => other,
            }
        };
        self.build_capabilities.get_or_try_init(ask).await.cloned()
    }
}
