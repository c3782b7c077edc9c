//! What we write to a repository: its webhook and build statuses.

use url::Url;

use super::Bitbucket;
use crate::http::ApiError;
use crate::remote::{EnsuredWebhook, RepositoryAddress, WebhookRequest, WebhookState};
use crate::status::{BuildStatus, PostedStatus};

impl Bitbucket {
    /// Makes our webhook exist exactly once and be as asked: found by `known_id` or by its address, else created; written
    /// anew in any case; duplicates removed.
    pub async fn ensure_webhook(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<EnsuredWebhook, ApiError> {
        match self {
            Self::Cloud(client) => client.ensure_webhook(address, request, known_id).await,
            Self::DataCenter(client) => client.ensure_webhook(address, request, known_id).await,
        }
    }

    /// Whether our webhook is there and as it should be. Changes nothing.
    pub async fn webhook_state(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<WebhookState, ApiError> {
        match self {
            Self::Cloud(client) => client.webhook_state(address, request, known_id).await,
            Self::DataCenter(client) => client.webhook_state(address, request, known_id).await,
        }
    }

    /// Removes our webhook and its duplicates; it is no error if there is none, or no repository any more. Answers how many
    /// were removed.
    pub async fn delete_webhook(
        &self,
        address: &RepositoryAddress,
        url: &Url,
        known_id: Option<&str>,
    ) -> Result<usize, ApiError> {
        match self {
            Self::Cloud(client) => client.delete_webhook(address, url, known_id).await,
            Self::DataCenter(client) => client.delete_webhook(address, url, known_id).await,
        }
    }

    /// Posts a build status; the same key on the same commit is overwritten.
    pub async fn post_status(
        &self,
        address: &RepositoryAddress,
        status: &BuildStatus,
    ) -> Result<PostedStatus, ApiError> {
        match self {
            Self::Cloud(client) => client.post_status(address, status).await,
            Self::DataCenter(client) => client.post_status(address, status).await,
        }
    }
}
