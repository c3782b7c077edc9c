//! Pages: `{size, limit, isLastPage, values, start, nextPageStart}`.
//!
//! Bitbucket filters by permission after it has cut the page, so a filtered page is short and `nextPageStart` is not
//! `start + size`; a client that computes its own next start loses rows. The simulator does the same on purpose.

use serde::{Deserialize, Serialize};

/// The paging part of a query. Texts that are no numbers are ignored, as the product does.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct PageQuery {
    start: Option<String>,
    limit: Option<String>,
}

/// Rows asked for when the query names no limit.
const DEFAULT_LIMIT: usize = 25;

impl PageQuery {
    fn start(&self) -> usize {
        self.start
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    fn limit(&self, most: usize) -> usize {
        let asked = self
            .limit
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(DEFAULT_LIMIT);
        asked.clamp(1, most.max(1))
    }
}

/// One page as it travels.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the product names it isLastPage")]
pub(super) struct Page<T> {
    pub(super) size: usize,
    pub(super) limit: usize,
    pub(super) is_last_page: bool,
    pub(super) values: Vec<T>,
    pub(super) start: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_start: Option<usize>,
}

impl<T> Page<T> {
    /// Cuts one page out of all rows.
    pub(super) fn of(rows: impl IntoIterator<Item = T>, query: &PageQuery, most: usize) -> Self {
        Self::filtered(rows, query, most, |_| true)
    }

    /// Cuts one page out of all rows and then drops the rows that `keep` refuses: the page may come out short.
    pub(super) fn filtered(
        rows: impl IntoIterator<Item = T>,
        query: &PageQuery,
        most: usize,
        keep: impl Fn(&T) -> bool,
    ) -> Self {
        let (start, limit) = (query.start(), query.limit(most));
        let mut window = rows.into_iter().skip(start);
        let values: Vec<T> = window.by_ref().take(limit).filter(keep).collect();
        let more = window.next().is_some();
        Self {
            size: values.len(),
            limit,
            is_last_page: !more,
            values,
            start,
            next_page_start: more.then_some(start + limit),
        }
    }

    /// The same page with other values in it.
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            size: self.size,
            limit: self.limit,
            is_last_page: self.is_last_page,
            values: self.values.into_iter().map(change).collect(),
            start: self.start,
            next_page_start: self.next_page_start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(start: &str, limit: &str) -> PageQuery {
        PageQuery {
            start: Some(start.to_owned()),
            limit: Some(limit.to_owned()),
        }
    }

    #[test]
    fn last_page_names_no_next_start() {
        let page = Page::of(0..3, &PageQuery::default(), 1000);
        assert_eq!(
            (
                page.size,
                page.limit,
                page.is_last_page,
                page.next_page_start
            ),
            (3, 25, true, None)
        );
        let text = serde_json::to_value(&page).expect("a page is JSON");
        assert!(text.get("nextPageStart").is_none());
    }

    #[test]
    fn filtered_pages_are_short_and_lose_nothing() {
        let mut seen = Vec::new();
        let mut start = 0;
        loop {
            let page = Page::filtered(0..10, &query(&start.to_string(), "4"), 1000, |row| {
                row % 3 == 0
            });
            assert!(page.size < 4);
            seen.extend(page.values);
            match page.next_page_start {
                Some(next) => start = next,
                None => break,
            }
        }
        assert_eq!(seen, [0, 3, 6, 9]);
    }

    #[test]
    fn caps_the_limit_and_forgives_nonsense() {
        assert_eq!(Page::of(0..9, &query("0", "5000"), 4).values, [0, 1, 2, 3]);
        assert_eq!(Page::of(0..9, &query("x", "0"), 4).values, [0]);
    }
}
