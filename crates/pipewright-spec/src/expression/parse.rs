//! Tokens → a tree, by precedence: `||`, `&&`, `== !=`, `< <= > >=`, `!`.

use std::str::FromStr;

use pipewright_core::RefPattern;

use super::token::{Token, TokenKind, tokens};
use crate::limits::MAX_EXPRESSION;

/// How deep parentheses and negations may nest.
const MAX_NESTING: usize = 32;

/// An expression, read and ready to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub(super) root: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Number(f64),
    Flag(bool),
    Variable(String),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    Glob(Box<Self>, RefPattern),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// The text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the expression cannot be read at {found:?}: {reason}; {help}")]
pub struct ExpressionError {
    /// The byte it happened at.
    pub offset: usize,
    /// What stands there; empty at the end.
    pub found: String,
    /// What is wrong.
    pub reason: String,
    /// What to write instead.
    pub help: String,
}

impl Expression {
    /// The names of the variables in it, in the order of the text, some perhaps twice.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut nodes = vec![&self.root];
        while let Some(node) = nodes.pop() {
            match node {
                Node::Variable(name) => names.push(name.as_str()),
                Node::Text(_) | Node::Number(_) | Node::Flag(_) => {}
                Node::Not(inner) | Node::Glob(inner, _) => nodes.push(inner),
                Node::And(left, right) | Node::Or(left, right) | Node::Compare(_, left, right) => {
                    nodes.extend([&**right, &**left]);
                }
            }
        }
        names
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        if text.chars().nth(MAX_EXPRESSION).is_some() {
            return Err(ExpressionError {
                offset: 0,
                found: text.chars().take(20).collect(),
                reason: format!("it is longer than {MAX_EXPRESSION} characters"),
                help: "say it shorter, or decide it in the script".to_owned(),
            });
        }
        let tokens = tokens(text).map_err(|bad| ExpressionError {
            offset: bad.start,
            found: text[bad.start..].chars().take(20).collect(),
            reason: bad.reason.to_owned(),
            help: bad.help.to_owned(),
        })?;
        let mut parser = Parser {
            text,
            tokens: &tokens,
            at: 0,
            depth: 0,
        };
        let root = parser.or()?;
        if parser.at < tokens.len() {
            return Err(parser.error(
                "an operator is missing before it",
                "join comparisons with `&&` or `||`",
            ));
        }
        if matches!(root, Node::Text(_) | Node::Number(_)) {
            parser.at = 0;
            return Err(parser.error(
                "the expression is neither true nor false",
                "compare it: NAME == \"value\"",
            ));
        }
        Ok(Self { root })
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, reason: &str, help: &str) -> ExpressionError {
        let token = self.tokens.get(self.at);
        let offset = token.map_or(self.text.len(), |token| token.start);
        let end = token.map_or(offset, |token| token.end);
        let found = self
            .text
            .get(offset..end)
            .unwrap_or("")
            .chars()
            .take(40)
            .collect();
        ExpressionError {
            offset,
            found,
            reason: reason.to_owned(),
            help: help.to_owned(),
        }
    }

    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek() == Some(kind);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.and()?;
        while self.take(&TokenKind::Or) {
            left = Node::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.equality()?;
        while self.take(&TokenKind::And) {
            left = Node::And(Box::new(left), Box::new(self.equality()?));
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Node, ExpressionError> {
        self.comparisons(Self::order, |kind| match kind {
            TokenKind::Equal => Some(Comparison::Equal),
            TokenKind::NotEqual => Some(Comparison::NotEqual),
            _ => None,
        })
    }

    fn order(&mut self) -> Result<Node, ExpressionError> {
        self.comparisons(Self::unary, |kind| match kind {
            TokenKind::Greater => Some(Comparison::Greater),
            TokenKind::GreaterOrEqual => Some(Comparison::GreaterOrEqual),
            TokenKind::Less => Some(Comparison::Less),
            TokenKind::LessOrEqual => Some(Comparison::LessOrEqual),
            _ => None,
        })
    }

    fn comparisons(
        &mut self,
        operand: fn(&mut Self) -> Result<Node, ExpressionError>,
        comparison: fn(&TokenKind) -> Option<Comparison>,
    ) -> Result<Node, ExpressionError> {
        let mut left = operand(self)?;
        while let Some(comparison) = self.peek().and_then(comparison) {
            self.at += 1;
            left = Node::Compare(comparison, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.error("it nests too deep", "use fewer parentheses"));
        }
        let node = if self.take(&TokenKind::Not) {
            Node::Not(Box::new(self.unary()?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, ExpressionError> {
        let Some(kind) = self.peek().cloned() else {
            return Err(self.error(
                "a value is missing at the end",
                "write a variable, \"text\", a number, true or false",
            ));
        };
        match kind {
            TokenKind::Open => {
                self.at += 1;
                let node = self.or()?;
                if !self.take(&TokenKind::Close) {
                    return Err(self.error("a `)` is missing", "close the parenthesis"));
                }
                Ok(node)
            }
            TokenKind::Text(text) => self.literal(Node::Text(text)),
            TokenKind::Number(number) => self.literal(Node::Number(number)),
            TokenKind::Name(name)
                if self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|next| next.kind == TokenKind::Open) =>
            {
                self.call(&name)
            }
            TokenKind::Name(name) => self.literal(match name.as_str() {
                "true" => Node::Flag(true),
                "false" => Node::Flag(false),
                _ => Node::Variable(name),
            }),
            _ => Err(self.error(
                "a value is missing before it",
                "write a variable, \"text\", a number, true or false",
            )),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "reads as the other arms do")]
    fn literal(&mut self, node: Node) -> Result<Node, ExpressionError> {
        self.at += 1;
        Ok(node)
    }

    fn call(&mut self, name: &str) -> Result<Node, ExpressionError> {
        if name != "glob" {
            return Err(self.error(
                "there is no such function",
                "the one function is glob(value, \"pattern\")",
            ));
        }
        let usage = "write glob(BITBUCKET_BRANCH, \"feature/*\")";
        self.at += 2;
        let value = self.or()?;
        if !self.take(&TokenKind::Comma) {
            return Err(self.error("glob has two arguments", usage));
        }
        let pattern = match self.peek() {
            Some(TokenKind::Text(text)) => text
                .parse()
                .map_err(|error| self.error(&format!("{error}"), usage))?,
            _ => return Err(self.error("the pattern of glob is a text", usage)),
        };
        self.at += 1;
        if !self.take(&TokenKind::Close) {
            return Err(self.error("a `)` is missing", usage));
        }
        Ok(Node::Glob(Box::new(value), pattern))
    }
}
