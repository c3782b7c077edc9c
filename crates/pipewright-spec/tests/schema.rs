//! Wrong values at every place of a file that uses the whole language, judged by the published schema and by our check.
//!
//! What the schema accepts must be no error for us; what it refuses we must at least explain. The differences are
//! listed with their reasons.

#[path = "common/promises.rs"]
mod promises;
#[path = "schema/validator.rs"]
mod validator;
#[path = "common/workers.rs"]
mod workers;

use std::path::Path;

use promises::keeps_its_promises;
use serde_json::{Value, json};
use validator::Schema;
use workers::share;

/// Where the schema accepts what we refuse.
const STRICTER: &[(&str, &str)] = &[
    (
        "PW0102",
        "the schema requires no `script`, no image of a service and no `custom`; nothing could run",
    ),
    (
        "PW0105",
        "the schema takes a step of a group or stage that is an empty mapping",
    ),
    (
        "PW0115",
        "the schema takes an item that is an empty mapping",
    ),
    (
        "PW0120",
        "the schema does not know which services are defined",
    ),
    (
        "PW0122",
        "the schema does not know which pipelines there are",
    ),
    (
        "PW0124",
        "the schema does not compare a default with its allowed values",
    ),
    ("PW0130", "the schema takes any text for a pattern"),
    (
        "PW0132",
        "the schema does not know which import sources are defined, and takes any text for one",
    ),
    (
        "PW0107",
        "the schema has no lower bound for users, processors and memory",
    ),
    (
        "PW0100",
        "texts that are blank; and what the schema leaves open, such as `labels`, `config` and `imports`",
    ),
];

/// Where the schema refuses what we accept without a word, by a part of the path.
const LOOSER: &[(&str, &str)] = &[
    (
        "variables",
        "an empty variable of a pipe or service is the empty text; a pipe's mapping arrives as JSON",
    ),
    (
        "input-variables",
        "an empty one is the empty text, and none are none",
    ),
    ("condition", "a rule's condition may be the word true"),
    (
        "agents",
        "the hosted assistants are not read: a step that uses one is refused",
    ),
    (
        "agentic",
        "a task for a hosted assistant is refused when it is planned, whatever it says",
    ),
];

/// Keys of the schema that no pipeline file has: what a provider of dynamic pipelines is told.
const NOT_IN_FILES: &[&str] = &[
    "parent_pipeline_run_uuid",
    "parent_pipeline_uuid",
    "parent_step_uuid",
    "scope",
    "value",
];

/// Every key that the schema knows.
fn keys(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|inner| keys(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| keys(inner, found)),
        _ => {}
    }
}

fn wrong_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(7),
        json!(0),
        json!(1.5),
        json!("text"),
        json!(""),
        json!([]),
        json!(["x"]),
        json!([null]),
        json!({}),
        json!({"x": "y"}),
    ]
}

/// Paths to every value of a document.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    if !path.is_empty() {
        found.push(path.to_owned());
    }
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| places(item, &format!("{path}/{index}"), found)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, item)| places(item, &format!("{path}/{}", escaped(key)), found)),
        _ => {}
    }
}

fn whole() -> Value {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/whole.yml"),
    )
    .expect("the document");
    serde_saphyr::from_str(&text).expect("YAML")
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn wrong_values_everywhere() {
    let base = whole();
    let parsed = keeps_its_promises("whole.yml", base.to_string().as_bytes());
    assert_eq!(parsed.diagnostics, [], "the document itself is right");

    let schema = std::env::var_os("PIPEWRIGHT_SHARED").map(|shared| {
        let text = std::fs::read_to_string(
            Path::new(&shared).join("specs/bitbucket-pipelines.schema.json"),
        )
        .expect("the schema");
        Schema(serde_json::from_str(&text).expect("JSON"))
    });
    match &schema {
        None => eprintln!(
            "not compared with the schema: PIPEWRIGHT_SHARED does not name the directory with specs"
        ),
        Some(schema) => {
            assert!(
                schema.accepts(&base),
                "the document is right for the schema too"
            );
            let mut known = std::collections::BTreeSet::new();
            keys(&schema.0, &mut known);
            let mut places_of_document = Vec::new();
            places(&base, "", &mut places_of_document);
            let has = |key: &str| {
                places_of_document
                    .iter()
                    .any(|place| place.rsplit('/').next() == Some(key))
            };
            let missing: Vec<_> = known
                .iter()
                .filter(|key| !has(key) && !NOT_IN_FILES.contains(&key.as_str()))
                .collect();
            assert!(
                missing.is_empty(),
                "the document lacks keys of the schema: {missing:?}"
            );
        }
    }

    let mut paths = Vec::new();
    places(&base, "", &mut paths);
    assert!(paths.len() > 200, "{} places", paths.len());
    let judged = share(&paths, |path| {
        let mut differences = Vec::new();
        let mut reasons = Vec::new();
        for wrong in wrong_values() {
            let mut document = base.clone();
            *document.pointer_mut(path).expect("a place") = wrong.clone();
            let parsed = keeps_its_promises("wrong.yml", document.to_string().as_bytes());
            let Some(schema) = &schema else { continue };
            let errors: Vec<&str> = parsed
                .diagnostics
                .iter()
                .filter(|problem| problem.is_fatal())
                .map(|problem| &*problem.code)
                .collect();
            if schema.accepts(&document) {
                for code in errors {
                    match STRICTER.iter().find(|(known, _)| *known == code) {
                        Some((known, _)) => reasons.push(*known),
                        None => differences.push(format!(
                            "{path} = {wrong}: the schema accepts it, we say {code}"
                        )),
                    }
                }
            } else if parsed.diagnostics.is_empty() {
                match LOOSER
                    .iter()
                    .find(|(part, _)| path.split('/').any(|piece| piece == *part))
                {
                    Some((part, _)) => reasons.push(*part),
                    None => differences.push(format!(
                        "{path} = {wrong}: the schema refuses it, we say nothing"
                    )),
                }
            }
        }
        (differences, reasons)
    });
    let (differences, reasons): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    let differences = differences.concat();
    let reasons_used: std::collections::BTreeSet<&str> = reasons.into_iter().flatten().collect();
    if schema.is_some() {
        let listed = STRICTER.iter().chain(LOOSER).map(|(name, _)| *name);
        let unused: Vec<_> = listed.filter(|name| !reasons_used.contains(name)).collect();
        assert!(
            unused.is_empty(),
            "listed as a difference, but none was found: {unused:?}"
        );
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
