//! The judge itself, on small documents and on the two real ones.

use serde_json::{Value, json};

use crate::installation::Product;
use crate::openapi::{Document, formats::pattern_holds, shared_directory};

fn document() -> Document {
    let root = json!({
        "paths": {
            "/api/latest/things/{id}": {
                "get": {
                    "parameters": [{ "in": "query", "name": "at" }],
                    "responses": { "200": { "content": { "application/json;charset=UTF-8": { "schema": { "$ref": "#/components/schemas/Thing" } } } } },
                },
                "put": {
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
                    "responses": { "204": {} },
                },
            },
            "/api/latest/things/special": { "get": { "responses": { "200": {} } } },
            "/api/latest/raw/{path}": { "get": { "responses": { "200": {} } } },
        },
        "components": { "schemas": {
            "Thing": { "allOf": [{ "$ref": "#/components/schemas/Base" }], "properties": {
                "kind": { "type": "string", "enum": ["A", "B"] },
                "tags": { "type": "array", "items": { "type": "string", "maxLength": 3 } },
                "at": { "type": "string", "format": "date-time" },
                "count": { "type": "integer", "format": "int32" },
                "shape": { "oneOf": [{ "type": "string" }, { "type": "object", "required": ["x"], "properties": { "x": { "type": "integer" } } }] },
            } },
            "Base": { "type": "object", "required": ["id"], "properties": { "id": { "type": "integer", "readOnly": true } }, "additionalProperties": true },
        } },
    });
    Document::from_value(Product::Datacenter, root).expect("it has paths")
}

fn places(body: &Value) -> Vec<String> {
    let findings = document().check_answer("GET", "/ctx/rest/api/1.0/things/7", 200, Some(body));
    findings
        .0
        .into_iter()
        .map(|finding| finding.place)
        .collect()
}

#[test]
fn a_good_answer_passes_and_may_say_more() {
    let body = json!({ "id": 1, "kind": "A", "tags": ["x"], "at": "2026-11-22T10:00:00Z", "count": 3, "shape": { "x": 1 }, "extra": [] });
    assert!(places(&body).is_empty());
}

#[test]
fn each_rule_is_checked_where_it_stands() {
    for (body, place) in [
        (json!({}), "/id"),
        (json!({ "id": "1" }), "/id"),
        (json!({ "id": null }), "/id"),
        (json!({ "id": 1, "kind": "C" }), "/kind"),
        (json!({ "id": 1, "tags": ["fine", "x"] }), "/tags/0"),
        (json!({ "id": 1, "tags": {} }), "/tags"),
        (json!({ "id": 1, "at": "yesterday" }), "/at"),
        (json!({ "id": 1, "count": 3_000_000_000_i64 }), "/count"),
        (json!({ "id": 1, "count": 1.5 }), "/count"),
        (json!({ "id": 1, "shape": {} }), "/shape"),
        (json!([]), "/"),
    ] {
        let found = places(&body);
        assert!(found.contains(&place.to_owned()), "{body}: {found:?}");
    }
}

#[test]
fn requests_are_closed_and_need_no_read_only_parts() {
    let check = |body: Value| {
        document().check_request("PUT", "/rest/api/latest/things/7", None, Some(&body))
    };
    assert!(check(json!({ "kind": "A" })).is_empty());
    let found = check(json!({ "knid": "A" }));
    assert_eq!(
        found.to_string(),
        "PUT /api/latest/things/{id}: /knid is a property that the document does not name\n"
    );
}

#[test]
fn paths_queries_and_statuses_must_be_listed() {
    let document = document();
    assert!(
        document
            .check_request("GET", "/rest/api/1.0/things/7", Some("at=x"), None)
            .is_empty()
    );
    assert!(
        !document
            .check_request("GET", "/rest/api/1.0/things/7", Some("a%74s=x"), None)
            .is_empty()
    );
    assert!(
        !document
            .check_request("GET", "/rest/api/1.0/things", None, None)
            .is_empty()
    );
    assert!(
        !document
            .check_request("DELETE", "/rest/api/1.0/things/7", None, None)
            .is_empty()
    );
    assert!(
        !document
            .check_answer("GET", "/rest/api/1.0/things/7", 201, None)
            .is_empty()
    );
    assert!(
        !document
            .check_answer("GET", "/rest/api/1.0/things/7", 200, None)
            .is_empty()
    );
    assert!(
        !document
            .check_answer("PUT", "/rest/api/1.0/things/7", 204, Some(&json!({})))
            .is_empty()
    );
    assert!(
        document
            .check_answer("PUT", "/rest/api/1.0/things/7", 503, None)
            .is_empty()
    );
    assert!(
        document
            .check_request("GET", "/scm/fin/ledger.git/info/refs", None, None)
            .is_empty()
    );
}

#[test]
fn the_most_literal_template_wins_and_paths_span_slashes() {
    let document = document();
    let template = |path: &str| {
        document
            .operation("GET", path)
            .map(|operation| operation.template.to_owned())
    };
    assert_eq!(
        template("/api/latest/things/special").as_deref(),
        Some("/api/latest/things/special")
    );
    assert_eq!(
        template("/api/latest/things/other").as_deref(),
        Some("/api/latest/things/{id}")
    );
    assert_eq!(
        template("/api/latest/raw/a/b/c.txt").as_deref(),
        Some("/api/latest/raw/{path}")
    );
    assert_eq!(template("/api/latest/raw"), None);
}

#[test]
fn no_real_document_has_a_pattern_or_format_that_is_not_known() {
    let Some(shared) = shared_directory() else {
        return;
    };
    for product in [Product::Cloud, Product::Datacenter] {
        let document = Document::load(product, &shared).expect("the document");
        let mut unknown = Vec::new();
        collect(&document.root, &mut unknown);
        assert!(unknown.is_empty(), "{product:?}: {unknown:?}");
    }
}

fn collect(value: &Value, unknown: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(pattern) = fields.get("pattern").and_then(Value::as_str)
                && pattern_holds(pattern, "").is_none()
            {
                unknown.push(pattern.to_owned());
            }
            fields.values().for_each(|field| collect(field, unknown));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, unknown)),
        _ => {}
    }
}
