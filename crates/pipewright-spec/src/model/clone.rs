//! `clone`: how the repository is put into the workspace; a step's settings win field by field over the file's.

use super::checker::{Checker, is_template};
use crate::capabilities::Feature;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Kind, Node, Value};

/// What one level says about cloning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CloneSettings {
    pub(crate) enabled: Option<bool>,
    pub(crate) depth: Option<Depth>,
    pub(crate) lfs: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Commits(u32),
    Full,
}

/// `strategy` is seen only in the documentation of Atlassian's runners; it changes how, not what, is cloned.
const KEYS: &[&str] = &["depth", "enabled", "lfs", "skip-ssl-verify", "strategy"];

impl CloneSettings {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Self {
        let mut settings = Self::default();
        cx.each(node, "`clone`", KEYS, |cx, key, entry| match key {
            "depth" => settings.depth = check_depth(cx, &entry.value),
            "enabled" => settings.enabled = cx.flag(&entry.value, "`enabled`"),
            "lfs" => {
                settings.lfs = cx.flag(&entry.value, "`lfs`");
                if settings.lfs == Some(true) {
                    cx.feature(Feature::Lfs, entry.key_place);
                }
            }
            "skip-ssl-verify" => {
                if cx.flag(&entry.value, "`skip-ssl-verify`") == Some(true) {
                    cx.feature(Feature::SkipSslVerify, entry.key_place);
                }
            }
            _ => {
                cx.choice(&entry.value, "`strategy`", &["fetch", "clone"]);
            }
        });
        settings
    }

    /// These settings over those of the file.
    pub(crate) fn over(self, file: Self) -> Self {
        Self {
            enabled: self.enabled.or(file.enabled),
            depth: self.depth.or(file.depth),
            lfs: self.lfs.or(file.lfs),
        }
    }
}

fn check_depth(cx: &mut Checker<'_>, node: &Node) -> Option<Depth> {
    if let Value::Scalar(Kind::Text | Kind::Filled, text) = &node.value {
        if text == "full" {
            return Some(Depth::Full);
        }
        if text.trim().parse::<i64>().is_err() && !is_template(text) {
            let message = format_args!(
                "`depth` must be a number of commits or `full`, but this is {}",
                shown(text)
            );
            cx.error(
                Code::NotAllowed,
                node.place,
                message,
                "write `depth: full` for all history",
            );
            return None;
        }
    }
    cx.whole(node, "`depth`", 1..=u32::MAX).map(Depth::Commits)
}
