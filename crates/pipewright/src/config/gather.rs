//! Collecting what was said, from file, environment and flags, without judging the values yet.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::mistake::{Mistake, Mistakes, nearest};
use super::table::{SETTINGS, Setting};

/// Variables that begin like settings but are not: where the file is, and where tests find Bitbucket's own documents.
const OTHER_VARIABLES: &[&str] = &["PIPEWRIGHT_CONFIG", "PIPEWRIGHT_SHARED"];

/// How the variables begin that only tests read.
const TEST_VARIABLES: &str = "PIPEWRIGHT_TEST_";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A file, with line and column from 1.
    File(PathBuf, usize, usize),
    /// An environment variable.
    Variable(String),
    /// A flag: `--set`, or one that stands for a setting.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Every setting's text and where it came from.
#[derive(Debug)]
pub(crate) struct Gathered(BTreeMap<&'static str, (String, Origin)>);

impl Gathered {
    /// The files that settings were read from.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.values().filter_map(|(_, origin)| match origin {
            Origin::File(path, ..) => Some(path.as_path()),
            _ => None,
        })
    }

    /// The text of a setting in the table.
    pub(crate) fn get(&self, key: &str) -> (&str, &Origin) {
        let (text, origin) = &self.0[key];
        (text, origin)
    }
}

/// A flag that stands for a setting.
#[derive(Debug)]
pub(crate) struct Shorthand {
    /// As it is written: `--listen`.
    pub(crate) flag: &'static str,
    /// The setting.
    pub(crate) key: &'static str,
    /// What was given.
    pub(crate) value: String,
}

/// Collects all layers. `variables` are the process's environment; `flags` are `key=value`; `shorthands` win over them.
pub(crate) fn gather(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
    flags: &[String],
    shorthands: Vec<Shorthand>,
) -> Result<Gathered, Mistakes> {
    let mut values: BTreeMap<&'static str, (String, Origin)> = SETTINGS
        .iter()
        .map(|setting| (setting.key, (setting.default.to_owned(), Origin::Default)))
        .collect();
    let mut mistakes = Vec::new();
    if let Some(path) = file {
        from_file(path, &mut values, &mut mistakes);
    }
    let is_other = |name: &str| OTHER_VARIABLES.contains(&name) || name.starts_with(TEST_VARIABLES);
    for (name, value) in
        variables.filter(|(name, _)| name.starts_with("PIPEWRIGHT_") && !is_other(name))
    {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
            values.insert(setting.key, (value, Origin::Variable(name)));
        } else {
            let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
            mistakes.push(unknown(
                &name,
                known.iter().map(String::as_str),
                format!("environment variable {name}"),
            ));
        }
    }
    for flag in flags {
        match flag.split_once('=') {
            Some((key, value)) => set(
                key,
                value.to_owned(),
                Origin::Flag("--set"),
                &mut values,
                &mut mistakes,
            ),
            None => mistakes.push(Mistake {
                place: "flag --set".to_owned(),
                sentence: format!("{flag:?} has no `=`; write KEY=VALUE"),
            }),
        }
    }
    for Shorthand { flag, key, value } in shorthands {
        set(key, value, Origin::Flag(flag), &mut values, &mut mistakes);
    }
    if mistakes.is_empty() {
        Ok(Gathered(values))
    } else {
        Err(Mistakes(mistakes))
    }
}

fn set(
    key: &str,
    value: String,
    origin: Origin,
    values: &mut BTreeMap<&'static str, (String, Origin)>,
    mistakes: &mut Vec<Mistake>,
) {
    match Setting::find(key) {
        Some(setting) => drop(values.insert(setting.key, (value, origin))),
        None => mistakes.push(unknown(
            key,
            SETTINGS.iter().map(|setting| setting.key),
            origin.to_string(),
        )),
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>, place: String) -> Mistake {
    let sentence = match nearest(name, known) {
        Some(near) => format!("there is no setting {name}; did you mean {near}?"),
        None => format!("there is no setting {name}"),
    };
    Mistake { place, sentence }
}

fn from_file(
    path: &Path,
    values: &mut BTreeMap<&'static str, (String, Origin)>,
    mistakes: &mut Vec<Mistake>,
) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let sentence = format!(
                "the file cannot be read: {error}; check the path given with --config or PIPEWRIGHT_CONFIG"
            );
            mistakes.push(Mistake {
                place: path.display().to_string(),
                sentence,
            });
            return;
        }
    };
    let place = |offset: usize| {
        let before = &text[..offset.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Origin::File(path.to_owned(), line, column)
    };
    let table = match toml::de::DeTable::parse(&text) {
        Ok(table) => table,
        Err(error) => {
            let place = place(error.span().map_or(0, |span| span.start)).to_string();
            mistakes.push(Mistake {
                place,
                sentence: format!("this is not TOML: {}", error.message()),
            });
            return;
        }
    };
    for (topic, section) in table.get_ref() {
        let toml::de::DeValue::Table(section) = section.get_ref() else {
            let sentence = format!(
                "{} is outside a section; put it under its [topic]",
                topic.get_ref()
            );
            mistakes.push(Mistake {
                place: place(topic.span().start).to_string(),
                sentence,
            });
            continue;
        };
        for (name, value) in section {
            let key = format!("{}.{}", topic.get_ref(), name.get_ref());
            let origin = place(name.span().start);
            let text = match value.get_ref() {
                toml::de::DeValue::String(text) => text.to_string(),
                toml::de::DeValue::Integer(number) => number.to_string(),
                toml::de::DeValue::Boolean(truth) => truth.to_string(),
                other => {
                    let sentence = format!(
                        "{key} is of type {}; it accepts text, a whole number, true or false",
                        other.type_str()
                    );
                    mistakes.push(Mistake {
                        place: origin.to_string(),
                        sentence,
                    });
                    continue;
                }
            };
            set(&key, text, origin, values, mistakes);
        }
    }
}
