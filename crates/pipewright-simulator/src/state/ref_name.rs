//! Full and short names of refs.

/// Prefix of branches.
pub const HEADS: &str = "refs/heads/";
/// Prefix of tags.
pub const TAGS: &str = "refs/tags/";

/// The name without `refs/heads/` or `refs/tags/`; other names stay whole.
pub fn short(full: &str) -> &str {
    full.strip_prefix(HEADS)
        .or_else(|| full.strip_prefix(TAGS))
        .unwrap_or(full)
}

/// A branch's full name; full names stay as they are.
pub fn branch(name: &str) -> String {
    if name.starts_with("refs/") {
        name.to_owned()
    } else {
        format!("{HEADS}{name}")
    }
}

/// A tag's full name; full names stay as they are.
pub fn tag(name: &str) -> String {
    if name.starts_with("refs/") {
        name.to_owned()
    } else {
        format!("{TAGS}{name}")
    }
}

/// Whether this is a tag's full name.
pub fn is_tag(full: &str) -> bool {
    full.starts_with(TAGS)
}
