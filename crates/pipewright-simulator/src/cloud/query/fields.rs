//! `fields`: partial answers, cut out of whatever JSON a handler gave.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::Value;

/// A middleware that applies `fields` to successful JSON answers.
pub(in crate::cloud) async fn partial_response(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let fields = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "fields")
        .map(|(_, value)| value.into_owned());
    let response = next.run(request).await;
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let (Some(fields), true) = (fields, json && response.status() == StatusCode::OK) else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    // Handlers hold their answers in memory already, so there is no limit to set.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(document) => Body::from(select(&document, &fields).to_string()),
        Err(_) => Body::from(bytes),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

/// Plain names keep only themselves; `-name` takes away; `+name` adds to what is there by default, which is everything
/// here already.
fn select(document: &Value, fields: &str) -> Value {
    let names: Vec<&str> = fields
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let only: Vec<Vec<&str>> = names
        .iter()
        .filter(|name| !name.starts_with(['+', '-', ' ']))
        .map(|name| name.split('.').collect())
        .collect();
    let mut result = if only.is_empty() {
        document.clone()
    } else {
        keep(document, &only)
    };
    for name in names.iter().filter_map(|name| name.strip_prefix('-')) {
        remove(&mut result, &name.split('.').collect::<Vec<_>>());
    }
    result
}

fn keep(value: &Value, paths: &[Vec<&str>]) -> Value {
    if paths.iter().any(|path| path.is_empty() || path == &["*"]) {
        return value.clone();
    }
    match value {
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .map(|element| keep(element, paths))
                .collect(),
        ),
        Value::Object(members) => {
            let kept = members.iter().filter_map(|(name, member)| {
                let below: Vec<Vec<&str>> = paths
                    .iter()
                    .filter(|path| path[0] == name || path[0] == "*")
                    .map(|path| path[1..].to_vec())
                    .collect();
                (!below.is_empty()).then(|| (name.clone(), keep(member, &below)))
            });
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

fn remove(value: &mut Value, path: &[&str]) {
    match (value, path) {
        (Value::Array(elements), _) => elements
            .iter_mut()
            .for_each(|element| remove(element, path)),
        (Value::Object(members), [name]) => {
            members.remove(*name);
        }
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(member) = members.get_mut(*name) {
                remove(member, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_names_keep_only_themselves_also_inside_lists() {
        let document = json!({ "next": "n", "size": 2, "values": [{ "name": "a", "target": { "hash": "1", "date": "d" } }] });
        let kept = select(&document, "next,values.name,values.target.hash");
        assert_eq!(
            kept,
            json!({ "next": "n", "values": [{ "name": "a", "target": { "hash": "1" } }] })
        );
    }

    #[test]
    fn a_minus_takes_away_and_a_plus_keeps_the_rest() {
        let document = json!({ "a": 1, "values": [{ "b": 2, "c": 3 }] });
        assert_eq!(
            select(&document, "-values.b"),
            json!({ "a": 1, "values": [{ "c": 3 }] })
        );
        assert_eq!(select(&document, "+values.c"), document);
    }
}
