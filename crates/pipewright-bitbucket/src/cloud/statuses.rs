//! Posts build statuses.

use reqwest::Method;
use serde::Serialize;

use super::CloudClient;
use super::client::repository_path;
use crate::http::{ApiError, Request};
use crate::remote::RepositoryAddress;
use crate::status::{BuildStatus, PostedStatus, cloud_state, cloud_url_problem, cut_text};

/// Longest name and description; both are reported as 255.
const MAX_TEXT: usize = 255;

#[derive(Debug, Serialize)]
struct StatusBody<'a> {
    key: &'a str,
    state: &'a str,
    url: &'a str,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refname: Option<&'a str>,
}

impl CloudClient {
    /// Posts a build status; the same key on the same commit is overwritten. Needs `repository` (read is enough). Where
    /// Cloud would refuse our address, nothing is posted and the answer says why.
    pub async fn post_status(
        &self,
        address: &RepositoryAddress,
        status: &BuildStatus,
    ) -> Result<PostedStatus, ApiError> {
        if let Some(problem) = cloud_url_problem(&status.url) {
            return Ok(PostedStatus::Skipped(problem));
        }
        let doing = format!(
            "posting the status of {} to {}",
            status.commit.short(),
            address.slug
        );
        let path = format!(
            "{}/commit/{}/statuses/build",
            repository_path(address),
            status.commit
        );
        let body = StatusBody {
            key: status.key.as_str(),
            state: cloud_state(status.state),
            url: status.url.as_str(),
            name: cut_text(&status.name, MAX_TEXT),
            description: cut_text(&status.description, MAX_TEXT),
            refname: status
                .reference
                .as_ref()
                .map(pipewright_core::RefName::short),
        };
        let url = self.url(&path, &[], &doing)?;
        self.send(Request::new(Method::POST, url, doing).json(&body))
            .await?;
        Ok(PostedStatus::Posted)
    }
}
