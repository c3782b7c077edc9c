//! As much of JSON Schema (draft 7) as the published schema of pipeline files uses.

use serde_json::Value;

/// A schema document; references are looked up in it.
pub(crate) struct Schema(pub(crate) Value);

impl Schema {
    pub(crate) fn accepts(&self, document: &Value) -> bool {
        self.valid(&self.0, document)
    }

    fn valid(&self, schema: &Value, value: &Value) -> bool {
        let Some(keywords) = schema.as_object() else {
            return schema != &Value::Bool(false);
        };
        keywords
            .iter()
            .all(|(keyword, argument)| self.keyword(keyword, argument, keywords, value))
    }

    fn keyword(
        &self,
        keyword: &str,
        argument: &Value,
        all: &serde_json::Map<String, Value>,
        value: &Value,
    ) -> bool {
        let list = || argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let limit = || argument.as_f64().unwrap_or(0.0);
        let length = |value: &Value| match value {
            Value::String(text) => text.chars().count() as f64,
            Value::Array(items) => items.len() as f64,
            Value::Object(map) => map.len() as f64,
            _ => 0.0,
        };
        match keyword {
            "$ref" => {
                let pointer = argument
                    .as_str()
                    .and_then(|text| text.strip_prefix('#'))
                    .unwrap_or("");
                self.0
                    .pointer(pointer)
                    .is_none_or(|target| self.valid(target, value))
            }
            "type" => has_type(argument.as_str().unwrap_or(""), value),
            "enum" => list().contains(value),
            "oneOf" => {
                list()
                    .iter()
                    .filter(|schema| self.valid(schema, value))
                    .count()
                    == 1
            }
            "allOf" => list().iter().all(|schema| self.valid(schema, value)),
            "not" => !self.valid(argument, value),
            "properties" => value.as_object().is_none_or(|map| {
                map.iter().all(|(key, value)| {
                    argument
                        .get(key)
                        .is_none_or(|schema| self.valid(schema, value))
                })
            }),
            "additionalProperties" => value.as_object().is_none_or(|map| {
                let known = |key: &String| {
                    all.get("properties")
                        .and_then(|properties| properties.get(key))
                        .is_some()
                };
                map.iter()
                    .filter(|(key, _)| !known(key))
                    .all(|(_, value)| self.valid(argument, value))
            }),
            "required" => value.as_object().is_none_or(|map| {
                list()
                    .iter()
                    .all(|key| map.contains_key(key.as_str().unwrap_or("")))
            }),
            "items" => value
                .as_array()
                .is_none_or(|items| items.iter().all(|item| self.valid(argument, item))),
            "minItems" => !value.is_array() || length(value) >= limit(),
            "maxItems" => !value.is_array() || length(value) <= limit(),
            "minLength" => !value.is_string() || length(value) >= limit(),
            "maxLength" => !value.is_string() || length(value) <= limit(),
            "minProperties" => !value.is_object() || length(value) >= limit(),
            "maxProperties" => !value.is_object() || length(value) <= limit(),
            "minimum" => value.as_f64().is_none_or(|number| number >= limit()),
            "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > limit()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                items
                    .iter()
                    .enumerate()
                    .all(|(at, item)| !items[..at].contains(item))
            }),
            "pattern" => value
                .as_str()
                .is_none_or(|text| matches_pattern(argument.as_str().unwrap_or(""), text)),
            _ => true,
        }
    }
}

/// The patterns that the schema uses are all about imports: parts between colons, or two around an `@`.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let parts = |separator| text.split(separator).collect::<Vec<_>>();
    let filled = |parts: &[&str]| parts.iter().all(|part| !part.is_empty());
    match pattern {
        "^[^:]+:[^:]+:[^:]+$" => parts(':').len() == 3 && filled(&parts(':')),
        "^[^:]+(:[^:]+)?(:[^:]+)?$" => parts(':').len() <= 3 && filled(&parts(':')),
        "^[^@]+@[^@]+$" => parts('@').len() == 2 && filled(&parts('@')),
        _ => !text.is_empty(),
    }
}

fn has_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}
