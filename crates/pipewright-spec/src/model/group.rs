//! Steps as items of a list: which kind an item is, the step in it, and the steps of a group.

use super::checker::Checker;
use super::step::{STEP_KEYS, Step, Within};
use crate::diagnostic::{Code, alternatives, nearest, shown};
use crate::syntax::{Entry, Node, Value};

/// What an item of a pipeline may be.
pub(super) const KINDS: &[&str] = &["step", "parallel", "stage", "variables", "final"];

/// The one entry of an item that says what it is.
pub(super) fn kind_of<'n>(
    cx: &mut Checker<'n>,
    item: &'n Node,
    kinds: &'static [&'static str],
) -> Option<&'n Entry> {
    let Some(entries) = item.entries() else {
        let help = match item.value {
            Value::List(_) => "an alias to a list does not join it to this one: name each item",
            _ => "write `- step:` and below it, indented, `script:`",
        };
        cx.wrong_type(
            item,
            "an item of a pipeline",
            "a mapping such as `step:`",
            help,
        );
        return None;
    };
    let mut found: Vec<&Entry> = entries
        .iter()
        .filter(|entry| kinds.contains(&entry.key.as_str()))
        .collect();
    if found.len() > 1 {
        let second = found[1];
        let message = format_args!(
            "one item of a list has both `{}` and `{}`",
            found[0].key, second.key
        );
        cx.error(
            Code::UnknownItem,
            second.key_place,
            message,
            "begin each with `- ` on a line of its own",
        );
    }
    if !found.is_empty() {
        return Some(found.remove(0));
    }
    let Some(first) = entries.first() else {
        cx.error(
            Code::EmptyList,
            item.place,
            format_args!("this item of the pipeline is an empty mapping"),
            "write `step:` in it and `script:` below that, or remove the `-`",
        );
        return None;
    };
    let help = if STEP_KEYS.contains(&first.key.as_str()) {
        "write `- step:` on a line of its own, and indent this below it".to_owned()
    } else if first.key == "import" {
        "an import takes the place of the whole list: write `import:` without a dash".to_owned()
    } else {
        nearest(&first.key, kinds).map_or_else(
            || format!("an item is one of {}", alternatives(kinds)),
            |near| format!("did you mean `{near}`?"),
        )
    };
    cx.error(
        Code::UnknownItem,
        first.key_place,
        format_args!("{} is not a kind of item", shown(&first.key)),
        &help,
    );
    None
}

/// A step from its item; the body may stand beside the key instead of below it, which is warned of.
pub(super) fn check_step<'n>(
    cx: &mut Checker<'n>,
    item: &'n Node,
    entry: &'n Entry,
    within: Within,
) -> Option<Step> {
    let siblings: Vec<&'n Entry> = item
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(|other| other.key != entry.key)
        .collect();
    let key = &entry.key;
    if entry.value.is_null() {
        if siblings
            .iter()
            .any(|other| STEP_KEYS.contains(&other.key.as_str()))
        {
            let message = format_args!("the body of this `{key}` is not indented below it");
            cx.warning(
                Code::NotIndented,
                entry.key_place,
                message,
                "indent the lines that follow by two more spaces",
            );
            return cx.within(key, |cx| {
                Step::check(cx, item, entry.key_place, within, key)
            });
        }
        cx.missing(
            entry.key_place,
            "the step",
            "script",
            "write `script:` with a list of commands below `step:`, indented",
        );
        return None;
    }
    for other in siblings {
        if STEP_KEYS.contains(&other.key.as_str()) {
            let message = format_args!(
                "`{}` stands beside `{key}` instead of below it; it is ignored",
                other.key
            );
            cx.warning(
                Code::NotIndented,
                other.key_place,
                message,
                "indent it like the other keys of the step",
            );
        } else if !KINDS.contains(&other.key.as_str()) {
            cx.unknown_key(other, "an item", KINDS);
        }
    }
    cx.within(key, |cx| {
        Step::check(cx, &entry.value, entry.key_place, within, "")
    })
}

/// The steps of a group: only `step` items, as the published schema has it; another runner of these files also takes
/// `parallel` inside a stage, which Bitbucket's pages do not mention.
pub(super) fn check_steps<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
    within: Within,
) -> Vec<Step> {
    let mut steps = Vec::new();
    cx.each_item(
        node,
        what,
        "a list of items that begin with `- step:`",
        |cx, item| {
            if let Some(entry) = item.entries().and_then(|entries| {
                entries
                    .iter()
                    .find(|entry| entry.key == "parallel" || entry.key == "stage")
            }) {
                let message = format_args!("`{}` cannot stand inside {what}", entry.key);
                cx.error(
                    Code::Misplaced,
                    entry.key_place,
                    message,
                    "only steps can; move it out",
                );
                return;
            }
            if let Some(entry) = kind_of(cx, item, &["step"]) {
                steps.extend(check_step(cx, item, entry, within));
            }
        },
    );
    steps
}
