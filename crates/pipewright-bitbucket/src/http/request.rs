//! One request and its answer, before anybody decides what the answer means.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::ApiError;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Body {
    None,
    Json(Vec<u8>),
    Form(String),
}

/// One request. `doing` is the phrase for people that errors begin with: "reading the branches of acme/site".
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) doing: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) max_bytes: Option<usize>,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url, doing: impl Into<String>) -> Self {
        Self {
            method,
            url,
            doing: doing.into(),
            headers: HeaderMap::new(),
            body: Body::None,
            max_bytes: None,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends this value as JSON.
    pub(crate) fn json(mut self, value: &impl Serialize) -> Self {
        // Our own request bodies are plain structs and maps with text keys, so writing them cannot fail.
        self.body = Body::Json(serde_json::to_vec(value).unwrap_or_default());
        self
    }

    /// Sends these fields as a form.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut writer = url::form_urlencoded::Serializer::new(String::new());
        writer.extend_pairs(fields);
        self.body = Body::Form(writer.finish());
        self
    }

    /// Reads at most this many bytes of the answer.
    pub(crate) fn at_most(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) doing: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// True where the body calls itself JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| {
            let kind = kind
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            kind == "application/json" || kind.ends_with("+json")
        })
    }

    /// Decodes the body, which must be JSON of the expected shape: a login page with status 200 is not an answer.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_json() {
            let found = self
                .header("content-type")
                .unwrap_or("nothing that says what it is");
            return Err(ApiError::NotBitbucket {
                doing: self.doing.clone(),
                detail: format!("the response is {} instead of JSON", cut(found, 60)),
            });
        }
        serde_json::from_slice(&self.body).map_err(|error| ApiError::NotBitbucket {
            doing: self.doing.clone(),
            detail: format!("the JSON is not as expected: {error}"),
        })
    }
}

/// Cuts text for an error message, on a character boundary and to one line.
pub(crate) fn cut(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        line
    } else {
        line.chars().take(max_chars).chain("…".chars()).collect()
    }
}
