//! `sort`: one field, ascending, or descending with a minus sign.

use std::cmp::Ordering;

use serde_json::Value;

/// Sorts records in place, keeping the order of equal ones. `field` gives a record's value at a dotted path.
pub(in crate::cloud) fn sort_by<T>(records: &mut [T], sort: &str, field: impl Fn(&T, &str) -> Value) {
    let (descending, path) = match sort.strip_prefix('-') {
        Some(path) => (true, path),
        None => (false, sort),
    };
    records.sort_by(|left, right| {
        let order = compare(&field(left, path), &field(right, path));
        if descending { order.reverse() } else { order }
    });
}

/// Nulls first, texts in natural order (`release-9` before `release-10`), as Bitbucket sorts the names of refs.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => natural(left, right),
        (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => left.is_null().cmp(&right.is_null()).reverse(),
    }
}

fn natural(left: &str, right: &str) -> Ordering {
    let mut parts = (pieces(left), pieces(right));
    loop {
        match (parts.0.next(), parts.1.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => {
                let order = match (left.parse::<u64>(), right.parse::<u64>()) {
                    (Ok(left), Ok(right)) => left.cmp(&right),
                    _ => left.to_lowercase().cmp(&right.to_lowercase()),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

/// Runs of digits and runs of everything else.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|character: char| character.is_ascii_digit() != digits).unwrap_or(rest.len());
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
        assert_eq!(names, ["Alpha", "main", "release-9", "release-10"].map(Value::from));
        sort_by(&mut names, "-name", |value, _| value.clone());
        assert_eq!(names[0], "release-10");
    }
}
