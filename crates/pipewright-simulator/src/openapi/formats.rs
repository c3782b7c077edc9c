//! The string formats and patterns that the two documents use, each as a few lines of code.
//!
//! A regular-expression engine would be a dependency for eight patterns; a test checks that no document has a ninth.

use serde_json::Value;

/// Says whether a string satisfies `format`; formats that nobody here knows are satisfied by anything.
pub(super) fn format_holds(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "uri" => url::Url::parse(text).is_ok(),
        "uuid" => uuid::Uuid::parse_str(text.trim_matches(['{', '}'])).is_ok(),
        _ => true,
    }
}

/// Says whether an integer fits `format`.
pub(super) fn integer_holds(format: Option<&str>, number: &Value) -> bool {
    match (format, number.as_i64()) {
        (_, None) => false,
        (Some("int32"), Some(value)) => i32::try_from(value).is_ok(),
        (_, Some(_)) => true,
    }
}

/// Says whether a string matches `pattern`; `None` for a pattern that is not known here.
pub(super) fn pattern_holds(pattern: &str, text: &str) -> Option<bool> {
    match pattern {
        ".*" => Some(true),
        "^[^~].*" => Some(!text.is_empty() && !text.starts_with('~')),
        r"^refs\/.*" => Some(text.starts_with("refs/")),
        "[0-9a-f]{7,}?" => Some(longest_hex_run(text) >= 7),
        alternatives if alternatives.contains('|') && is_plain(alternatives) => Some(
            alternatives
                .split('|')
                .any(|alternative| alternative == text),
        ),
        _ => None,
    }
}

fn is_plain(pattern: &str) -> bool {
    pattern
        .chars()
        .all(|char| char.is_ascii_uppercase() || matches!(char, '|' | '_'))
}

fn longest_hex_run(text: &str) -> usize {
    text.split(|char: char| !matches!(char, '0'..='9' | 'a'..='f'))
        .map(str::len)
        .max()
        .unwrap_or(0)
}
