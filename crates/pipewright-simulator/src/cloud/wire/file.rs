//! Files and directories of a commit.

use serde_json::{Value, json};

use super::{Render, commit_reference, in_path};
use crate::git::{TreeEntry, TreeEntryKind};

/// A file in answer to `?format=meta`.
pub(in crate::cloud) fn file_meta(
    render: Render<'_>,
    full_name: &str,
    commit: &str,
    entry: &TreeEntry,
) -> Value {
    let mut whole = directory_entry(render, full_name, commit, entry);
    whole["mimetype"] = Value::Null;
    whole
}

/// An entry of a directory listing, or the directory itself.
pub(in crate::cloud) fn directory_entry(
    render: Render<'_>,
    full_name: &str,
    commit: &str,
    entry: &TreeEntry,
) -> Value {
    let path = in_path(&entry.path);
    let at = format!("{}/repositories/{full_name}", render.addresses.api_url);
    let directory = entry.kind == TreeEntryKind::Directory;
    let mut whole = json!({
        "type": if directory { "commit_directory" } else { "commit_file" },
        "path": entry.path,
        "commit": commit_reference(render, full_name, commit),
        "links": {
            "self": { "href": format!("{at}/src/{commit}/{path}") },
            "meta": { "href": format!("{at}/src/{commit}/{path}?format=meta") },
        },
    });
    if !directory {
        let attributes: &[&str] = match entry.kind {
            TreeEntryKind::Executable => &["executable"],
            TreeEntryKind::Link => &["link"],
            TreeEntryKind::Submodule => &["subrepository"],
            TreeEntryKind::File | TreeEntryKind::Directory => &[],
        };
        whole["attributes"] = json!(attributes);
        whole["escaped_path"] = json!(path);
        whole["size"] = json!(entry.size);
        whole["links"]["history"] = json!({ "href": format!("{at}/filehistory/{commit}/{path}") });
    }
    whole
}
