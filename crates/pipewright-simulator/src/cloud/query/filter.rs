//! The filter language of `q`: comparisons joined by `AND` and `OR`, with parentheses.

use jiff::Timestamp;
use serde_json::Value;

/// A parsed `q`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cloud) enum Filter {
    Compare {
        field: String,
        operator: Operator,
        value: Value,
    },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloud) enum Operator {
    Equal,
    NotEqual,
    Contains,
    NotContains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    In,
    NotIn,
}

impl Filter {
    /// Reads a filter; the error names the place.
    pub(in crate::cloud) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            position: 0,
        };
        let filter = parser.or()?;
        match parser.tokens.get(parser.position) {
            None => Ok(filter),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    /// Whether a record passes; `field` gives the value at a dotted path, or null.
    pub(in crate::cloud) fn passes(&self, field: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::And(left, right) => left.passes(field) && right.passes(field),
            Self::Or(left, right) => left.passes(field) || right.passes(field),
            Self::Compare {
                field: path,
                operator,
                value,
            } => holds(&field(path), *operator, value),
        }
    }
}

/// The value at a dotted path of a JSON document.
pub(in crate::cloud) fn of_json(document: &Value, path: &str) -> Value {
    path.split('.')
        .try_fold(document, |value, name| value.get(name))
        .cloned()
        .unwrap_or(Value::Null)
}

fn holds(left: &Value, operator: Operator, right: &Value) -> bool {
    use std::cmp::Ordering;
    match operator {
        Operator::Equal => same(left, right),
        Operator::NotEqual => !same(left, right),
        Operator::Contains => contains(left, right),
        Operator::NotContains => !contains(left, right),
        Operator::In => right
            .as_array()
            .is_some_and(|values| values.iter().any(|value| same(left, value))),
        Operator::NotIn => right
            .as_array()
            .is_some_and(|values| !values.iter().any(|value| same(left, value))),
        Operator::Greater => compare(left, right) == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(
            compare(left, right),
            Some(Ordering::Greater | Ordering::Equal)
        ),
        Operator::Less => compare(left, right) == Some(Ordering::Less),
        Operator::LessOrEqual => {
            matches!(compare(left, right), Some(Ordering::Less | Ordering::Equal))
        }
    }
}

fn same(left: &Value, right: &Value) -> bool {
    left == right || compare(left, right) == Some(std::cmp::Ordering::Equal)
}

fn contains(left: &Value, right: &Value) -> bool {
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => left.to_lowercase().contains(&right.to_lowercase()),
        _ => false,
    }
}

fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => {
            match (left.parse::<Timestamp>(), right.parse::<Timestamp>()) {
                (Ok(left), Ok(right)) => Some(left.cmp(&right)),
                _ => Some(left.cmp(right)),
            }
        }
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let token = match character {
            ' ' | '\t' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Operator(Operator::Equal),
            '~' => Token::Operator(Operator::Contains),
            '!' if characters.next_if_eq(&'=').is_some() => Token::Operator(Operator::NotEqual),
            '!' if characters.next_if_eq(&'~').is_some() => Token::Operator(Operator::NotContains),
            '>' if characters.next_if_eq(&'=').is_some() => {
                Token::Operator(Operator::GreaterOrEqual)
            }
            '<' if characters.next_if_eq(&'=').is_some() => Token::Operator(Operator::LessOrEqual),
            '>' => Token::Operator(Operator::Greater),
            '<' => Token::Operator(Operator::Less),
            '"' => {
                let mut string = String::new();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => string.extend(characters.next()),
                        Some(other) => string.push(other),
                        None => return Err("a string without its closing quote".to_owned()),
                    }
                }
                Token::Text(string)
            }
            word if is_word(word) => {
                let mut name = String::from(word);
                while let Some(next) = characters.next_if(|next| is_word(*next)) {
                    name.push(next);
                }
                Token::Word(name)
            }
            other => return Err(format!("unexpected character {other:?}")),
        };
        found.push(token);
    }
    Ok(found)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | ':' | '+')
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.position), Some(Token::Word(name)) if name.eq_ignore_ascii_case(word));
        self.position += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Filter, String> {
        let mut left = self.and()?;
        while self.take_word("OR") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, String> {
        let mut left = self.comparison()?;
        while self.take_word("AND") {
            left = Filter::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Filter, String> {
        match self.next() {
            Some(Token::Open) => {
                let inner = self.or()?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    other => Err(format!("expected a closing parenthesis, not {other:?}")),
                }
            }
            Some(Token::Word(field)) => {
                let operator = if self.take_word("NOT") {
                    if !self.take_word("IN") {
                        return Err("expected IN after NOT".to_owned());
                    }
                    Operator::NotIn
                } else if self.take_word("IN") {
                    Operator::In
                } else {
                    match self.next() {
                        Some(Token::Operator(operator)) => operator,
                        other => {
                            return Err(format!(
                                "expected an operator after {field:?}, not {other:?}"
                            ));
                        }
                    }
                };
                let value = if matches!(operator, Operator::In | Operator::NotIn) {
                    self.values()?
                } else {
                    self.value()?
                };
                Ok(Filter::Compare {
                    field,
                    operator,
                    value,
                })
            }
            other => Err(format!("expected a field, not {other:?}")),
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Value::from(text)),
            Some(Token::Word(word)) => Ok(match word.as_str() {
                "null" => Value::Null,
                "true" => Value::from(true),
                "false" => Value::from(false),
                _ => word
                    .parse::<f64>()
                    .map_or_else(|_| Value::from(word), Value::from),
            }),
            other => Err(format!("expected a value, not {other:?}")),
        }
    }

    fn values(&mut self) -> Result<Value, String> {
        if self.next() != Some(Token::Open) {
            return Err("expected a list in parentheses after IN".to_owned());
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(Token::Comma) => values.push(self.value()?),
                Some(Token::Close) => return Ok(Value::Array(values)),
                other => {
                    return Err(format!(
                        "expected a comma or a closing parenthesis, not {other:?}"
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn passes(filter: &str, record: &Value) -> bool {
        Filter::parse(filter)
            .expect("it is a filter")
            .passes(&|path| of_json(record, path))
    }

    #[test]
    fn comparisons_and_precedence() {
        let record = json!({ "name": "Checkout API", "size": 7, "project": { "key": "FIN" }, "updated_on": "2026-11-22T10:00:00+00:00" });
        for (filter, expected) in [
            (r#"name ~ "check""#, true),
            (r#"name !~ "check""#, false),
            (r#"name = "checkout api""#, false),
            (r#"project.key = "FIN" AND size > 6"#, true),
            (r#"size = 1 OR size = 7 AND project.key = "OPS""#, false),
            (r#"(size = 1 OR size = 7) AND project.key != "OPS""#, true),
            (r#"project.key IN ("OPS", "FIN")"#, true),
            (r#"project.key NOT IN ("OPS")"#, true),
            (r#"updated_on > "2026-11-22T11:00:00+02:00""#, true),
            ("updated_on > 2026-11-23T00:00:00Z", false),
            ("parent = null", true),
        ] {
            assert_eq!(passes(filter, &record), expected, "{filter}");
        }
    }

    #[test]
    fn broken_filters_are_refused() {
        for filter in [
            r#"name ~ "a"#,
            "name",
            "name ~",
            "(name = \"a\"",
            "name = \"a\" name = \"b\"",
            "name # 1",
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
