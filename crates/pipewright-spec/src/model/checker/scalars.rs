//! Scalars: texts, numbers, flags, words of a few, with what Bitbucket takes for them all the same.

use super::{At, Checker};
use crate::diagnostic::{Code, alternatives, nearest, shown};
use crate::syntax::{Kind, Node, Place, Value};

impl Checker<'_> {
    /// A text; numbers and booleans are taken as written, with a warning.
    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        match &node.value {
            Value::Scalar(kind @ (Kind::Text | Kind::Filled), text) => {
                if *kind == Kind::Text
                    && let Some(other) = yaml_1_1(text)
                    && self.source.text_of(node.place) == text
                {
                    self.warning(
                        Code::Coerced,
                        node.place,
                        format_args!(
                            "{what} should be text, but YAML 1.1, which Bitbucket reads, takes {} for {other}; it is read as text here",
                            shown(text)
                        ),
                        &format!("put it in quotes: \"{text}\""),
                    );
                }
                Some(At {
                    value: text.clone(),
                    place: node.place,
                })
            }
            Value::Scalar(Kind::Number | Kind::Flag(_), text) => {
                let kind = node.kind();
                let help = format!(
                    "put it in quotes: \"{}\"",
                    text.chars().take(60).collect::<String>()
                );
                self.warning(
                    Code::Coerced,
                    node.place,
                    format_args!(
                        "{what} should be text, but this is {kind}; it is read as {}",
                        shown(text)
                    ),
                    &help,
                );
                Some(At {
                    value: text.clone(),
                    place: node.place,
                })
            }
            Value::Scalar(Kind::Null, _) => {
                self.error(
                    Code::WrongType,
                    node.place,
                    format_args!("{what} is empty"),
                    "give it a value, or remove it",
                );
                None
            }
            Value::Map(entries) => {
                let help = match entries.as_slice() {
                    [_] => "text that contains a colon and a space must be in quotes",
                    _ => "write one text",
                };
                self.wrong_type(node, what, "text", help);
                None
            }
            Value::List(_) => {
                self.wrong_type(node, what, "text", "write one text instead of a list");
                None
            }
        }
    }

    /// A text that must not be blank.
    pub(crate) fn filled_text(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        let text = self.text(node, what)?;
        if text.value.trim().is_empty() {
            self.error(
                Code::WrongType,
                node.place,
                format_args!("{what} is empty"),
                "give it a value, or remove it",
            );
            return None;
        }
        Some(text)
    }

    /// A whole number in a range. `None` without a word where a template stands, whose value comes later.
    pub(crate) fn whole(
        &mut self,
        node: &Node,
        what: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let Value::Scalar(kind @ (Kind::Number | Kind::Text | Kind::Filled), text) = &node.value
        else {
            self.wrong_type(node, what, "a whole number", "");
            return None;
        };
        if is_template(text) {
            return None;
        }
        let digits = text.trim().replace('_', "");
        let number = digits
            .parse::<i64>()
            .ok()
            .filter(|_| !digits.starts_with('+'));
        let Some(number) = number else {
            self.error(
                Code::WrongType,
                node.place,
                format_args!("{what} must be a whole number, but this is {}", shown(text)),
                "",
            );
            return None;
        };
        if *kind == Kind::Text {
            let help = format!("remove the quotes: {number}");
            self.warning(
                Code::Coerced,
                node.place,
                format_args!("{what} should be a number, but this is text; it is read as {number}"),
                &help,
            );
        }
        let inside = u32::try_from(number)
            .ok()
            .filter(|number| range.contains(number));
        if inside.is_none() {
            let (low, high) = (range.start(), range.end());
            let bounds = if *high == u32::MAX {
                format!("at least {low}")
            } else {
                format!("from {low} to {high}")
            };
            self.error(
                Code::OutOfRange,
                node.place,
                format_args!("{what} must be {bounds}, but this is {number}"),
                "",
            );
        }
        inside
    }

    /// True or false; the other words that YAML once took for them are read so with a warning.
    pub(crate) fn flag(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Value::Scalar(Kind::Flag(flag), _) => Some(*flag),
            Value::Scalar(_, text) if is_template(text) => None,
            Value::Scalar(kind @ (Kind::Text | Kind::Number | Kind::Filled), text) => {
                let flag = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" => true,
                    "false" | "no" | "off" | "n" => false,
                    _ => {
                        self.error(
                            Code::WrongType,
                            node.place,
                            format_args!(
                                "{what} must be true or false, but this is {}",
                                shown(text)
                            ),
                            "",
                        );
                        return None;
                    }
                };
                if *kind != Kind::Filled {
                    let help = format!("write {flag} without quotes");
                    self.warning(
                        Code::Coerced,
                        node.place,
                        format_args!(
                            "{what} should be true or false; {} is read as {flag}",
                            shown(text)
                        ),
                        &help,
                    );
                }
                Some(flag)
            }
            _ => {
                self.wrong_type(node, what, "true or false", "");
                None
            }
        }
    }

    /// One of a few words, by its position.
    pub(crate) fn choice(&mut self, node: &Node, what: &str, words: &[&str]) -> Option<usize> {
        let text = self.text(node, what)?;
        if is_template(&text.value) {
            return None;
        }
        let found = words.iter().position(|word| *word == text.value);
        if found.is_none() {
            let help = nearest(&text.value, words)
                .map(|word| format!("did you mean `{word}`?"))
                .unwrap_or_default();
            self.error(
                Code::NotAllowed,
                node.place,
                format_args!(
                    "{what} must be {}, but this is {}",
                    alternatives(words),
                    shown(&text.value)
                ),
                &help,
            );
        }
        found
    }

    /// A name that a shell takes as that of a variable.
    pub(crate) fn variable_name(&mut self, name: &str, place: Place) -> bool {
        let fits = pipewright_core::is_variable_name(name);
        if !fits {
            self.error(
                Code::VariableName,
                place,
                format_args!("{} cannot be the name of a variable", shown(name)),
                "use letters, digits and `_`, and begin with a letter or `_`",
            );
        }
        fits
    }
}

/// What YAML 1.1 takes a plain text for that YAML 1.2 takes for text: `yes`, `On`, `2024-01-01`, `12:30`.
fn yaml_1_1(text: &str) -> Option<&'static str> {
    let flags = [
        "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
    ];
    if flags.contains(&text) {
        return Some("a boolean");
    }
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes
            .get(from..to)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is_day = digits(0, 4) && digits(5, 7) && digits(8, 10);
    if is_day
        && (bytes.get(4), bytes.get(7)) == (Some(&b'-'), Some(&b'-'))
        && (text.len() == 10
            || (matches!(bytes.get(10), Some(b'T' | b't' | b' ')) && digits(11, 13)))
    {
        return Some("a date");
    }
    let mut parts = text.split(':');
    let first = parts.next()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut more = parts.clone().peekable();
    (is_number(first)
        && more.peek().is_some()
        && parts.all(|part| is_number(part) && part.parse::<u8>().is_ok_and(|part| part < 60)))
    .then_some("a number to the base 60")
}

/// True for a text whose value is put in when the build is planned.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("${{")
}
