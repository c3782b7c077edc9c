//! A JSON value against a schema of the document.
//!
//! Covers what the two documents use: references, types, formats, enums, limits, patterns, required properties,
//! arrays, additional properties, `allOf`, `anyOf`, `oneOf`. Each mismatch becomes a [`Mismatch`] with its place, so
//! that known errors of a document can be told from news.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    document::Document,
    formats::{format_holds, integer_holds, pattern_holds},
};

/// Which way a body travels: `readOnly` properties are the server's, `writeOnly` ones the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client to the server.
    Request,
    /// From the server to the client.
    Answer,
}

/// What kind of rule a value breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A `null` where the schema names a type; neither document marks anything as nullable.
    Null,
    /// Another JSON type than the schema's.
    Type,
    /// A value outside `enum`.
    Enum,
    /// A number or a length outside its limits, or an array with repeated items.
    Limit,
    /// A string that does not have the documented format or pattern.
    Format,
    /// A required property is missing.
    Required,
    /// A request carries a property that the schema does not name.
    Unknown,
    /// None (or, for `oneOf`, not exactly one) of the alternatives fits.
    Alternative,
}

#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) place: Vec<String>,
    pub(super) rule: Rule,
    pub(super) text: String,
}

/// Checks one value and returns what is wrong with it.
pub(super) fn mismatches(
    document: &Document,
    schema: &Value,
    value: &Value,
    direction: Direction,
) -> Vec<Mismatch> {
    let mut walk = Walk {
        document,
        direction,
        place: Vec::new(),
        found: Vec::new(),
    };
    walk.check(schema, value, true);
    walk.found
}

struct Walk<'d> {
    document: &'d Document,
    direction: Direction,
    place: Vec<String>,
    found: Vec<Mismatch>,
}

impl Walk<'_> {
    fn report(&mut self, rule: Rule, text: String) {
        self.found.push(Mismatch {
            place: self.place.clone(),
            rule,
            text,
        });
    }

    /// `closed` is false inside `allOf`: which properties are known is then decided over all branches together.
    fn check(&mut self, schema: &Value, value: &Value, closed: bool) {
        let schema = self.document.resolve(schema);
        let Some(rules) = schema.as_object() else {
            return;
        };
        if value.is_null() {
            if rules.get("nullable") != Some(&Value::Bool(true)) && declares_something(rules) {
                self.report(
                    Rule::Null,
                    format!("is null, the document says {}", kind_of_schema(rules)),
                );
            }
            return;
        }
        for branch in array(rules, "allOf") {
            self.check(branch, value, false);
        }
        self.alternatives(rules, value);
        if !Self::has_type(rules, value) {
            self.report(
                Rule::Type,
                format!(
                    "is {}, the document says {}",
                    kind_of(value),
                    kind_of_schema(rules)
                ),
            );
            return;
        }
        if let Some(allowed) = rules.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            self.report(
                Rule::Enum,
                format!(
                    "is {value}, the document allows {}",
                    Value::from(allowed.clone())
                ),
            );
        }
        match value {
            Value::String(text) => self.string(rules, text),
            Value::Number(_) => self.number(rules, value),
            Value::Array(items) => self.array(rules, items),
            Value::Object(properties) => self.object(schema, rules, properties, closed),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn alternatives(&mut self, rules: &Map<String, Value>, value: &Value) {
        for (word, exactly_one) in [("anyOf", false), ("oneOf", true)] {
            let branches = array(rules, word);
            if branches.is_empty() {
                continue;
            }
            let fitting = branches
                .iter()
                .filter(|branch| {
                    mismatches(self.document, branch, value, self.direction).is_empty()
                })
                .count();
            if fitting == 0 || (exactly_one && fitting > 1) {
                self.report(
                    Rule::Alternative,
                    format!("fits {fitting} of the alternatives of {word}"),
                );
            }
        }
    }

    fn has_type(rules: &Map<String, Value>, value: &Value) -> bool {
        match rules.get("type").and_then(Value::as_str) {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            // A schema with properties and no type is an object in all but word.
            _ => !rules.contains_key("properties") || value.is_object(),
        }
    }

    fn string(&mut self, rules: &Map<String, Value>, text: &str) {
        let length = text.chars().count() as u64;
        if limit(rules, "minLength").is_some_and(|least| length < least)
            || limit(rules, "maxLength").is_some_and(|most| length > most)
        {
            self.report(
                Rule::Limit,
                format!("has {length} characters, outside the documented limits"),
            );
        }
        if let Some(format) = rules.get("format").and_then(Value::as_str)
            && !format_holds(format, text)
        {
            self.report(Rule::Format, format!("`{text}` is not a {format}"));
        }
        if let Some(pattern) = rules.get("pattern").and_then(Value::as_str)
            && pattern_holds(pattern, text) == Some(false)
        {
            self.report(Rule::Format, format!("`{text}` does not match {pattern}"));
        }
    }

    fn number(&mut self, rules: &Map<String, Value>, value: &Value) {
        let format = rules.get("format").and_then(Value::as_str);
        let integer = rules.get("type").and_then(Value::as_str) == Some("integer");
        let number = value.as_f64().unwrap_or(f64::NAN);
        let outside = rules
            .get("minimum")
            .and_then(Value::as_f64)
            .is_some_and(|least| number < least)
            || rules
                .get("maximum")
                .and_then(Value::as_f64)
                .is_some_and(|most| number > most);
        if outside || (integer && !integer_holds(format, value)) {
            self.report(
                Rule::Limit,
                format!(
                    "{value} is outside {} or its limits",
                    format.unwrap_or("the type")
                ),
            );
        }
    }

    fn array(&mut self, rules: &Map<String, Value>, items: &[Value]) {
        let length = items.len() as u64;
        if limit(rules, "minItems").is_some_and(|least| length < least)
            || limit(rules, "maxItems").is_some_and(|most| length > most)
        {
            self.report(
                Rule::Limit,
                format!("has {length} items, outside the documented limits"),
            );
        }
        if rules.get("uniqueItems") == Some(&Value::Bool(true))
            && items
                .iter()
                .enumerate()
                .any(|(at, item)| items[..at].contains(item))
        {
            self.report(
                Rule::Limit,
                "repeats an item, the document says unique".to_owned(),
            );
        }
        if let Some(item_schema) = rules.get("items") {
            for (at, item) in items.iter().enumerate() {
                self.below(at.to_string(), |walk| walk.check(item_schema, item, true));
            }
        }
    }

    fn object(
        &mut self,
        schema: &Value,
        rules: &Map<String, Value>,
        properties: &Map<String, Value>,
        closed: bool,
    ) {
        let described = rules.get("properties").and_then(Value::as_object);
        for name in array(rules, "required").iter().filter_map(Value::as_str) {
            let ours = described
                .and_then(|all| all.get(name))
                .is_none_or(|property| self.travels(property));
            if ours && !properties.contains_key(name) {
                self.below(name.to_owned(), |walk| {
                    walk.report(
                        Rule::Required,
                        "is missing, the document requires it".to_owned(),
                    );
                });
            }
        }
        for (name, value) in properties {
            if let Some(property) = described.and_then(|all| all.get(name)) {
                self.below(name.clone(), |walk| walk.check(property, value, true));
            } else if let Some(other) = rules
                .get("additionalProperties")
                .filter(|other| other.is_object())
            {
                self.below(name.clone(), |walk| walk.check(other, value, true));
            }
        }
        if closed && self.direction == Direction::Request {
            let mut known = BTreeSet::new();
            let open = self.known_properties(schema, &mut known);
            let unknown: Vec<&String> = properties
                .keys()
                .filter(|name| !known.contains(name.as_str()))
                .collect();
            if !known.is_empty() && !open {
                for name in unknown {
                    self.below(name.clone(), |walk| {
                        walk.report(
                            Rule::Unknown,
                            "is a property that the document does not name".to_owned(),
                        );
                    });
                }
            }
        }
    }

    /// Whether a property can travel in this direction at all.
    fn travels(&self, property: &Value) -> bool {
        let word = match self.direction {
            Direction::Request => "readOnly",
            Direction::Answer => "writeOnly",
        };
        self.document.resolve(property).get(word) != Some(&Value::Bool(true))
    }

    /// Collects property names over all branches; true when a schema for further ones is given.
    ///
    /// `additionalProperties: true` does not count as open: Cloud's base type says it for every object there is.
    fn known_properties(&self, schema: &Value, known: &mut BTreeSet<String>) -> bool {
        let Some(rules) = self.document.resolve(schema).as_object() else {
            return false;
        };
        known.extend(
            rules
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Map::keys)
                .cloned(),
        );
        let mut open = rules
            .get("additionalProperties")
            .is_some_and(Value::is_object);
        for word in ["allOf", "anyOf", "oneOf"] {
            for branch in array(rules, word) {
                open |= self.known_properties(branch, known);
            }
        }
        open
    }

    fn below(&mut self, segment: String, visit: impl FnOnce(&mut Self)) {
        self.place.push(segment);
        visit(self);
        self.place.pop();
    }
}

fn declares_something(rules: &Map<String, Value>) -> bool {
    ["type", "properties", "allOf", "enum"]
        .iter()
        .any(|word| rules.contains_key(*word))
}

fn array<'v>(rules: &'v Map<String, Value>, word: &str) -> &'v [Value] {
    rules
        .get(word)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn limit(rules: &Map<String, Value>, word: &str) -> Option<u64> {
    rules.get(word).and_then(Value::as_u64)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn kind_of_schema(rules: &Map<String, Value>) -> &str {
    rules
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("object")
}
