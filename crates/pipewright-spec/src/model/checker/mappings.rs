//! Mappings: keys that are known, keys that are free, and what is said of the others.

use super::lists::missing_blank;
use super::{Checker, Part};
use crate::diagnostic::{Code, Severity, alternatives, nearest, shown};
use crate::syntax::{Entry, Node, Place};

impl<'n> Checker<'n> {
    /// Hands each known key with a value to `check`; unknown keys and empty values are warned of. False where the node
    /// is no mapping, which is an error.
    pub(crate) fn each(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &'static [&'static str],
        check: impl FnMut(&mut Self, &'static str, &'n Entry),
    ) -> bool {
        self.each_but(node, what, "", keys, check)
    }

    /// As [`Self::each`], without a word about the key `left_out`.
    pub(crate) fn each_but(
        &mut self,
        node: &'n Node,
        what: &str,
        left_out: &str,
        keys: &'static [&'static str],
        mut check: impl FnMut(&mut Self, &'static str, &'n Entry),
    ) -> bool {
        let Some(entries) = node.entries() else {
            let help = format!(
                "write it with its keys below it, indented: {}",
                alternatives(keys.get(..4).unwrap_or(keys))
            );
            self.wrong_type(node, what, "a mapping", &help);
            return false;
        };
        for entry in entries
            .iter()
            .filter(|entry| entry.key != left_out || left_out.is_empty())
        {
            match keys.iter().find(|key| **key == entry.key) {
                None => self.unknown_key(entry, what, keys),
                Some(_) if entry.value.is_null() => {
                    self.within(&entry.key, |cx| cx.empty_value(entry));
                }
                Some(key) => self.within(&entry.key, |cx| check(cx, key, entry)),
            }
        }
        true
    }

    /// Hands each entry of a mapping with free keys to `check`.
    pub(crate) fn each_named(
        &mut self,
        node: &'n Node,
        what: &str,
        wanted: &str,
        mut check: impl FnMut(&mut Self, &'n Entry),
    ) -> bool {
        let Some(entries) = node.entries() else {
            self.wrong_type(
                node,
                what,
                wanted,
                "write each name as a key, with its value after the colon or indented below it",
            );
            return false;
        };
        for entry in entries {
            self.within(&entry.key, |cx| check(cx, entry));
        }
        true
    }

    pub(crate) fn empty_value(&mut self, entry: &Entry) {
        let key = shown(&entry.key);
        self.warning(
            Code::EmptyValue,
            entry.key_place,
            format_args!("{key} has no value and is ignored"),
            "give it a value, or indent what belongs to it below it, or remove it",
        );
    }

    pub(crate) fn unknown_key(&mut self, entry: &'n Entry, what: &str, keys: &[&str]) {
        if !self.collected.has_room() {
            self.collected.skip(Severity::Warning);
            return;
        }
        let help = match nearest(&entry.key, keys) {
            _ if let Some(help) = missing_blank(&entry.key) => help,
            Some(key) => format!("did you mean `{key}`?"),
            None => foreign_key(&entry.key).map_or_else(
                || format!("known here: {}", alternatives(keys)),
                ToOwned::to_owned,
            ),
        };
        let key = shown(&entry.key);
        let message = format_args!("{key} is not a property of {what}; it is ignored");
        if matches!(self.path.last(), Some(Part::Key(last)) if std::ptr::eq(*last, entry.key.as_str()))
        {
            self.warning(Code::UnknownKey, entry.key_place, message, &help);
        } else {
            self.within(&entry.key, |cx| {
                cx.warning(Code::UnknownKey, entry.key_place, message, &help);
            });
        }
    }

    pub(crate) fn missing(&mut self, place: Place, what: &str, key: &str, help: &str) {
        self.error(
            Code::MissingKey,
            place,
            format_args!("{what} has no `{key}`"),
            help,
        );
    }

    /// A mapping of names to texts.
    pub(crate) fn named_texts(&mut self, node: &'n Node, what: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        self.each_named(node, what, "a mapping of names to texts", |cx, entry| {
            if entry.value.is_null() {
                cx.warning(
                    Code::EmptyValue,
                    entry.key_place,
                    format_args!(
                        "{} of {what} has no value; it is read as empty text",
                        shown(&entry.key)
                    ),
                    "write \"\" for empty text",
                );
                pairs.push((entry.key.clone(), String::new()));
            } else if let Some(text) =
                cx.text(&entry.value, &format!("{} of {what}", shown(&entry.key)))
            {
                pairs.push((entry.key.clone(), text.value));
            }
        });
        pairs
    }
}

/// An entry with a value.
pub(crate) fn entry_of<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    node.entries()?
        .iter()
        .find(|entry| entry.key == key && !entry.value.is_null())
}

/// What a key of another CI's language is called here.
fn foreign_key(key: &str) -> Option<&'static str> {
    Some(match key {
        "needs" | "depends_on" | "depends-on" | "dependencies" => {
            "steps run in the order of the list; put those that may run together below `parallel:`"
        }
        "env" | "variables" => {
            "set variables with `export NAME=value` in the script, or in the repository's settings"
        }
        "run" | "commands" | "cmd" => "write the commands as a list below `script:`",
        "if" | "when" | "only" | "rules" | "branches" | "except" => {
            "write a `condition:`, or a pipeline of its own below `branches:`"
        }
        "concurrency" => "write `concurrency-group: name` in the step",
        "timeout" | "timeout-minutes" => "write `max-time:` in minutes",
        "before-script" | "before_script" => "put the commands at the beginning of `script:`",
        "uses" => "a pipe is an item of the script: `- pipe: account/name:version`",
        "retry" => "write `on-fail: {strategy: retry, maxRetryCount: 2}`",
        "allow_failure" | "continue-on-error" => "write `on-fail: {strategy: ignore}`",
        _ => return None,
    })
}
