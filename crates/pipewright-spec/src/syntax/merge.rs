//! Turns what the reader gave into the tree: merge keys are expanded, duplicate keys settled, scalars given their text.
//!
//! The rules of `<<`: the mapping's own keys win wherever `<<` stands; the value is a mapping or a list of mappings, of
//! which the earlier wins. A list is common in real files because `- <<: *list` copies a list's one entry.

use std::collections::HashMap;

use super::node::{Entry, Kind, Node, Place, Value};
use super::raw::{Raw, RawKind};
use super::source::Source;
use crate::diagnostic::{Code, Collected, Diagnostic, Severity, shown};
use crate::limits::MAX_MERGED_VALUES;

pub(super) struct Builder<'a> {
    source: &'a Source,
    diagnostics: &'a mut Collected,
    merged: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Source, diagnostics: &'a mut Collected) -> Self {
        Self {
            source,
            diagnostics,
            merged: 0,
        }
    }

    /// The tree, or the problem that it is too large.
    pub(super) fn build(&mut self, raw: Raw) -> Result<Node, Box<Diagnostic>> {
        let mut place = raw.place;
        let value = match raw.kind {
            RawKind::Text(text) => Value::Scalar(Kind::Text, self.without_nul(text, place)),
            RawKind::Scalar(kind) => {
                if place.end <= place.start {
                    place = self.whole_line(place);
                    return Ok(Node {
                        place,
                        value: Value::Scalar(kind, String::new()),
                    });
                }
                let text = self.source.text_of(place).trim_end();
                Value::Scalar(kind, text.to_owned())
            }
            RawKind::List(items) => {
                place = self.first_line(place);
                Value::List(
                    items
                        .into_iter()
                        .map(|item| self.build(item))
                        .collect::<Result<_, _>>()?,
                )
            }
            RawKind::Map(entries) => {
                place = self.first_line(place);
                Value::Map(self.map(entries)?)
            }
        };
        Ok(Node { place, value })
    }

    fn map(&mut self, raw: Vec<(Raw, Raw)>) -> Result<Vec<Entry>, Box<Diagnostic>> {
        let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
        let mut at: HashMap<String, usize> = HashMap::with_capacity(raw.len());
        let mut merges: Vec<(Place, Node)> = Vec::new();
        for (key, value) in raw {
            let key_place = key.place;
            let (key, is_text) = self.key(key);
            let value = self.build(value)?;
            if is_text && key == "<<" {
                merges.push((key_place, value));
                continue;
            }
            if let Some(index) = at.get(&key) {
                let earlier = &mut entries[*index];
                if self.diagnostics.has_room() {
                    let message = format!(
                        "the key {} is given twice; the last one counts",
                        shown(&key)
                    );
                    let problem = Diagnostic::new(
                        Severity::Warning,
                        Code::DuplicateKey,
                        message,
                        self.source.defined(key_place),
                    )
                    .with_help("remove one of them, or give it another name")
                    .with_label(self.source.defined(earlier.key_place), "first given here");
                    self.diagnostics.push(Code::DuplicateKey, problem);
                } else {
                    self.diagnostics.skip(Severity::Warning);
                }
                *earlier = Entry {
                    key,
                    key_place,
                    value,
                };
            } else {
                at.insert(key.clone(), entries.len());
                entries.push(Entry {
                    key,
                    key_place,
                    value,
                });
            }
        }
        for (place, value) in merges {
            self.merge(place, &value, &mut entries, &mut at)?;
        }
        Ok(entries)
    }

    fn merge(
        &mut self,
        merge_key: Place,
        value: &Node,
        entries: &mut Vec<Entry>,
        at: &mut HashMap<String, usize>,
    ) -> Result<(), Box<Diagnostic>> {
        match &value.value {
            Value::Map(merged) => {
                let site = value.place.via.unwrap_or((merge_key.start, merge_key.end));
                for entry in merged {
                    if at.contains_key(&entry.key) {
                        continue;
                    }
                    self.merged += size(&entry.value);
                    if self.merged > MAX_MERGED_VALUES {
                        let message = format!(
                            "merge keys (`<<`) copy more than {MAX_MERGED_VALUES} values into this file"
                        );
                        let problem = Diagnostic::new(
                            Severity::Error,
                            Code::TooComplex,
                            message,
                            self.source.defined(merge_key),
                        )
                        .with_help("use fewer merge keys, or split the file");
                        return Err(Box::new(problem));
                    }
                    at.insert(entry.key.clone(), entries.len());
                    let mut entry = entry.clone();
                    entry.key_place.via.get_or_insert(site);
                    entries.push(entry);
                }
            }
            Value::List(items) => {
                for item in items {
                    if matches!(item.value, Value::Map(_)) {
                        self.merge(merge_key, item, entries, at)?;
                    } else {
                        self.refuse(merge_key, item);
                    }
                }
            }
            // `<<:` with nothing merges nothing.
            Value::Scalar(Kind::Null, _) => {}
            Value::Scalar(..) => self.refuse(merge_key, value),
        }
        Ok(())
    }

    fn refuse(&mut self, merge_key: Place, value: &Node) {
        if !self.diagnostics.has_room() {
            self.diagnostics.skip(Severity::Error);
            return;
        }
        let message = format!(
            "the merge key `<<` needs a mapping or a list of mappings, but this is {}",
            value.kind()
        );
        let problem = Diagnostic::new(
            Severity::Error,
            Code::BadMerge,
            message,
            self.source.defined(value.place),
        )
        .with_label(self.source.defined(merge_key), "merged here")
        .with_help(
            "use the value itself instead of `<<`: for text `- *alias`, for a mapping `<<: *alias`",
        );
        self.diagnostics.push(Code::BadMerge, problem);
    }

    /// A key's text, and whether it was written as text. Keys that are lists or mappings become their source text,
    /// which no property has, so that they are reported as unknown.
    fn key(&mut self, raw: Raw) -> (String, bool) {
        match raw.kind {
            RawKind::Text(text) => (self.without_nul(text, raw.place), true),
            RawKind::Scalar(_) => (self.source.text_of(raw.place).trim().to_owned(), false),
            RawKind::List(_) | RawKind::Map(_) => (
                self.source
                    .text_of(self.first_line(raw.place))
                    .trim()
                    .to_owned(),
                false,
            ),
        }
    }

    /// NUL is refused, and replaced so that nothing later holds it, problems that quote it neither: PostgreSQL keeps none, and
    /// no variable and no argument of a program can hold it. The text itself has none any more, so an escape made it.
    fn without_nul(&mut self, text: String, place: Place) -> String {
        if !text.contains('\0') {
            return text;
        }
        if self.diagnostics.has_room() {
            let message = "this text holds the character NUL (U+0000), which no script, name or variable can hold";
            let problem = Diagnostic::new(Severity::Error, Code::ControlCharacter, message, self.source.defined(place)).with_help(
                "remove its escape (`\\0`, `\\x00` or `\\u0000`), or write it with two backslashes where a backslash and digits are meant",
            );
            self.diagnostics.push(Code::ControlCharacter, problem);
        } else {
            self.diagnostics.skip(Severity::Error);
        }
        text.replace('\0', "\u{fffd}")
    }

    /// A value that is not there is marked by the line it is missing from.
    fn whole_line(&self, place: Place) -> Place {
        let line = self.source.line(place.start);
        let text = self.source.line_text(line);
        let start = self.source.line_start(line) + (text.len() - text.trim_start().len()) as u32;
        Place {
            start,
            end: start + text.trim().len() as u32,
            ..place
        }
    }

    /// The reader places a list or mapping at its first character; what is marked is the rest of that line.
    fn first_line(&self, place: Place) -> Place {
        let line = self.source.line(place.start);
        let end =
            self.source.line_start(line) as usize + self.source.line_text(line).trim_end().len();
        let rest = self
            .source
            .text
            .get(place.start as usize..end)
            .unwrap_or("");
        let length = bracketed(rest).unwrap_or(rest.len());
        Place {
            end: place.start + length as u32,
            ..place
        }
    }
}

/// The length of a `[…]` or `{…}` that ends on its line. Quotes are not looked at: this only bounds what is marked.
fn bracketed(text: &str) -> Option<usize> {
    if !text.starts_with(['[', '{']) {
        return None;
    }
    let mut depth = 0_u32;
    for (offset, byte) in text.bytes().enumerate().take(200) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(offset + 1);
        }
    }
    None
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(..) => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}
