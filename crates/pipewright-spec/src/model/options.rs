//! `options`: settings for every step of the file, and the two of them that steps share.

use super::checker::{Checker, is_template};
use super::runtime;
use crate::capabilities::Feature;
use crate::diagnostic::Code;
use crate::syntax::{Entry, Node, Value};

/// The file-wide settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) docker: bool,
    pub(crate) max_time: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) runs_on: Vec<String>,
}

const KEYS: &[&str] = &["docker", "max-time", "size", "runtime", "runs-on"];
const SIZES: &[&str] = &["1x", "2x", "4x", "8x", "16x", "32x"];

impl Options {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Self {
        let mut options = Self::default();
        cx.each(node, "`options`", KEYS, |cx, key, entry| match key {
            "docker" => {
                options.docker = cx.flag(&entry.value, "`docker`").unwrap_or(false);
                if options.docker {
                    cx.feature(Feature::DockerOption, entry.key_place);
                }
            }
            "max-time" => options.max_time = check_max_time(cx, &entry.value),
            "size" => options.size = check_size(cx, entry),
            "runtime" => runtime::check(cx, entry),
            _ => options.runs_on = check_runs_on(cx, entry),
        });
        options
    }
}

/// Minutes.
pub(crate) fn check_max_time(cx: &mut Checker<'_>, node: &Node) -> Option<u32> {
    cx.whole(node, "`max-time`", 1..=u32::MAX / 60_000)
}

/// The multiple of a normal machine.
pub(crate) fn check_size(cx: &mut Checker<'_>, entry: &Entry) -> Option<u32> {
    let index = cx.choice(&entry.value, "`size`", SIZES)?;
    if index > 0 {
        cx.feature(Feature::Size, entry.key_place);
    }
    Some(1 << index)
}

/// Labels that a runner must all have.
pub(crate) fn check_runs_on<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Vec<String> {
    let node = &entry.value;
    let labels = if matches!(node.value, Value::Scalar(..)) {
        cx.filled_text(node, "`runs-on`").into_iter().collect()
    } else {
        cx.texts(node, "`runs-on`")
    };
    if labels.len() > 10 {
        cx.error(
            Code::TooMany,
            node.place,
            format_args!(
                "`runs-on` has {} labels; at most 10 are allowed",
                labels.len()
            ),
            "",
        );
    }
    for label in &labels {
        if label.value.chars().count() > 50 && !is_template(&label.value) {
            cx.error(
                Code::TooLong,
                label.place,
                format_args!("a label of `runs-on` may have at most 50 characters"),
                "",
            );
        }
        // Steps for these are written for another shell: a runner that has the label by its setting cannot run them either.
        let feature = if matches!(label.value.as_str(), "windows" | "macos") {
            Feature::Platform
        } else {
            Feature::RunsOn
        };
        cx.feature_named(feature, &label.value, label.place);
    }
    labels.into_iter().map(|label| label.value).collect()
}
