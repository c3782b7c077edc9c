//! Runs the YAML reader and turns what it gives into the tree.
//!
//! The reader resolves aliases under a budget; merge keys and duplicate keys are let through, because our rules for
//! them (a warning and the last one counts; lists of mappings) need their places.

use serde_saphyr::Options;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

use super::merge::Builder;
use super::node::Node;
use super::problem;
use super::raw::Raw;
use super::source::Source;
use crate::diagnostic::{Collected, Diagnostic};
use crate::limits;

/// The tree of a file. `Err` where it is not YAML; `Ok(None)` where it holds nothing.
pub(crate) fn read(
    source: &Source,
    diagnostics: &mut Collected,
) -> Result<Option<Node>, Box<Diagnostic>> {
    let raw: Result<Raw, serde_saphyr::Error> =
        serde_saphyr::from_str_with_options(&source.text, options());
    match raw {
        Ok(raw) => Ok(Some(Builder::new(source, diagnostics).build(raw)?)),
        Err(error) => problem::explain(source, &error),
    }
}

fn options() -> Options {
    let aliases = serde_saphyr::alias_limits! {
        max_total_replayed_events: limits::MAX_VALUES * 3,
        max_replay_stack_depth: limits::MAX_ALIAS_DEPTH,
    };
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 2,
            max_depth: limits::MAX_DEPTH,
            flow_nesting_limit: limits::MAX_DEPTH as _,
            max_nodes: limits::MAX_VALUES,
            max_events: limits::MAX_VALUES * 3,
            max_aliases: limits::MAX_VALUES,
            max_anchors: limits::MAX_VALUES,
            max_recorded_anchor_events: limits::MAX_VALUES * 4,
            max_recorded_anchor_bytes: 8 * limits::MAX_FILE_BYTES,
            max_total_scalar_bytes: 4 * limits::MAX_FILE_BYTES,
            max_merge_keys: 5_000,
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        alias_limits: aliases,
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
    }
}
