//! The event names that a webhook may ask for.
//!
//! Taken from a live 10.x, which refuses two that its document names (`pr:to_ref_updated`,
//! `pr:reviewer:changes_requested`), and from the capability document of 6.5.

use super::version::Version;

const EVENTS: &[&str] = &[
    "repo:refs_changed",
    "repo:modified",
    "repo:forked",
    "repo:comment:added",
    "repo:comment:edited",
    "repo:comment:deleted",
    "project:modified",
    "mirror:repo_synchronized",
    "pr:opened",
    "pr:modified",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
    "pr:reviewer:updated",
    "pr:reviewer:approved",
    "pr:reviewer:unapproved",
    "pr:reviewer:needs_work",
    "pr:comment:added",
    "pr:comment:edited",
    "pr:comment:deleted",
];

/// All event names that a version takes.
pub(super) fn known_events(version: Version) -> Vec<&'static str> {
    let mut events = EVENTS.to_vec();
    if version.has_from_ref_updated() {
        events.push("pr:from_ref_updated");
    }
    if version >= Version::new(8, 10, 0) {
        events.push("repo:secret_detected");
    }
    events
}
