//! `sort`: one field, ascending, or descending with a minus sign.

use std::cmp::{Ordering, Reverse};

use serde_json::Value;

/// Sorts records in place, keeping the order of equal ones. `field` gives a record's value at a dotted path, and is asked
/// once for each.
pub(in crate::cloud) fn sort_by<T>(
    records: &mut [T],
    sort: &str,
    field: impl Fn(&T, &str) -> Value,
) {
    match sort.strip_prefix('-') {
        Some(path) => {
            records.sort_by_cached_key(|record| Reverse(SortKey::of(&field(record, path))));
        }
        None => records.sort_by_cached_key(|record| SortKey::of(&field(record, sort))),
    }
}

/// Nulls first, texts in natural order (`release-9` before `release-10`), as Bitbucket sorts the names of refs.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Null,
    Flag(bool),
    Number(Number),
    Text(Vec<Piece>),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Digits(u64),
    Letters(String),
}

struct Number(f64);

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl SortKey {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(Number(number.as_f64().unwrap_or_default())),
            Value::String(text) => Self::Text(pieces(text).map(Piece::of).collect()),
            _ => Self::Null,
        }
    }
}

impl Piece {
    fn of(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Letters(text.to_lowercase()), Self::Digits)
    }
}

/// Runs of digits and runs of everything else.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = rest.chars().next()?.is_ascii_digit();
        let end = rest
            .find(|character: char| character.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (piece, remaining) = rest.split_at(end);
        rest = remaining;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_natural_order_and_a_minus_reverses() {
        let mut names = ["release-10", "main", "release-9", "Alpha"].map(Value::from);
        sort_by(&mut names, "name", |value, _| value.clone());
        assert_eq!(
            names,
            ["Alpha", "main", "release-9", "release-10"].map(Value::from)
        );
        sort_by(&mut names, "-name", |value, _| value.clone());
        assert_eq!(names[0], "release-10");
    }
}
