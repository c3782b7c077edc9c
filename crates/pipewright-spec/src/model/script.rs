//! `script` and `after-script`: shell text, pipes, and the tasks for Atlassian's hosted assistants.

use super::checker::{At, Checker, missing_blank};
use crate::capabilities::Feature;
use crate::diagnostic::{Code, nearest, shown};
use crate::syntax::{Entry, Kind, Node, Place, Value};

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScriptEntry {
    Command(String),
    Pipe(Pipe),
    /// A task for a hosted assistant, by its name: known, never runnable here.
    Hosted(At<String>),
}

/// A container run in the middle of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pipe {
    /// `account/name:version` or `docker://image:tag`.
    pub(crate) image: At<String>,
    pub(crate) name: Option<String>,
    pub(crate) variables: Vec<(String, PipeValue)>,
}

/// A pipe's variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PipeValue {
    One(String),
    /// Arrives as `NAME_0 … NAME_COUNT`.
    Many(Vec<String>),
}

const PIPE_KEYS: &[&str] = &["pipe", "name", "variables"];

/// The items. Reports an empty list, skips null items.
pub(crate) fn check_script<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
) -> Vec<ScriptEntry> {
    let mut script = Vec::new();
    if let Value::Scalar(Kind::Text | Kind::Filled, text) = &node.value {
        let help = missing_blank(text).unwrap_or_else(|| {
            "write each command as a list item: `- command`; for many lines in one item use `- |`"
                .to_owned()
        });
        cx.wrong_type(node, what, "a list of commands", &help);
        return script;
    }
    let mut had_items = false;
    cx.each_item(node, what, "a list of commands", |cx, item| {
        had_items = true;
        if let Some(entry) = check_entry(cx, item, what) {
            script.push(entry);
        }
    });
    if !had_items && node.items().is_some_and(|items| !items.is_empty()) {
        cx.error(
            Code::EmptyList,
            node.place,
            format_args!("{what} has no command"),
            "add a command after the `-`",
        );
    }
    script
}

fn check_entry<'n>(cx: &mut Checker<'n>, item: &'n Node, what: &str) -> Option<ScriptEntry> {
    match &item.value {
        Value::Scalar(..) => cx
            .text(item, &format!("an item of {what}"))
            .map(|text| ScriptEntry::Command(text.value)),
        Value::List(_) => {
            let help = "to use the items of an anchored list, name each of them: an alias to a list is one nested list";
            cx.wrong_type(
                item,
                &format!("an item of {what}"),
                "a command or a pipe",
                help,
            );
            None
        }
        Value::Map(entries) => {
            if item.get("pipe").is_some() {
                return check_pipe(cx, item).map(ScriptEntry::Pipe);
            }
            if let Some(hosted) = item.get("agent") {
                cx.feature(Feature::HostedAssistant, item.place);
                return cx.text(hosted, "`agent`").map(ScriptEntry::Hosted);
            }
            not_a_command(cx, item, entries);
            None
        }
    }
}

/// `- echo "a: b"` is a mapping to YAML; say what to write.
fn not_a_command(cx: &mut Checker<'_>, item: &Node, entries: &[Entry]) {
    let Some(first) = entries.first() else {
        cx.error(
            Code::EmptyList,
            item.place,
            format_args!("this item of the script is an empty mapping"),
            "write a command in its place, or remove the `-`",
        );
        return;
    };
    if let Some(key) = nearest(&first.key, PIPE_KEYS)
        .filter(|_| entries.len() > 1 || first.key.eq_ignore_ascii_case("pipe"))
    {
        let help =
            format!("did you mean `{key}`? a pipe is written `- pipe: account/name:version`");
        cx.error(
            Code::ScriptMapping,
            first.key_place,
            format_args!(
                "a script item is a command or a pipe, but this is a mapping with the key {}",
                shown(&first.key)
            ),
            &help,
        );
        return;
    }
    // The value ends the command where it is written right behind the key, and not brought by an alias.
    let value = first.value.place;
    let end = if value.via == first.key_place.via && value.start >= first.key_place.end {
        value.end
    } else {
        first.key_place.end
    };
    let place = Place {
        start: first.key_place.start,
        end,
        via: item.place.via,
    };
    let whole = cx
        .source
        .text_of(place)
        .lines()
        .next()
        .unwrap_or("")
        .to_owned();
    let help = if whole.contains('\'')
        || whole
            .chars()
            .any(|character| !character.is_ascii_graphic() && character != ' ')
    {
        "write the command as a block:\n  - |\n    <the command>".to_owned()
    } else {
        format!(
            "put the whole command in single quotes: - '{}'",
            whole.chars().take(200).collect::<String>()
        )
    };
    cx.error(
        Code::ScriptMapping,
        place,
        format_args!(
            "this command is read as a mapping with the key {}, because a colon and a space follow",
            shown(&first.key)
        ),
        &help,
    );
}

fn check_pipe<'n>(cx: &mut Checker<'n>, item: &'n Node) -> Option<Pipe> {
    let (mut image, mut name, mut variables) = (None, None, Vec::new());
    cx.feature(Feature::Pipes, item.place);
    cx.each(item, "a pipe", PIPE_KEYS, |cx, key, entry| match key {
        "pipe" => image = cx.filled_text(&entry.value, "`pipe`"),
        "name" => name = cx.text(&entry.value, "`name`").map(|text| text.value),
        _ => variables = check_pipe_variables(cx, &entry.value),
    });
    let image = image?;
    if image.value.starts_with('-') || image.value.contains(char::is_whitespace) {
        let message = format_args!("{} is not the name of a pipe", shown(&image.value));
        cx.error(
            Code::NotAllowed,
            image.place,
            message,
            "write `account/name:version` or `docker://image:tag`",
        );
        return None;
    }
    Some(Pipe {
        image,
        name,
        variables,
    })
}

fn check_pipe_variables<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Vec<(String, PipeValue)> {
    let mut variables = Vec::new();
    cx.each_named(
        node,
        "`variables`",
        "a mapping of names to texts",
        |cx, entry| {
            if !cx.variable_name(&entry.key, entry.key_place) {
                return;
            }
            let value = match &entry.value.value {
                Value::Scalar(Kind::Null, _) => PipeValue::One(String::new()),
                Value::Scalar(..) => match cx.text(&entry.value, "a variable of a pipe") {
                    Some(text) => PipeValue::One(text.value),
                    None => return,
                },
                Value::List(items) if items.is_empty() => PipeValue::Many(Vec::new()),
                Value::List(items)
                    if items
                        .iter()
                        .all(|item| matches!(item.value, Value::Scalar(..))) =>
                {
                    PipeValue::Many(
                        cx.texts(&entry.value, "a variable of a pipe")
                            .into_iter()
                            .map(|text| text.value)
                            .collect(),
                    )
                }
                // The documentation of several pipes shows mappings, which arrive as JSON.
                Value::List(_) | Value::Map(_) => PipeValue::One(json(&entry.value).to_string()),
            };
            variables.push((entry.key.clone(), value));
        },
    );
    variables
}

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Scalar(Kind::Null, _) => serde_json::Value::Null,
        Value::Scalar(Kind::Flag(flag), _) => (*flag).into(),
        Value::Scalar(Kind::Number, text) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
        }
        Value::Scalar(Kind::Text | Kind::Filled, text) => text.clone().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json(&entry.value)))
            .collect(),
    }
}
