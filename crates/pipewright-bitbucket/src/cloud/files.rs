//! One file at one commit.

use pipewright_core::CommitHash;
use reqwest::Method;

use super::CloudClient;
use super::client::repository_path;
use super::failure::check;
use crate::http::{ApiError, Request, encode_path};
use crate::remote::RepositoryAddress;

impl CloudClient {
    /// The bytes of a file, at most `max_bytes`; none where the commit has no such file, or a directory in its place.
    pub async fn file_at(
        &self,
        address: &RepositoryAddress,
        commit: &CommitHash,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let doing = format!("reading {path} at {} of {}", commit.short(), address.slug);
        let encoded = encode_path(path).map_err(|error| ApiError::BadRequest {
            doing: doing.clone(),
            detail: error.to_string(),
        })?;
        let url = self.url(
            &format!("{}/src/{commit}/{encoded}", repository_path(address)),
            &[],
            &doing,
        )?;
        let answer = self
            .send_unchecked(Request::new(Method::GET, url, doing).at_most(max_bytes))
            .await?;
        // A directory is answered with a JSON list and no attachment; a file always comes as an attachment.
        let is_listing = answer.is_success()
            && answer.is_json()
            && answer.header("content-disposition").is_none();
        if is_listing {
            return Ok(None);
        }
        match check(answer) {
            Ok(answer) => Ok(Some(answer.body)),
            // The commit is checked apart, because an unknown commit or repository is answered in the same way.
            Err(ApiError::NotFound { message, .. })
                if message.starts_with("No such file or directory") =>
            {
                Ok(None)
            }
            Err(ApiError::NotFound { doing, message }) => {
                self.commit(address, &crate::remote::CommitId::Full(commit.clone()))
                    .await?;
                tracing::debug!(doing, message, "the commit is there and the file is not");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
