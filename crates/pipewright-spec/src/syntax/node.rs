//! The tree.

/// Where a value is written, in bytes of the source, and where it is used if an alias or a merge key brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) via: Option<(u32, u32)>,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A scalar with its text: for anything but text, as written in the source.
    Scalar(Kind, String),
    List(Vec<Node>),
    /// In the order of the file, merged entries last; no two with the same key.
    Map(Vec<Entry>),
}

/// What YAML takes a scalar for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Flag(bool),
    Number,
    Text,
    /// A template that was given its value: text, number or boolean, whichever is wanted.
    Filled,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Kind::Null, _))
    }

    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a key, not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
            .filter(|node| !node.is_null())
    }

    /// What it is, for a message.
    pub(crate) const fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(Kind::Null, _) => "empty",
            Value::Scalar(Kind::Flag(_), _) => "a boolean",
            Value::Scalar(Kind::Number, _) => "a number",
            Value::Scalar(Kind::Text | Kind::Filled, _) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// True if some text in it holds a `${{ NAME }}` template.
    pub(crate) fn has_template(&self) -> bool {
        match &self.value {
            Value::Scalar(_, text) => text.contains("${{"),
            Value::List(items) => items.iter().any(Self::has_template),
            Value::Map(entries) => entries.iter().any(|entry| entry.value.has_template()),
        }
    }
}
