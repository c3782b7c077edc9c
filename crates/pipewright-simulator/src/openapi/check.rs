//! Whole requests and whole answers against a document.
//!
//! Known errors of the document ([`super::deviations`]) are taken out here; everything else becomes a [`Finding`].

use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    deviations::{Allowance, DEVIATIONS},
    document::{Document, Operation},
    schema::{Direction, Rule, mismatches},
};
use crate::{installation::Product, record::Exchange};

/// One thing that does not agree with the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The operation, or method and path when the document knows none.
    pub operation: String,
    /// What differs: `path`, `query`, `status`, or a JSON pointer into the body.
    pub place: String,
    /// What is wrong, as the rest of a sentence about the place.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} {}",
            self.operation, self.place, self.text
        )
    }
}

/// Everything found in one or several exchanges; prints one finding a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, operation: &str, place: impl Into<String>, text: impl Into<String>) {
        self.0.push(Finding {
            operation: operation.to_owned(),
            place: place.into(),
            text: text.into(),
        });
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|finding| writeln!(formatter, "{finding}"))
    }
}

impl Document {
    /// Checks that the document knows a request: its path, its query names, its JSON body.
    ///
    /// Paths outside the REST API (git, OAuth, pages) are none of the document's business and always pass.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        body: Option<&Value>,
    ) -> Findings {
        let mut findings = Findings::default();
        let Some(operation) = self.find(method, path, &mut findings) else {
            return findings;
        };
        let name = operation.name();
        for parameter in query_names(query) {
            let known = self
                .query_parameters(operation)
                .any(|known| known == parameter)
                || self.allowed(
                    &name,
                    |allows| matches!(allows, Allowance::Query(known) if *known == parameter),
                );
            if !known {
                findings.add(
                    &name,
                    "query",
                    format!("`{parameter}` is not a parameter of the document"),
                );
            }
        }
        let described = operation
            .body
            .get("requestBody")
            .map(|body| self.resolve(body));
        if let (Some(body), Some(schema)) = (body, described.and_then(json_schema)) {
            self.judge(&name, schema, body, Direction::Request, &mut findings);
        }
        findings
    }

    /// Checks that the document lists an answer's status and describes its JSON body.
    ///
    /// Refusals (401, 403, 429) and failures (5xx) can meet any call and pass unlisted; their bodies are judged as the
    /// product's error type.
    pub fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: Option<&Value>,
    ) -> Findings {
        let mut findings = Findings::default();
        let Some(operation) = self.find(method, path, &mut findings) else {
            return findings;
        };
        let name = operation.name();
        let Some(listed) = self.listed_answer(operation, &name, status) else {
            let refusal = matches!(status, 401 | 403 | 429 | 500..=599);
            if refusal {
                if let Some(body) = body {
                    self.judge(
                        &name,
                        self.error_schema(),
                        body,
                        Direction::Answer,
                        &mut findings,
                    );
                }
            } else {
                findings.add(
                    &name,
                    "status",
                    format!("{status} is not listed by the document"),
                );
            }
            return findings;
        };
        match (json_schema(listed), body) {
            (Some(schema), Some(body)) => {
                self.judge(&name, schema, body, Direction::Answer, &mut findings);
            }
            (Some(_), None) if self.allowed(&name, |allows| *allows == Allowance::OtherBody) => {}
            (Some(_), None) => findings.add(&name, "body", format!("is missing from the {status}")),
            (None, Some(_))
                if !listed.is_null() && listed.get("content").is_none() && status < 300 =>
            {
                findings.add(
                    &name,
                    "body",
                    format!("is there, the document describes none for {status}"),
                );
            }
            (None, _) => {}
        }
        findings
    }

    /// Checks both halves of a recorded exchange.
    pub fn check_exchange(&self, exchange: &Exchange) -> Findings {
        let Exchange {
            method,
            path,
            query,
            ..
        } = exchange;
        let mut findings =
            self.check_request(method, path, query.as_deref(), exchange.request.as_ref());
        // An unknown path is said once, not once per half.
        let answered = self
            .check_answer(method, path, exchange.status, exchange.answer.as_ref())
            .0;
        let news: Vec<Finding> = answered
            .into_iter()
            .filter(|finding| !findings.0.contains(finding))
            .collect();
        findings.0.extend(news);
        findings
    }

    /// Checks both halves of many recorded exchanges.
    pub fn check_exchanges(&self, exchanges: &[Exchange]) -> Findings {
        Findings(
            exchanges
                .iter()
                .flat_map(|exchange| self.check_exchange(exchange).0)
                .collect(),
        )
    }

    /// Checks the requests alone: what a client's tests say about everything that their client asked.
    pub fn check_requests(&self, exchanges: &[Exchange]) -> Findings {
        let check = |exchange: &Exchange| {
            self.check_request(
                &exchange.method,
                &exchange.path,
                exchange.query.as_deref(),
                exchange.request.as_ref(),
            )
        };
        Findings(
            exchanges
                .iter()
                .flat_map(|exchange| check(exchange).0)
                .collect(),
        )
    }

    fn find(&self, method: &str, path: &str, findings: &mut Findings) -> Option<Operation<'_>> {
        let api_path = self.api_path(path)?;
        let operation = self.operation(method, &api_path);
        if operation.is_none() {
            let name = format!(
                "{method} {}",
                if api_path.starts_with('/') {
                    api_path
                } else {
                    format!("/{api_path}")
                }
            );
            if !self.allowed(&name, |allows| *allows == Allowance::Path) {
                findings.add(&name, "path", "is not known to the document");
            }
        }
        operation
    }

    /// The description of the answer for `status`, directly, by a known deviation, or by `default`.
    fn listed_answer<'d>(
        &'d self,
        operation: Operation<'d>,
        name: &str,
        status: u16,
    ) -> Option<&'d Value> {
        let answers = operation.body.get("responses")?;
        let direct = answers.get(status.to_string());
        let stand_in = DEVIATIONS
            .iter()
            .filter(|known| known.product == self.product && known.covers(name))
            .find_map(|known| match known.allows {
                Allowance::Status(seen, read_as) if seen == status => Some(read_as),
                _ => None,
            });
        let answer = match (direct, stand_in) {
            (Some(answer), _) => Some(answer),
            (None, Some(Some(read_as))) => answers.get(read_as.to_string()),
            (None, Some(None)) => Some(&Value::Null),
            (None, None) if status >= 400 => answers.get("default"),
            // A few operations list nothing but `default`, which describes their errors.
            (None, None) => lists_no_success(answers).then_some(&Value::Null),
        };
        answer.map(|answer| self.resolve(answer))
    }

    fn query_parameters<'d>(&'d self, operation: Operation<'d>) -> impl Iterator<Item = &'d str> {
        [operation.path_item, operation.body]
            .into_iter()
            .filter_map(|holder| holder.get("parameters")?.as_array())
            .flatten()
            .map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"))
            .filter_map(|parameter| parameter.get("name")?.as_str())
    }

    fn error_schema(&self) -> &Value {
        let pointer = match self.product {
            Product::Cloud => "/components/schemas/error",
            Product::Datacenter => "/components/schemas/RestErrors",
        };
        self.root.pointer(pointer).unwrap_or(&Value::Null)
    }

    fn judge(
        &self,
        name: &str,
        schema: &Value,
        body: &Value,
        direction: Direction,
        findings: &mut Findings,
    ) {
        for mismatch in mismatches(self, schema, body, direction) {
            let known = self.allowed(name, |allows| match allows {
                Allowance::Broken(rule, place) => {
                    *rule == mismatch.rule && ends_with(&mismatch.place, place)
                }
                Allowance::Unsent(name) => {
                    direction == Direction::Request
                        && mismatch.rule == Rule::Required
                        && ends_with(&mismatch.place, name)
                }
                _ => false,
            });
            if !known {
                findings.add(
                    name,
                    format!("/{}", mismatch.place.join("/")),
                    mismatch.text,
                );
            }
        }
    }

    fn allowed(&self, name: &str, fits: impl Fn(&Allowance) -> bool) -> bool {
        DEVIATIONS
            .iter()
            .any(|known| known.product == self.product && known.covers(name) && fits(&known.allows))
    }
}

fn lists_no_success(answers: &Value) -> bool {
    answers
        .as_object()
        .is_some_and(|answers| !answers.keys().any(|status| status.starts_with('2')))
}

/// The schema of the JSON among the media types of a request or an answer.
fn json_schema(holder: &Value) -> Option<&Value> {
    let (_, media) = holder
        .get("content")?
        .as_object()?
        .iter()
        .find(|(kind, _)| kind.starts_with("application/json"))?;
    media.get("schema")
}

fn query_names(query: Option<&str>) -> impl Iterator<Item = String> {
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let name = pair.split('=').next().unwrap_or(pair);
            percent_decode_str(name).decode_utf8_lossy().into_owned()
        })
}

/// Whether a place ends in `pattern`, whose segments may be `*`.
fn ends_with(place: &[String], pattern: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('/').collect();
    place.len() >= wanted.len()
        && place[place.len() - wanted.len()..]
            .iter()
            .zip(wanted)
            .all(|(have, want)| want == "*" || have == want)
}
