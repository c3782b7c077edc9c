//! Turning the pages of a long list, towards older rows and back towards newer ones.

use std::str::FromStr;

use pipewright_store::PageStart;

use super::problem::PageError;

/// Where a list's page begins, as its address says: `before` a row, `after` one, or with the newest.
///
/// # Errors
///
/// The id is none: there is no such page.
pub(crate) fn page_start<Id: FromStr>(
    before: Option<&str>,
    after: Option<&str>,
) -> Result<PageStart<Id>, PageError> {
    let edge = |id: &str| id.parse::<Id>().map_err(|_| PageError::NotFound);
    Ok(match (before, after) {
        (Some(id), _) => PageStart::OlderThan(edge(id)?),
        (None, Some(id)) => PageStart::NewerThan(edge(id)?),
        (None, None) => PageStart::Newest,
    })
}

/// Whether a list goes on beyond its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beyond {
    pub(crate) newer: bool,
    pub(crate) older: bool,
}

/// Cuts rows, newest first, to a page of this length. One more than that must have been asked for, to know of the rest.
pub(crate) fn cut<T, Id>(rows: &mut Vec<T>, from: &PageStart<Id>, length: usize) -> Beyond {
    let more = rows.len() > length;
    let beyond = match from {
        PageStart::Newest => Beyond {
            newer: false,
            older: more,
        },
        PageStart::OlderThan(_) => Beyond {
            newer: true,
            older: more,
        },
        PageStart::NewerThan(_) => Beyond {
            newer: more,
            older: true,
        },
    };
    if more && matches!(from, PageStart::NewerThan(_)) {
        // The one too many was read upwards.
        rows.remove(0);
    }
    rows.truncate(length);
    beyond
}

#[cfg(test)]
mod tests {
    use pipewright_store::PageStart;

    use super::{Beyond, cut, page_start};

    #[test]
    fn a_page_knows_what_lies_beyond_it_on_both_sides() {
        for (from, rows, shown, newer, older) in [
            (PageStart::Newest, &[5, 4, 3][..], &[5, 4][..], false, true),
            (PageStart::Newest, &[5, 4], &[5, 4], false, false),
            (PageStart::OlderThan(6), &[5, 4, 3], &[5, 4], true, true),
            (PageStart::OlderThan(6), &[5], &[5], true, false),
            (PageStart::NewerThan(2), &[5, 4, 3], &[4, 3], true, true),
            (PageStart::NewerThan(2), &[4, 3], &[4, 3], false, true),
        ] {
            let mut rows = rows.to_vec();
            let beyond = cut(&mut rows, &from, 2);
            assert_eq!((rows.as_slice(), beyond), (shown, Beyond { newer, older }));
        }
    }

    #[test]
    fn a_page_that_is_none_is_not_there() {
        assert_eq!(
            page_start::<u64>(None, Some("7")).expect("a page"),
            PageStart::NewerThan(7)
        );
        page_start::<u64>(Some("seven"), None).expect_err("is none");
    }
}
