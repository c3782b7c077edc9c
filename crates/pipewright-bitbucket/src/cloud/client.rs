//! The client: where Cloud is, with which credential, and how one call is made.

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use url::Url;

use super::CloudEndpoints;
use super::failure::check;
use crate::credential::Credential;
use crate::http::{Answer, ApiError, Http, Request, encode_path_part};
use crate::remote::RepositoryAddress;

/// A client of Bitbucket Cloud for one credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CloudClient {
    pub(crate) http: Http,
    pub(crate) endpoints: CloudEndpoints,
    pub(crate) credential: Credential,
}

impl CloudClient {
    /// A client; nothing is asked yet.
    pub fn new(http: Http, endpoints: CloudEndpoints, credential: Credential) -> Self {
        Self {
            http,
            endpoints,
            credential,
        }
    }

    /// Where this client believes Cloud is.
    pub fn endpoints(&self) -> &CloudEndpoints {
        &self.endpoints
    }

    /// The address of a call; `path` is already encoded.
    pub(crate) fn url(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Url, ApiError> {
        let mut url = self
            .endpoints
            .call(path)
            .ok_or_else(|| ApiError::BadRequest {
                doing: doing.to_owned(),
                detail: "the address of Bitbucket's API is not usable".to_owned(),
            })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends a request with the credential and refuses every status that is not a success.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, ApiError> {
        check(self.send_unchecked(request).await?)
    }

    /// Sends a request with the credential.
    pub(crate) async fn send_unchecked(&self, request: Request) -> Result<Answer, ApiError> {
        let Some(header) = self.credential.header() else {
            let message = "it holds a character that cannot be sent".to_owned();
            return Err(ApiError::Unauthorized {
                doing: request.doing,
                message,
            });
        };
        self.http.send(request.header(AUTHORIZATION, header)).await
    }

    /// Reads one JSON answer.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<T, ApiError> {
        let url = self.url(path, query, doing)?;
        self.send(Request::new(Method::GET, url, doing))
            .await?
            .decode()
    }
}

/// The path of a repository: by UUID where it is known.
pub(crate) fn repository_path(address: &RepositoryAddress) -> String {
    let repository = if address.remote_id.is_empty() {
        &address.slug
    } else {
        &address.remote_id
    };
    format!(
        "/repositories/{}/{}",
        encode_path_part(&address.space),
        encode_path_part(repository)
    )
}
