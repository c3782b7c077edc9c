//! `${{ NAME }}`: values put into the tree before it is checked. Whatever has no known value stays as it is written.

use crate::syntax::{Entry, Kind, Node, Value};

/// The tree with every known name replaced; the places stay those of the file. Names without a value are added to
/// `unknown` with the place of their text.
pub(crate) fn substitute<'n>(
    node: &'n Node,
    value_of: &dyn Fn(&str) -> Option<String>,
    unknown: &mut Vec<(&'n Node, String)>,
) -> Node {
    let value = match &node.value {
        Value::Scalar(Kind::Text, text) if text.contains("${{") => {
            let (text, missing) = replaced(text, value_of);
            unknown.extend(missing.into_iter().map(|name| (node, name)));
            Value::Scalar(Kind::Filled, text)
        }
        Value::Scalar(kind, text) => Value::Scalar(*kind, text.clone()),
        Value::List(items) => Value::List(
            items
                .iter()
                .map(|item| substitute(item, value_of, unknown))
                .collect(),
        ),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: entry.key_place,
                    value: substitute(&entry.value, value_of, unknown),
                })
                .collect(),
        ),
    };
    Node {
        place: node.place,
        value,
    }
}

fn replaced(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> (String, Vec<String>) {
    let (mut out, mut missing) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find("${{") {
        out.push_str(&rest[..start]);
        let after = &rest[start + 3..];
        let Some(end) = after.find("}}") else {
            rest = &rest[start..];
            break;
        };
        let name = after[..end].trim();
        let is_name = !name.is_empty()
            && name.len() <= 200
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if let Some(value) = value_of(name).filter(|_| is_name) {
            out.push_str(&value);
        } else {
            out.push_str(&rest[start..start + 3 + end + 2]);
            if is_name {
                missing.push(name.to_owned());
            }
        }
        rest = &after[end + 2..];
    }
    out.push_str(rest);
    (out, missing)
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn names_are_replaced_once() {
        let value_of = |name: &str| (name == "A").then(|| "${{ A }}".to_owned());
        assert_eq!(
            replaced("x${{A}}y${{ B }}z${{", &value_of),
            ("x${{ A }}y${{ B }}z${{".to_owned(), vec!["B".to_owned()])
        );
        assert_eq!(
            replaced("${{ github.ref }} ${{ }}", &value_of),
            ("${{ github.ref }} ${{ }}".to_owned(), Vec::new())
        );
    }
}
