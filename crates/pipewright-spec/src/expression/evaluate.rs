//! A tree and the variables → true or false.

use super::parse::{Comparison, Expression, Node};

/// The expression has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The whole, or an operand of `&&`, `||` or `!`, is not a boolean.
    #[error("{what} is not true or false but {value:?}; compare it: NAME == \"value\"")]
    NotBoolean {
        /// The operand, as people say it.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// `<` and the like between values that have no order.
    #[error(
        "{left:?} and {right:?} are not both numbers and cannot be ordered; compare them with == or !="
    )]
    NoOrder {
        /// The left value.
        left: String,
        /// The right value.
        right: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
    Flag(bool),
}

impl Expression {
    /// True or false for these variables. A variable without a value is the empty text.
    pub fn evaluate(
        &self,
        value_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<bool, EvaluationError> {
        boolean("the expression", evaluate(&self.root, value_of)?)
    }
}

fn evaluate(
    node: &Node,
    value_of: &dyn Fn(&str) -> Option<String>,
) -> Result<Value, EvaluationError> {
    Ok(match node {
        Node::Text(text) => Value::Text(text.clone()),
        Node::Number(number) => Value::Number(*number),
        Node::Flag(flag) => Value::Flag(*flag),
        Node::Variable(name) => Value::Text(value_of(name).unwrap_or_default()),
        Node::Not(inner) => Value::Flag(!boolean("the operand of !", evaluate(inner, value_of)?)?),
        Node::And(left, right) => Value::Flag(
            boolean("an operand of &&", evaluate(left, value_of)?)?
                && boolean("an operand of &&", evaluate(right, value_of)?)?,
        ),
        Node::Or(left, right) => Value::Flag(
            boolean("an operand of ||", evaluate(left, value_of)?)?
                || boolean("an operand of ||", evaluate(right, value_of)?)?,
        ),
        Node::Glob(value, pattern) => {
            Value::Flag(pattern.matches(&evaluate(value, value_of)?.text()))
        }
        Node::Compare(comparison, left, right) => Value::Flag(compare(
            *comparison,
            &evaluate(left, value_of)?,
            &evaluate(right, value_of)?,
        )?),
    })
}

/// A variable is always text, so the texts `true` and `false` count as booleans.
fn boolean(what: &'static str, value: Value) -> Result<bool, EvaluationError> {
    match value {
        Value::Flag(flag) => Ok(flag),
        Value::Text(text) if text == "true" => Ok(true),
        Value::Text(text) if text == "false" => Ok(false),
        other => Err(EvaluationError::NotBoolean {
            what,
            value: other.text(),
        }),
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, EvaluationError> {
    let ordered = |order: fn(&f64, &f64) -> bool| match (left.number(), right.number()) {
        (Some(left), Some(right)) => Ok(order(&left, &right)),
        _ => Err(EvaluationError::NoOrder {
            left: left.text(),
            right: right.text(),
        }),
    };
    match comparison {
        Comparison::Equal => Ok(equal(left, right)),
        Comparison::NotEqual => Ok(!equal(left, right)),
        Comparison::Greater => ordered(f64::gt),
        Comparison::GreaterOrEqual => ordered(f64::ge),
        Comparison::Less => ordered(f64::lt),
        Comparison::LessOrEqual => ordered(f64::le),
    }
}

/// Texts are equal letter by letter; where one side is written as a number or a boolean, both are read as that.
#[expect(clippy::float_cmp, reason = "two numbers as people wrote them")]
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), _) | (_, Value::Number(_)) => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
        _ => left.text() == right.text(),
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            Self::Flag(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn value_of(name: &str) -> Option<String> {
        let value = match name {
            "BITBUCKET_BRANCH" => "feature/login",
            "COUNT" => "10",
            "ON" => "true",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[rstest]
    #[case("BITBUCKET_BRANCH == \"feature/login\"", true)]
    #[case("BITBUCKET_BRANCH != \"main\"", true)]
    #[case("COUNT > 9", true)]
    #[case("COUNT >= 10 && COUNT <= 10", true)]
    #[case("COUNT == \"10\"", true)]
    #[case("COUNT == 10.0", true)]
    #[case("COUNT < 9", false)]
    #[case("ON", true)]
    #[case("ON == true", true)]
    #[case("!ON || COUNT == 10", true)]
    #[case("!(ON && COUNT == 10)", false)]
    #[case("MISSING == \"\"", true)]
    #[case("MISSING == 0", false)]
    #[case("glob(BITBUCKET_BRANCH, \"feature/*\")", true)]
    #[case("glob(BITBUCKET_BRANCH, \"*\")", false)]
    #[case("false || true && true", true)]
    #[case("\"a\\\"b\" == \"a\\\"b\"", true)]
    #[case("-1 < 0", true)]
    fn it_yields(#[case] text: &str, #[case] expected: bool) {
        let expression: Expression = text.parse().expect("an expression");
        assert_eq!(expression.evaluate(&value_of), Ok(expected));
    }

    #[rstest]
    #[case("$X == 1", 0, "$X == 1")]
    #[case("X = 1", 2, "= 1")]
    #[case("X == 'a'", 5, "'a'")]
    #[case("X ==", 4, "")]
    #[case("X Y", 2, "Y")]
    #[case("(X == 1", 7, "")]
    #[case("\"a\"", 0, "\"a\"")]
    #[case("\"a", 0, "\"a")]
    #[case("contains(X, \"a\")", 0, "contains")]
    #[case("glob(X)", 6, ")")]
    #[case("glob(X, Y)", 8, "Y")]
    #[case("glob(X, \"{a\")", 8, "\"{a\"")]
    #[case("", 0, "")]
    fn nonsense_is_refused_where_it_stands(
        #[case] text: &str,
        #[case] offset: usize,
        #[case] found: &str,
    ) {
        let error = text.parse::<Expression>().expect_err("no expression");
        assert_eq!(
            (error.offset, error.found.as_str()),
            (offset, found),
            "{error}"
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{}X{}", "(".repeat(1000), ")".repeat(1000));
        assert!(deep.parse::<Expression>().is_err());
        assert!("!".repeat(1000).parse::<Expression>().is_err());
    }

    #[test]
    fn values_that_fit_no_operator_are_named() {
        let error = |text: &str| {
            text.parse::<Expression>()
                .expect("an expression")
                .evaluate(&value_of)
                .expect_err("no answer")
        };
        assert_eq!(
            error("BITBUCKET_BRANCH > 1"),
            EvaluationError::NoOrder {
                left: "feature/login".to_owned(),
                right: "1".to_owned()
            }
        );
        assert_eq!(
            error("COUNT && true"),
            EvaluationError::NotBoolean {
                what: "an operand of &&",
                value: "10".to_owned()
            }
        );
    }
}
