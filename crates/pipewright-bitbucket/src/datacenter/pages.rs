//! Pages of a list, read to their end (trap T9).

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::DataCenterClient;
use super::wire::Page;
use crate::http::{ApiError, Request};

/// The most pages of one list that are read. The server may cut the page length that we ask for, by default to 1,000.
pub(crate) const MAX_PAGES: usize = 1_000;

/// How many entries we ask for at once.
const PAGE_LENGTH: &str = "100";

/// Reads a list page by page. The next start is the server's word, because filtered pages are short.
#[derive(Debug)]
pub(crate) struct Pager {
    path: String,
    query: Vec<(String, String)>,
    doing: String,
    start: Option<u64>,
    read: usize,
}

impl Pager {
    pub(crate) fn new(
        path: impl Into<String>,
        query: &[(&str, &str)],
        doing: impl Into<String>,
    ) -> Self {
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            path: path.into(),
            query,
            doing: doing.into(),
            start: Some(0),
            read: 0,
        }
    }

    /// The next page; none at the end.
    pub(crate) async fn next<T: DeserializeOwned>(
        &mut self,
        client: &DataCenterClient,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let Some(start) = self.start.take() else {
            return Ok(None);
        };
        if self.read == MAX_PAGES {
            return Err(ApiError::TooManyPages {
                doing: self.doing.clone(),
                limit: MAX_PAGES,
            });
        }
        let start_text = start.to_string();
        let mut query: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        query.extend([("start", start_text.as_str()), ("limit", PAGE_LENGTH)]);
        let url = client.url(&self.path, &query, &self.doing)?;
        let page: Page<T> = client
            .send(Request::new(Method::GET, url, self.doing.clone()))
            .await?
            .decode()?;
        self.read += 1;
        // A server that does not move on would be asked for ever.
        self.start = page
            .next_page_start
            .filter(|next| !page.is_last && *next > start);
        Ok(Some(page.values))
    }
}

impl DataCenterClient {
    /// Reads a whole list.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<T>, ApiError> {
        let mut pager = Pager::new(path, query, doing);
        let mut all = Vec::new();
        while let Some(page) = pager.next::<T>(self).await? {
            all.extend(page);
        }
        Ok(all)
    }
}
