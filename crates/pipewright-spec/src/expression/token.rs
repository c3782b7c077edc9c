//! Text → tokens.

/// A token and the bytes it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Text(String),
    Number(f64),
    /// Variables, `true`, `false`, names of functions.
    Name(String),
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
}

/// What cannot be read, and where.
#[derive(Debug)]
pub(super) struct BadToken {
    pub(super) start: usize,
    pub(super) reason: &'static str,
    pub(super) help: &'static str,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, BadToken> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let (kind, length) = token(rest, first).map_err(|(reason, help)| BadToken {
            start,
            reason,
            help,
        })?;
        tokens.push(Token {
            kind,
            start,
            end: start + length,
        });
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn token(rest: &str, first: char) -> Result<(TokenKind, usize), (&'static str, &'static str)> {
    const TWO: &[(&str, TokenKind)] = &[
        ("==", TokenKind::Equal),
        ("!=", TokenKind::NotEqual),
        (">=", TokenKind::GreaterOrEqual),
        ("<=", TokenKind::LessOrEqual),
        ("&&", TokenKind::And),
        ("||", TokenKind::Or),
    ];
    if let Some((text, kind)) = TWO.iter().find(|(text, _)| rest.starts_with(text)) {
        return Ok((kind.clone(), text.len()));
    }
    Ok(match first {
        '>' => (TokenKind::Greater, 1),
        '<' => (TokenKind::Less, 1),
        '!' => (TokenKind::Not, 1),
        '(' => (TokenKind::Open, 1),
        ')' => (TokenKind::Close, 1),
        ',' => (TokenKind::Comma, 1),
        '"' => return quoted(rest),
        '=' => return Err(("a single `=` compares nothing", "write `==`")),
        '&' | '|' => return Err(("a single `&` or `|` joins nothing", "write `&&` or `||`")),
        '\'' => return Err(("text is in double quotes", "write \"text\"")),
        '$' => {
            return Err((
                "variables are written without `$`",
                "write the name alone: BITBUCKET_BRANCH",
            ));
        }
        _ if first.is_ascii_digit() || first == '-' => {
            let length = 1 + rest[1..]
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
                .count();
            let number = rest[..length]
                .parse()
                .map_err(|_| ("this is not a number", "write digits, with one `.` at most"))?;
            (TokenKind::Number(number), length)
        }
        _ if first.is_ascii_alphabetic() || first == '_' => {
            let length = rest
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                .count();
            (TokenKind::Name(rest[..length].to_owned()), length)
        }
        _ => {
            return Err((
                "this character has no meaning here",
                "put text in double quotes",
            ));
        }
    })
}

fn quoted(rest: &str) -> Result<(TokenKind, usize), (&'static str, &'static str)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return Ok((TokenKind::Text(text), offset + 1)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            },
            _ => text.push(character),
        }
    }
    Err((
        "the text has no closing quote",
        "end it with a double quote",
    ))
}
