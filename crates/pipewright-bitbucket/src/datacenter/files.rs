//! One file at one commit.

use pipewright_core::CommitHash;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};

use super::DataCenterClient;
use super::client::api_path;
use super::failure::{check, is_missing_path};
use crate::http::{ApiError, Request, encode_path};
use crate::remote::RepositoryAddress;

impl DataCenterClient {
    /// The bytes of a file, at most `max_bytes`; none where the commit has no such file.
    pub async fn file_at(
        &self,
        address: &RepositoryAddress,
        commit: &CommitHash,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let doing = format!(
            "reading {path} at {} of {}/{}",
            commit.short(),
            address.space,
            address.slug
        );
        let encoded = encode_path(path).map_err(|error| ApiError::BadRequest {
            doing: doing.clone(),
            detail: error.to_string(),
        })?;
        let url = self.url(
            &format!("{}/raw/{encoded}", api_path(address)),
            &[("at", commit.as_str())],
            &doing,
        )?;
        let request = Request::new(Method::GET, url, doing)
            .header(ACCEPT, HeaderValue::from_static("*/*"))
            .at_most(max_bytes);
        let answer = self.send_unchecked(request).await?;
        if is_missing_path(&answer) {
            return Ok(None);
        }
        Ok(Some(check(answer, &self.base)?.body))
    }
}
