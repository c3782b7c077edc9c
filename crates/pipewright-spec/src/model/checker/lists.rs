//! Lists: items that are checked one by one, and what is said where there is none.

use super::{At, Checker};
use crate::diagnostic::{Code, shown};
use crate::syntax::{Node, Value};

impl<'n> Checker<'n> {
    /// Hands each item that is not null to `check`. A list must not be empty, and null items are warned of.
    pub(crate) fn each_item(
        &mut self,
        node: &'n Node,
        what: &str,
        wanted: &str,
        mut check: impl FnMut(&mut Self, &'n Node),
    ) -> bool {
        let Some(items) = node.items() else {
            let help = match &node.value {
                Value::Scalar(_, text) => missing_blank(text),
                Value::Map(entries) => entries.first().and_then(|entry| missing_blank(&entry.key)),
                Value::List(_) => None,
            };
            self.wrong_type(
                node,
                what,
                wanted,
                help.as_deref()
                    .unwrap_or("write each item on a line of its own that begins with `- `"),
            );
            return false;
        };
        if items.is_empty() {
            self.error(
                Code::EmptyList,
                node.place,
                format_args!("{what} is empty"),
                "add an item, or remove the key",
            );
        }
        for (index, item) in items.iter().enumerate() {
            self.at_index(index, |cx| {
                if item.is_null() {
                    cx.warning(
                        Code::EmptyValue,
                        item.place,
                        format_args!("this item of {what} is empty and is skipped"),
                        "remove the `-`",
                    );
                } else {
                    check(cx, item);
                }
            });
        }
        true
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, node: &'n Node, what: &str) -> Vec<At<String>> {
        self.texts_that(node, what, |_, _| true)
    }

    /// The texts of a list that pass a check, which reports what is wrong with the others.
    pub(crate) fn texts_that(
        &mut self,
        node: &'n Node,
        what: &str,
        mut check: impl FnMut(&mut Self, &At<String>) -> bool,
    ) -> Vec<At<String>> {
        let mut texts = Vec::new();
        self.each_item(node, what, "a list", |cx, item| {
            if let Some(text) = cx.text(item, &format!("an item of {what}"))
                && check(cx, &text)
            {
                texts.push(text);
            }
        });
        texts
    }
}

/// What to write where a list item lacks the blank that makes its dash one: `-mvn test` is text, `-step:` a key.
pub(crate) fn missing_blank(text: &str) -> Option<String> {
    let item = text.strip_prefix('-')?;
    let begins = item.chars().next()?;
    (!begins.is_whitespace() && begins != '-').then(|| {
        let first = item.lines().next().unwrap_or(item);
        let first: String = first.chars().take(60).collect();
        format!(
            "write a blank after the dash: {}",
            shown(&format!("- {first}"))
        )
    })
}
