//! `condition`: when a step or stage runs.

use super::checker::{At, Checker};
use crate::capabilities::Feature;
use crate::diagnostic::{Code, shown};
use crate::expression::Expression;
use crate::limits::MAX_EXPRESSION;
use crate::syntax::{Entry, Node};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) include_paths: Vec<String>,
    pub(crate) exclude_paths: Vec<String>,
    pub(crate) changesets: bool,
    pub(crate) state: Option<String>,
}

const KEYS: &[&str] = &["changesets", "state"];
const CHANGESET_KEYS: &[&str] = &["includePaths", "excludePaths"];

impl Condition {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Self {
        let mut condition = Self::default();
        cx.each(&entry.value, "`condition`", KEYS, |cx, key, entry| {
            if key == "changesets" {
                condition.check_changesets(cx, entry);
            } else {
                cx.feature(Feature::ConditionState, entry.key_place);
                condition.state =
                    check_expression(cx, &entry.value, "`state`").map(|text| text.value);
            }
        });
        condition
    }

    fn check_changesets<'n>(&mut self, cx: &mut Checker<'n>, entry: &'n Entry) {
        cx.feature(Feature::ConditionChangesets, entry.key_place);
        self.changesets = true;
        cx.each(
            &entry.value,
            "`changesets`",
            CHANGESET_KEYS,
            |cx, key, entry| {
                let paths = check_paths(cx, &entry.value, &format!("`{key}`"));
                if key == "includePaths" {
                    self.include_paths = paths;
                } else {
                    self.exclude_paths = paths;
                }
            },
        );
        if !self.include_paths.is_empty() && !self.exclude_paths.is_empty() {
            cx.error(
                Code::Exclusive,
                entry.key_place,
                format_args!("`changesets` has both `includePaths` and `excludePaths`"),
                "keep one of them",
            );
        }
    }
}

/// Globs over paths of changed files.
fn check_paths<'n>(cx: &mut Checker<'n>, node: &'n Node, what: &str) -> Vec<String> {
    let paths = cx.texts(node, what);
    for path in &paths {
        if let Err(error) = path.value.parse::<pipewright_core::RefPattern>()
            && !super::is_template(&path.value)
        {
            cx.error(Code::BadPattern, path.place, format_args!("{error}"), "");
        }
    }
    paths.into_iter().map(|path| path.value).collect()
}

/// A text that must be an expression.
pub(crate) fn check_expression(
    cx: &mut Checker<'_>,
    node: &Node,
    what: &str,
) -> Option<At<String>> {
    let text = match &node.value {
        // `condition: true` is a boolean to YAML and an expression to Bitbucket.
        crate::syntax::Value::Scalar(crate::syntax::Kind::Flag(_), text) => At {
            value: text.clone(),
            place: node.place,
        },
        _ => cx.filled_text(node, what)?,
    };
    if text.value.chars().count() > MAX_EXPRESSION {
        cx.error(
            Code::TooLong,
            node.place,
            format_args!("{what} may have at most {MAX_EXPRESSION} characters"),
            "",
        );
        return None;
    }
    if super::is_template(&text.value) {
        return Some(text);
    }
    if let Err(error) = text.value.parse::<Expression>() {
        let near = if error.found.is_empty() {
            "its end".to_owned()
        } else {
            shown(&error.found).to_string()
        };
        cx.error(
            Code::BadExpression,
            node.place,
            format_args!("{what} cannot be read at {near}: {}", error.reason),
            &error.help,
        );
        return None;
    }
    Some(text)
}
