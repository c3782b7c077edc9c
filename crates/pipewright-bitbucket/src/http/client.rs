//! Sends one request and reads its answer, within the limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use url::Url;

use super::known::KnownServers;
use super::outgoing::JudgingResolver;
use super::request::{Body, cut};
use super::{
    Answer, ApiError, HttpOptions, HttpSetupError, NetworkFailure, Outgoing, Proxy, Request,
};

/// How many redirects of one request are followed.
const MAX_REDIRECTS: usize = 5;

/// The configured HTTP client, shared by every client of a Bitbucket. Cheap to clone; connections are pooled.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    options: Arc<HttpOptions>,
    servers: Arc<KnownServers>,
}

impl Http {
    /// Sets the client up. It opens no connection.
    pub fn new(options: HttpOptions) -> Result<Self, HttpSetupError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(options.user_agent.clone())
            .connect_timeout(options.connect_timeout)
            .timeout(options.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .gzip(true)
            .dns_resolver(Arc::new(JudgingResolver(Arc::clone(&options.outgoing))));
        if !options.extra_ca_pem.is_empty() {
            let certificates = reqwest::Certificate::from_pem_bundle(&options.extra_ca_pem)
                .map_err(|error| HttpSetupError::Certificates(error.to_string()))?;
            if certificates.is_empty() {
                return Err(HttpSetupError::Certificates(
                    "there is no certificate in it".to_owned(),
                ));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        builder = match &options.proxy {
            Proxy::Environment => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Through(url) => builder.proxy(
                reqwest::Proxy::all(url.clone())
                    .map_err(|error| HttpSetupError::Proxy(error.to_string()))?,
            ),
        };
        let client = builder
            .build()
            .map_err(|error| HttpSetupError::Client(chain(&error)))?;
        Ok(Self {
            client,
            options: Arc::new(options),
            servers: Arc::default(),
        })
    }

    /// Where may be connected to, to ask before something else connects, and to change.
    pub fn outgoing(&self) -> &Outgoing {
        &self.options.outgoing
    }

    /// What was learnt of Data Centers through this client.
    pub(crate) fn servers(&self) -> &KnownServers {
        &self.servers
    }

    /// Sends the request and reads the answer, whatever its status. Reading requests follow redirects on the same scheme,
    /// host and port; everything else that leads elsewhere is an error, so that a credential never leaves its host.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, ApiError> {
        let Request {
            method,
            mut url,
            doing,
            mut headers,
            body,
            max_bytes,
        } = request;
        if let Some(authorization) = headers.get_mut(AUTHORIZATION) {
            authorization.set_sensitive(true);
        }
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        for _ in 0..=MAX_REDIRECTS {
            self.options
                .outgoing
                .judge_url(&url)
                .map_err(|refused| ApiError::Network {
                    doing: doing.clone(),
                    host: host_of(&url),
                    failure: NetworkFailure::NotAllowed(refused),
                })?;
            let mut builder = self
                .client
                .request(method.clone(), url.clone())
                .headers(headers.clone());
            builder = match &body {
                // Cloud answers 411 to a body-less POST without a length.
                Body::None if method != Method::GET => builder.body(Vec::new()),
                Body::None => builder,
                Body::Json(json) => builder
                    .header(CONTENT_TYPE, "application/json")
                    .body(json.clone()),
                Body::Form(form) => builder
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.clone()),
            };
            let started = Instant::now();
            let response = builder
                .send()
                .await
                .map_err(|error| failure(&error, &url, &doing))?;
            let status = response.status().as_u16();
            tracing::debug!(
                http.method = %method,
                http.path = url.path(),
                http.status = status,
                http.request_id = response.headers().get("x-arequestid").and_then(|id| id.to_str().ok()).unwrap_or_default(),
                duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                "asked Bitbucket",
            );
            if let Some(target) = redirect_target(&response, &url) {
                if method == Method::GET && same_origin(&target, &url) {
                    url = target;
                    continue;
                }
                return Err(ApiError::Redirected {
                    doing,
                    to: without_query(&target),
                });
            }
            let headers = response.headers().clone();
            // A refusal says why in JSON, which may be longer than the file that was asked for.
            let limit = max_bytes
                .filter(|_| response.status().is_success())
                .unwrap_or(self.options.max_answer_bytes);
            let body = read(response, limit, &doing, &url).await?;
            return Ok(Answer {
                doing,
                status,
                headers,
                body,
            });
        }
        Err(ApiError::NotBitbucket {
            doing,
            detail: format!("it redirects more than {MAX_REDIRECTS} times"),
        })
    }
}

/// Reads the body up to the limit.
async fn read(
    mut response: reqwest::Response,
    limit: usize,
    doing: &str,
    url: &Url,
) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failure(&error, url, doing))?
    {
        if body.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge {
                doing: doing.to_owned(),
                limit,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn redirect_target(response: &reqwest::Response, from: &Url) -> Option<Url> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response
        .headers()
        .get(LOCATION)
        .filter(|_| is_redirect)?
        .to_str()
        .ok()?;
    from.join(location).ok()
}

/// True where a credential for one address may be sent to the other.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// An address for a message: no query, which may hold secrets, and not too long.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither can fail for addresses with a host; a failure only leaves the name in.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    cut(url.as_str(), 200)
}

/// Host and port, for a message.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

fn failure(error: &reqwest::Error, url: &Url, doing: &str) -> ApiError {
    let host = host_of(url);
    if error.is_timeout() {
        ApiError::Timeout {
            doing: doing.to_owned(),
            host,
        }
    } else {
        ApiError::Network {
            doing: doing.to_owned(),
            host,
            failure: NetworkFailure::of(error),
        }
    }
}

/// An error with its causes, which reqwest leaves out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The wait that a 429 asks for, in whole seconds, up to a day. Dates are not used by either product.
pub(crate) fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(86_400)))
}
