//! What every check uses: problems with their place and property path, and the reading of scalars, lists and mappings
//! with the forgiveness that Bitbucket shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::definitions::PREDEFINED_CACHES;
use super::import::ImportSource;
use super::resources::Resources;
use crate::capabilities::{Feature, FeatureUse};
use crate::diagnostic::{Code, Collected, Diagnostic, Severity, alternatives, nearest, shown};
use crate::syntax::{Entry, Kind, Node, Place, Source, Value};

/// A value and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// What is defined in the file, read before anything that uses it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) services: BTreeSet<String>,
    pub(crate) caches: BTreeSet<String>,
    /// Those of them whose directory is none of a step's own.
    pub(crate) outside_caches: BTreeSet<String>,
    /// Sources that could not be read are `None`.
    pub(crate) imports: BTreeMap<String, Option<ImportSource>>,
    pub(crate) customs: BTreeSet<String>,
}

/// A kind of names of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Defined {
    Services,
    Caches,
    Imports,
    Customs,
}

/// The state of one walk over a tree.
pub(crate) struct Checker<'n> {
    pub(crate) source: &'n Source,
    pub(crate) names: Names,
    pub(crate) resources: Resources,
    collected: Collected,
    path: Vec<Part<'n>>,
    features: Vec<FeatureUse>,
    suggestions: u32,
}

/// How many misspelt names of a file are looked up among names that the file itself defines, and among how many: the
/// comparison costs the product of both.
const MAX_SUGGESTIONS: u32 = 30;
const MAX_CANDIDATES: usize = 200;

enum Part<'n> {
    Key(&'n str),
    Index(usize),
}

impl<'n> Checker<'n> {
    pub(crate) fn new(source: &'n Source, collected: Collected) -> Self {
        Self {
            source,
            names: Names::default(),
            resources: Resources::default(),
            collected,
            path: Vec::new(),
            features: Vec::new(),
            suggestions: 0,
        }
    }

    /// True once an error is found.
    pub(crate) fn has_errors(&self) -> bool {
        self.collected.has_errors()
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.collected.finish()
    }

    /// Runs a check of a part with its key on the path.
    pub(crate) fn within<T>(&mut self, key: &'n str, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Part::Key(key));
        let result = check(self);
        self.path.pop();
        result
    }

    fn at_index<T>(&mut self, index: usize, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Part::Index(index));
        let result = check(self);
        self.path.pop();
        result
    }

    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.path {
            match part {
                Part::Index(index) => drop(write!(path, "[{index}]")),
                Part::Key(key) => {
                    let plain = !key.is_empty()
                        && key.len() <= 60
                        && key
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
                    match (plain, path.is_empty()) {
                        (true, true) => path.push_str(key),
                        (true, false) => drop(write!(path, ".{key}")),
                        (false, _) => drop(write!(
                            path,
                            "[{:?}]",
                            key.chars().take(60).collect::<String>()
                        )),
                    }
                }
            }
        }
        path
    }

    // Problems.

    pub(crate) fn error(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report(Severity::Error, code, place, message, help);
    }

    pub(crate) fn warning(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report(Severity::Warning, code, place, message, help);
    }

    /// A warning with a second place that belongs to it.
    pub(crate) fn warning_with(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
        (other, text): (Place, &str),
    ) {
        self.report_with(
            Severity::Warning,
            code,
            place,
            message,
            help,
            Some((other, text)),
        );
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report_with(severity, code, place, message, help, None);
    }

    fn report_with(
        &mut self,
        severity: Severity,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
        other: Option<(Place, &str)>,
    ) {
        if !self.collected.has_room() {
            self.collected.skip(severity);
            return;
        }
        let mut problem = Diagnostic::new(
            severity,
            code,
            message.to_string(),
            self.source.defined(place),
        )
        .with_path(self.path());
        if !help.is_empty() {
            problem = problem.with_help(help);
        }
        if let Some(used) = self.source.used(place) {
            problem = problem.with_label(used, "used here");
        }
        if let Some((place, text)) = other {
            problem = problem.with_label(
                self.source
                    .used(place)
                    .unwrap_or_else(|| self.source.defined(place)),
                text,
            );
        }
        self.collected.push(code, problem);
    }

    /// `what` must be of another type: `a mapping`, `a list of step items`.
    pub(crate) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str, help: &str) {
        let kind = node.kind();
        self.error(
            Code::WrongType,
            node.place,
            format_args!("{what} must be {wanted}, but this is {kind}"),
            help,
        );
    }

    /// `did you mean …?` for a name that the file does not define, else `otherwise`.
    pub(crate) fn suggestion(&mut self, name: &str, defined: Defined, otherwise: &str) -> String {
        self.suggestions += 1;
        if self.suggestions > MAX_SUGGESTIONS {
            return otherwise.to_owned();
        }
        let names = &self.names;
        let known: Vec<&str> = match defined {
            Defined::Services => names
                .services
                .iter()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
            Defined::Caches => {
                let own = names.caches.iter().map(String::as_str).take(MAX_CANDIDATES);
                PREDEFINED_CACHES
                    .iter()
                    .map(|(name, _)| *name)
                    .chain(own)
                    .collect()
            }
            Defined::Imports => names
                .imports
                .keys()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
            Defined::Customs => names
                .customs
                .iter()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
        };
        nearest(name, &known).map_or_else(
            || otherwise.to_owned(),
            |near| format!("did you mean {}?", shown(near)),
        )
    }

    // Features: what a plan needs of the installation, kept with the step that needs it.

    pub(crate) fn feature(&mut self, feature: Feature, place: Place) {
        self.feature_named(feature, "", place);
    }

    /// As [`Self::feature`], of which there are many that differ by their names.
    pub(crate) fn feature_named(&mut self, feature: Feature, name: &str, place: Place) {
        let path = self.path();
        self.features.push(FeatureUse {
            feature,
            name: name.to_owned(),
            place,
            path,
        });
    }

    /// Runs a check and gives the features it met beside its result.
    pub(crate) fn with_features<T>(
        &mut self,
        check: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<FeatureUse>) {
        let outer = std::mem::take(&mut self.features);
        let result = check(self);
        (result, std::mem::replace(&mut self.features, outer))
    }

    // Mappings.

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

    // Lists.

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

    // Scalars.

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

    /// An error about a key that may not stand where it does.
    pub(crate) fn misplaced(&mut self, entry: &'n Entry, message: fmt::Arguments<'_>, help: &str) {
        self.within(&entry.key, |cx| {
            cx.error(Code::Misplaced, entry.key_place, message, help);
        });
    }

    /// A warning about a key that has no effect where it stands.
    pub(crate) fn without_effect(
        &mut self,
        entry: &'n Entry,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.within(&entry.key, |cx| {
            cx.warning(Code::Misplaced, entry.key_place, message, help);
        });
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

/// True for a text whose value is put in when the build is planned.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("${{")
}
