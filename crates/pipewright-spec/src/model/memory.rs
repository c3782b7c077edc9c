//! Whether a step's machine has room for it: its size against what its services take and what the script needs.

use std::fmt::Write as _;

use super::checker::{Checker, entry_of};
use super::resources::SERVICE_MEMORY_MB;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Node, Place};

/// Memory of a step of size `1x`; each size has the double of the one before.
const SIZE_MEMORY_MB: u64 = 4096;

/// What Bitbucket keeps for the script; with less it ends the step with "does not have the minimum resources". A warning
/// here: a real file of 2022 has such a step, and the memory of a machine of one's own is not counted by sizes.
const SCRIPT_MEMORY_MB: u64 = 1024;

/// True for settings that say how much memory a machine of one's own gives to a step: sizes then mean nothing.
pub(crate) fn says_memory(node: &Node) -> bool {
    node.get("runtime")
        .and_then(|runtime| runtime.get("self-hosted"))
        .is_some_and(|own| own.get("memory").is_some())
}

/// Checks one step, which says `size` and has the services `names`: they must leave the script what it needs.
pub(crate) fn check_memory<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    key: Place,
    size: Option<u32>,
    names: &[&str],
) {
    let size = match (entry_of(node, "size"), size) {
        (_, Some(size)) => Some(size),
        (None, None) => cx.resources.size,
        (Some(_), None) => None,
    };
    let Some(size) = size else { return };
    if cx.resources.own_machine || says_memory(node) {
        return;
    }
    let of = |name: &str| {
        cx.resources
            .services
            .get(name)
            .copied()
            .unwrap_or(SERVICE_MEMORY_MB)
    };
    let taken: u64 = names.iter().map(|name| u64::from(of(name))).sum();
    let whole = u64::from(size) * SIZE_MEMORY_MB;
    if names.is_empty() || taken + SCRIPT_MEMORY_MB <= whole {
        return;
    }
    let mut each = String::new();
    for name in names.iter().take(5) {
        // Writing into a string cannot fail.
        let _ = write!(
            each,
            "{}{} {}",
            if each.is_empty() { "" } else { ", " },
            shown(name),
            of(name)
        );
    }
    let message = format!(
        "the services take {taken} MB ({each}) of the {whole} MB that a step of size `{size}x` has; the script needs {SCRIPT_MEMORY_MB} MB of it"
    );
    let fitting = (0..6)
        .map(|doublings| 1_u64 << doublings)
        .find(|size| taken + SCRIPT_MEMORY_MB <= size * SIZE_MEMORY_MB);
    let help = fitting.map_or_else(
        || "Bitbucket stops such a step: lower the `memory` of its services".to_owned(),
        |size| format!("Bitbucket stops such a step: write `size: {size}x`, or lower the `memory` of its services"),
    );
    let services = entry_of(node, "services");
    let place = services.map_or(key, |entry| entry.key_place);
    match services {
        Some(entry) => cx.within(&entry.key, |cx| {
            cx.warning(Code::Memory, place, format_args!("{message}"), &help);
        }),
        None => cx.warning(Code::Memory, place, format_args!("{message}"), &help),
    }
}
