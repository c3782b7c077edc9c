//! `variables` of a custom pipeline: what a person is asked for when starting it.

use serde::Serialize;

use super::checker::Checker;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Node, Value};

/// One variable of a custom pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomVariable {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// The value where none is given; without a default that is the empty text.
    pub default: Option<String>,
    /// What to tell the person who is asked.
    pub description: Option<String>,
    /// The only values allowed; empty for any.
    pub allowed_values: Vec<String>,
}

const KEYS: &[&str] = &["name", "default", "description", "allowed-values"];

pub(crate) fn check_variables<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Vec<CustomVariable> {
    let mut variables: Vec<CustomVariable> = Vec::new();
    cx.each_item(node, "`variables`", "a list of variables", |cx, item| {
        let Some(variable) = check_variable(cx, item) else {
            return;
        };
        if variables.iter().any(|other| other.name == variable.name) {
            cx.warning(
                Code::DuplicateKey,
                item.place,
                format_args!(
                    "the variable {} is declared twice; the first one counts",
                    shown(&variable.name)
                ),
                "remove one of them",
            );
        } else {
            variables.push(variable);
        }
    });
    variables
}

fn check_variable<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Option<CustomVariable> {
    let (mut name, mut default, mut description, mut allowed_values) =
        (None, None, None, Vec::new());
    if !matches!(node.value, Value::Map(_)) {
        cx.wrong_type(
            node,
            "a variable",
            "a mapping with a `name`",
            "write `- name: NAME`",
        );
        return None;
    }
    cx.each(node, "a variable", KEYS, |cx, key, entry| match key {
        "name" => {
            name = cx
                .filled_text(&entry.value, "`name`")
                .filter(|name| cx.variable_name(&name.value, name.place))
                .map(|name| name.value);
        }
        "default" => default = cx.text(&entry.value, "`default`"),
        "description" => {
            description = cx
                .text(&entry.value, "`description`")
                .map(|text| text.value);
        }
        _ => {
            allowed_values = cx
                .texts(&entry.value, "`allowed-values`")
                .into_iter()
                .map(|text| text.value)
                .collect();
        }
    });
    if node.get("name").is_none() {
        cx.missing(node.place, "a variable", "name", "write `- name: NAME`");
    }
    if !allowed_values.is_empty() {
        let allowed = allowed_values
            .iter()
            .map(|value| shown(value).to_string())
            .collect::<Vec<_>>()
            .join(", ");
        match &default {
            None => cx.error(
                Code::VariableDefault,
                node.place,
                format_args!("a variable with `allowed-values` needs a `default`"),
                &format!("add `default:` with one of {allowed}"),
            ),
            Some(default) if !allowed_values.contains(&default.value) => {
                let message = format_args!(
                    "the default {} is not one of the allowed values",
                    shown(&default.value)
                );
                cx.error(
                    Code::VariableDefault,
                    default.place,
                    message,
                    &format!("use one of {allowed}"),
                );
            }
            Some(_) => {}
        }
    }
    Some(CustomVariable {
        name: name?,
        default: default.map(|text| text.value),
        description,
        allowed_values,
    })
}
