//! Problems as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), the form that code hosts and editors
//! read. Columns count Unicode code points, as our places do, and the log says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pipewright_spec::diagnostic::Code;
use pipewright_spec::{Diagnostic, Severity, Span};
use serde_json::{Value, json};

use super::{Checked, Found};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The whole log: one run over all files.
pub(super) fn log(checked: &[Checked]) -> Value {
    let rules = Rules::of(checked);
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for file in checked {
        match &file.found {
            Ok(found) => results.extend(found.diagnostics.iter().map(|problem| result(problem, &file.name, found, &rules))),
            Err(error) => notifications.push(json!({
                "level": "error",
                "message": { "text": format!("{}: {error}", file.name) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&file.name) } } }],
            })),
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "pipewright", "version": env!("CARGO_PKG_VERSION"), "rules": rules.as_json() } },
            "invocations": [{ "executionSuccessful": notifications.is_empty(), "toolExecutionNotifications": notifications }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// The kinds of problems that occur, each with its place in the list.
struct Rules(BTreeMap<String, usize>);

impl Rules {
    fn of(checked: &[Checked]) -> Self {
        let all = checked
            .iter()
            .filter_map(|file| file.found.as_ref().ok())
            .flat_map(|found| &found.diagnostics);
        let codes: std::collections::BTreeSet<String> =
            all.map(|problem| problem.code.to_string()).collect();
        Self(
            codes
                .into_iter()
                .enumerate()
                .map(|(place, code)| (code, place))
                .collect(),
        )
    }

    fn as_json(&self) -> Vec<Value> {
        // A map of strings and their order are the same here, so the list is in the order of the places.
        self.0
            .keys()
            .map(|id| {
                let meaning = Code::ALL
                    .iter()
                    .find(|code| code.as_str() == id)
                    .map_or("", |code| code.meaning());
                json!({ "id": id, "shortDescription": { "text": meaning } })
            })
            .collect()
    }
}

fn result(problem: &Diagnostic, name: &str, found: &Found, rules: &Rules) -> Value {
    let text = match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
    };
    let name = problem.file.as_deref().unwrap_or(name);
    let source = problem
        .file
        .as_deref()
        .map_or(found.source.as_str(), |file| {
            found.brought.text(file).unwrap_or("")
        });
    let mut result = json!({
        "ruleId": problem.code,
        "ruleIndex": rules.0.get(&*problem.code),
        "level": match problem.severity {
            Severity::Error | Severity::Unsupported => "error",
            Severity::Warning => "warning",
        },
        "message": { "text": text },
        "locations": [location(name, problem.primary, source)],
    });
    if !problem.labels.is_empty() {
        let related = problem.labels.iter().enumerate().map(|(place, label)| {
            let mut location = location(name, label.span, source);
            location["id"] = json!(place + 1);
            location["message"] = json!({ "text": label.text });
            location
        });
        result["relatedLocations"] = related.collect();
    }
    if !problem.path.is_empty() {
        result["locations"][0]["logicalLocations"] =
            json!([{ "fullyQualifiedName": problem.path }]);
    }
    result
}

fn location(name: &str, span: Span, source: &str) -> Value {
    let marked = source.get(span.start..span.end).unwrap_or("");
    let lines = marked.matches('\n').count();
    let last = marked.rsplit('\n').next().unwrap_or("").chars().count();
    // SARIF's end column is that of the character after the last.
    let end_column = if lines == 0 {
        span.column as usize + last
    } else {
        last + 1
    };
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(name) },
            "region": { "startLine": span.line, "startColumn": span.column, "endLine": span.line as usize + lines, "endColumn": end_column },
        },
    })
}

/// A path as a URI reference: relative ones stay relative, so that they are looked up in the repository.
fn uri(name: &str) -> String {
    let mut uri = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.strip_prefix("./").unwrap_or(name).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use pipewright_spec::Span;

    use super::{location, uri};

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./a b/ü.yml"), "a%20b/%C3%BC.yml");
        assert_eq!(uri("/tmp/x.yml"), "file:///tmp/x.yml");
    }

    #[test]
    fn places_end_after_their_last_character() {
        let source = "é: [a,\n  bc]\n";
        let at = |start: usize, end: usize, line, column| {
            let span = Span {
                line,
                column,
                start,
                end,
            };
            let region = location("f", span, source)["physicalLocation"]["region"].clone();
            [
                &region["startLine"],
                &region["startColumn"],
                &region["endLine"],
                &region["endColumn"],
            ]
            .map(|number| number.as_u64().expect("a number"))
        };
        assert_eq!(at(0, 2, 1, 1), [1, 1, 1, 2]);
        assert_eq!(at(4, 13, 1, 4), [1, 4, 2, 6]);
    }
}
