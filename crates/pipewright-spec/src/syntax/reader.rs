//! Runs the YAML reader and turns what it gives into the tree.
//!
//! The reader resolves aliases under a budget; merge keys and duplicate keys are let through, because our rules for
//! them (a warning and the last one counts; lists of mappings) need their places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Options, Spanned};

use super::merge::Builder;
use super::node::{Kind, Node, Place};
use super::problem;
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

/// What the reader gives: a value with the place it is written at and the place it is used at.
pub(super) struct Raw {
    pub(super) kind: RawKind,
    pub(super) place: Place,
}

pub(super) enum RawKind {
    Scalar(Kind),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawKind>::deserialize(deserializer)?;
        let (start, end) = range(spanned.defined);
        let via = (spanned.defined != spanned.referenced).then(|| range(spanned.referenced));
        Ok(Self {
            kind: spanned.value,
            place: Place { start, end, via },
        })
    }
}

fn range(location: Location) -> (u32, u32) {
    let span = location.span();
    let start = span.byte_offset().unwrap_or(0);
    let end = start.saturating_add(span.byte_len().unwrap_or(0));
    (
        u32::try_from(start).unwrap_or(u32::MAX),
        u32::try_from(end).unwrap_or(u32::MAX),
    )
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Flag(value)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Number))
    }

    fn visit_i128<E>(self, _: i128) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<RawKind, E> {
        Ok(RawKind::Text(value))
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Null))
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(Kind::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawKind, D::Error> {
        RawKind::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<RawKind, D::Error> {
        RawKind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry()? {
            entries.push(entry);
        }
        Ok(RawKind::Map(entries))
    }
}
