//! `page` and `pagelen`, and the envelope around a page.

use axum::extract::{FromRequestParts, OriginalUri};
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::filter::{Filter, of_json};
use super::order::sort_by;
use crate::cloud::error::ApiError;

/// How long a list's pages are.
#[derive(Debug, Clone, Copy)]
pub(in crate::cloud) struct PageSize {
    pub(in crate::cloud) default: usize,
    pub(in crate::cloud) largest: usize,
}

impl PageSize {
    /// What most lists have.
    pub(in crate::cloud) const USUAL: Self = Self {
        default: 10,
        largest: 100,
    };
}

/// The query of a list's request.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct ListQuery {
    pairs: Vec<(String, String)>,
    path: String,
    handled: Option<&'static str>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let uri = parts
            .extensions
            .get::<OriginalUri>()
            .map_or_else(|| parts.uri.clone(), |uri| uri.0.clone());
        let query = uri.query().unwrap_or_default();
        Ok(Self {
            pairs: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            path: uri.path().to_owned(),
            handled: None,
        })
    }
}

impl ListQuery {
    /// The last value of a parameter.
    pub(in crate::cloud) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub(in crate::cloud) fn all(&self, name: &str) -> Vec<&str> {
        self.pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The same query without a parameter that the caller has dealt with; addresses of other pages keep it.
    pub(in crate::cloud) fn without(&self, name: &'static str) -> Self {
        Self {
            handled: Some(name),
            ..self.clone()
        }
    }

    /// The filter in `q`.
    pub(in crate::cloud) fn filter(&self) -> Result<Option<Filter>, ApiError> {
        let parsed = self
            .get("q")
            .filter(|text| !text.trim().is_empty())
            .map(Filter::parse)
            .transpose();
        parsed.map_err(|problem| ApiError::bad_request(&format!("Invalid filter in q: {problem}")))
    }

    /// Page number (from 1) and length.
    pub(in crate::cloud) fn window(&self, size: PageSize) -> Result<(usize, usize), ApiError> {
        let number = |name: &str| self.get(name).map(str::parse::<usize>).transpose();
        let page = number("page")
            .ok()
            .map(|page| page.unwrap_or(1))
            .filter(|page| *page >= 1);
        let page = page.ok_or_else(|| ApiError::bad_request("Invalid page"))?;
        let length = number("pagelen")
            .ok()
            .map(|length| length.unwrap_or(size.default));
        let length = length
            .filter(|length| (1..=size.largest).contains(length))
            .ok_or_else(|| ApiError::bad_request("Invalid pagelen"))?;
        Ok((page, length))
    }

    /// Filters, sorts and cuts documents that are small enough to be rendered whole.
    pub(in crate::cloud) fn page(
        &self,
        api_url: &str,
        mut documents: Vec<Value>,
        size: PageSize,
    ) -> Result<Value, ApiError> {
        if let Some(filter) = self.filter()?.filter(|_| self.handled != Some("q")) {
            documents.retain(|document| filter.passes(&|path| of_json(document, path)));
        }
        if let Some(sort) = self.get("sort").filter(|_| self.handled != Some("sort")) {
            sort_by(&mut documents, sort, of_json);
        }
        let (page, length) = self.window(size)?;
        let total = documents.len();
        let values = documents
            .into_iter()
            .skip((page - 1) * length)
            .take(length)
            .collect();
        Ok(self.envelope(api_url, values, page, length, Some(total)))
    }

    /// The envelope of a page whose values are cut already.
    pub(in crate::cloud) fn envelope(
        &self,
        api_url: &str,
        values: Vec<Value>,
        page: usize,
        length: usize,
        total: Option<usize>,
    ) -> Value {
        let mut envelope = Map::new();
        if total.is_some_and(|total| page * length < total) {
            envelope.insert("next".to_owned(), json!(self.address(api_url, page + 1)));
        }
        if page > 1 && total.is_some() {
            envelope.insert(
                "previous".to_owned(),
                json!(self.address(api_url, page - 1)),
            );
        }
        envelope.insert("values".to_owned(), Value::Array(values));
        envelope.insert("pagelen".to_owned(), json!(length));
        if let Some(total) = total {
            envelope.insert("page".to_owned(), json!(page));
            envelope.insert("size".to_owned(), json!(total));
        }
        Value::Object(envelope)
    }

    /// A page of a list whose length is not counted (commits): `more` says whether another page follows.
    pub(in crate::cloud) fn uncounted(
        &self,
        api_url: &str,
        values: Vec<Value>,
        page: usize,
        length: usize,
        more: bool,
    ) -> Value {
        let mut envelope = self.envelope(api_url, values, page, length, None);
        if more {
            envelope["next"] = json!(self.address(api_url, page + 1));
        }
        envelope
    }

    /// This request's address with another page number.
    fn address(&self, api_url: &str, page: usize) -> String {
        let origin = api_url.strip_suffix("/2.0").unwrap_or(api_url);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs.iter().filter(|(name, _)| name != "page"));
        query.append_pair("page", &page.to_string());
        format!("{origin}{}?{}", self.path, query.finish())
    }
}
