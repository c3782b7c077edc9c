//! Cloud's JSON, out of the shared state.
//!
//! Written after captures of the real thing; no type here is shared with any client, so a wrong field in a client cannot
//! be mirrored. Addresses point at the simulator itself.

mod commit;
mod file;
mod hook;
mod key;
mod people;
mod pull_request;
mod reference;
mod repository;
mod status;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use crate::installation::Addresses;
use crate::state::Tables;

pub(super) use commit::{CommitForm, commit, commit_reference};
pub(super) use file::{directory_entry, file_meta};
pub(super) use hook::hook;
pub(super) use key::{deploy_key, user_key};
pub(super) use people::{user, user_with_details, workspace, workspace_access, workspace_summary};
pub(super) use pull_request::{comment, pull_request};
pub(super) use reference::{ReferenceForm, reference};
pub(super) use repository::{repository, repository_for_webhook, repository_summary};
pub(super) use status::status;

/// What rendering needs: the tables, and the addresses to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Render<'a> {
    pub(super) tables: &'a Tables,
    pub(super) addresses: &'a Addresses,
}

/// An identity in braces.
pub(super) fn braced(uuid: Uuid) -> String {
    format!("{{{uuid}}}")
}

/// An identity in braces as it stands in a path.
fn braced_in_path(uuid: Uuid) -> String {
    format!("%7B{uuid}%7D")
}

/// ISO-8601 with offset and microseconds.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// ISO-8601 with offset, without fractions, as commits carry it.
pub(super) fn commit_moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Everything but unreserved characters and the slash is encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'$')
    .remove(b';');

/// A name as Bitbucket prints it in the path of an address: slashes stay.
pub(super) fn in_path(name: &str) -> String {
    utf8_percent_encode(name, PATH).to_string()
}

/// Rendered text, as Bitbucket sends it beside raw text.
fn rendered(text: &str) -> serde_json::Value {
    let html = text
        .trim_end()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    serde_json::json!({ "type": "rendered", "raw": text, "markup": "markdown", "html": format!("<p>{html}</p>") })
}
