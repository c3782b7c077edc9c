//! `on-fail`: what a failure means for the build; on a step, a parallel group or a stage.

use super::checker::Checker;
use crate::diagnostic::Code;
use crate::syntax::Entry;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFail {
    Fail,
    Ignore,
    Retry(u32),
}

/// The count is written in camel case, alone among all keys of steps.
const KEYS: &[&str] = &["strategy", "maxRetryCount"];

impl OnFail {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Option<Self> {
        let (mut strategy, mut count) = (None, None);
        cx.each(
            &entry.value,
            "`on-fail`",
            KEYS,
            |cx, key, entry| match key {
                "strategy" => {
                    strategy = cx.choice(&entry.value, "`strategy`", &["fail", "ignore", "retry"]);
                }
                _ => count = cx.whole(&entry.value, "`maxRetryCount`", 1..=10),
            },
        );
        if entry.value.entries().is_some() && entry.value.get("strategy").is_none() {
            cx.missing(
                entry.key_place,
                "`on-fail`",
                "strategy",
                "write `strategy: fail`, `ignore` or `retry` below it",
            );
        }
        if count.is_some() && strategy.is_some_and(|strategy| strategy != 2) {
            cx.warning(
                Code::Misplaced,
                entry.key_place,
                format_args!("`maxRetryCount` has no effect without `strategy: retry`"),
                "write `strategy: retry`, or remove `maxRetryCount`",
            );
        }
        match strategy? {
            0 => Some(Self::Fail),
            1 => Some(Self::Ignore),
            _ => Some(Self::Retry(count.unwrap_or(1))),
        }
    }
}
