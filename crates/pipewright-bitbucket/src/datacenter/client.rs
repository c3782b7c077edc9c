//! The client: where the server is, with which credential, and how one call is made.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

use super::failure::check;
use crate::credential::Credential;
use crate::http::{Answer, ApiError, Cell, Http, Request, encode_path_part};
use crate::remote::RepositoryAddress;

/// A client of one Bitbucket Server or Data Center for one credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DataCenterClient {
    pub(crate) http: Http,
    pub(crate) base: Url,
    pub(crate) credential: Option<Credential>,
    /// Asked once by all clients of a server, and again after a few minutes.
    pub(crate) build_capabilities: Cell,
}

impl DataCenterClient {
    /// A client; nothing is asked yet. `base` is scheme, host, port and context path, see [`super::parse_base_url`].
    pub fn new(http: Http, base: Url, credential: Credential) -> Self {
        Self {
            build_capabilities: http.servers().of(&base),
            http,
            base,
            credential: Some(credential),
        }
    }

    /// A client that asks without a credential, for the first step of the connection check.
    pub(crate) fn anonymous(http: Http, base: Url) -> Self {
        Self {
            build_capabilities: http.servers().of(&base),
            http,
            base,
            credential: None,
        }
    }

    /// The base address, context path included.
    pub fn base_url(&self) -> &Url {
        &self.base
    }

    /// The address of a call below `/rest`; `path` begins with a slash and is already encoded.
    pub(crate) fn url(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Url, ApiError> {
        let mut url = Url::parse(&format!(
            "{}/rest{path}",
            self.base.as_str().trim_end_matches('/')
        ))
        .map_err(|_| ApiError::BadRequest {
            doing: doing.to_owned(),
            detail: "the address of the server is not usable".to_owned(),
        })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends a request with the credential and refuses every status that is not a success.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, ApiError> {
        check(self.send_unchecked(request).await?, &self.base)
    }

    /// Sends a request with the credential. The header against cross-site requests is demanded of everything that writes.
    pub(crate) async fn send_unchecked(&self, mut request: Request) -> Result<Answer, ApiError> {
        if let Some(credential) = &self.credential {
            let Some(header) = credential.header() else {
                let message = "it holds a character that cannot be sent".to_owned();
                return Err(ApiError::Unauthorized {
                    doing: request.doing,
                    message,
                });
            };
            request = request.header(AUTHORIZATION, header);
        }
        if request.method != Method::GET {
            request = request.header(
                HeaderName::from_static("x-atlassian-token"),
                HeaderValue::from_static("no-check"),
            );
        }
        self.http.send(request).await
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

/// The path of a repository below `/rest`, for the module that is asked (`/api/1.0`, `/keys/1.0`).
pub(crate) fn repository_path(module: &str, address: &RepositoryAddress) -> String {
    format!(
        "{module}/projects/{}/repos/{}",
        encode_path_part(&address.space),
        encode_path_part(&address.slug)
    )
}

/// The path of a repository in the main module.
pub(crate) fn api_path(address: &RepositoryAddress) -> String {
    repository_path("/api/1.0", address)
}
