//! The language of `condition.state` and of the rules under `triggers`.
//!
//! `"text"`, numbers, `true`, `false`, variables without `$`, `== != > >= < <= && || !`, parentheses and
//! `glob(value, "pattern")`. It must yield a boolean; there is no null. Where the documentation is silent: an unknown
//! variable is the empty text, and a text that looks like a number compares with numbers as one.

mod evaluate;
mod parse;
mod token;

pub use evaluate::EvaluationError;
pub use parse::{Expression, ExpressionError};
