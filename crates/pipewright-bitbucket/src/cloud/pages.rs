//! Pages of a list, read to their end (trap T9).

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use super::CloudClient;
use super::wire::Page;
use crate::http::{ApiError, Request};

/// The most pages of one list that are read: 100,000 entries at 100 a page.
pub(crate) const MAX_PAGES: usize = 1_000;

/// The most entries a page may have for nearly every list.
pub(crate) const PAGE_LENGTH: (&str, &str) = ("pagelen", "100");

/// Reads a list page by page, so that a caller can store one before the next is asked for.
#[derive(Debug)]
pub(crate) struct Pager {
    next: Option<Url>,
    doing: String,
    read: usize,
}

impl Pager {
    pub(crate) fn new(first: Url, doing: impl Into<String>) -> Self {
        Self {
            next: Some(first),
            doing: doing.into(),
            read: 0,
        }
    }

    /// The next page; none at the end.
    pub(crate) async fn next<T: DeserializeOwned>(
        &mut self,
        client: &CloudClient,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let Some(url) = self.next.take() else {
            return Ok(None);
        };
        if self.read == MAX_PAGES {
            return Err(ApiError::TooManyPages {
                doing: self.doing.clone(),
                limit: MAX_PAGES,
            });
        }
        let page: Page<T> = client
            .send(Request::new(Method::GET, url.clone(), self.doing.clone()))
            .await?
            .decode()?;
        self.read += 1;
        self.next = page
            .next
            .map(|next| self.checked(&url, &next))
            .transpose()?;
        Ok(Some(page.values))
    }

    /// The next address, if the credential may be sent there.
    fn checked(&self, from: &Url, next: &str) -> Result<Url, ApiError> {
        let url = from.join(next).ok();
        match url {
            Some(url) if url == *from => Err(ApiError::NotBitbucket {
                doing: self.doing.clone(),
                detail: "a page names itself as the next one".to_owned(),
            }),
            Some(url) if crate::http::same_origin(&url, from) => Ok(url),
            _ => Err(ApiError::Redirected {
                doing: self.doing.clone(),
                to: url
                    .and_then(|url| url.host_str().map(str::to_owned))
                    .unwrap_or_else(|| "an address that cannot be read".to_owned()),
            }),
        }
    }
}

impl CloudClient {
    /// Reads a whole list.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<T>, ApiError> {
        let mut query = query.to_vec();
        if !query.iter().any(|(name, _)| *name == PAGE_LENGTH.0) {
            query.push(PAGE_LENGTH);
        }
        let mut pager = Pager::new(self.url(path, &query, doing)?, doing);
        let mut all = Vec::new();
        while let Some(page) = pager.next::<T>(self).await? {
            all.extend(page);
        }
        Ok(all)
    }
}
