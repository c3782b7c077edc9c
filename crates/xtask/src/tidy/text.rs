//! A source file as text: code without what only looks like it (comments, strings), the strings alone, and what is left
//! without the tests. Read by the checks and by the list of messages.

/// The text with comments, strings and characters blanked; lines stay where they are.
pub(crate) fn masked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = piece_end(&characters, at);
        if end == at {
            masked.push(characters[at]);
            at += 1;
        } else {
            for character in &characters[at..end] {
                masked.push(if *character == '\n' { '\n' } else { ' ' });
            }
            at = end;
        }
    }
    masked
}

/// A string as it stands in the source, without its quotes.
#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// The line where it begins, from 0.
    pub(crate) line: usize,
    /// What stands between the quotes.
    pub(crate) text: String,
    /// The code before it, up to some words: `….expect(`.
    pub(crate) before: String,
}

/// Every string of the text, in its order.
#[cfg(test)]
pub(crate) fn literals(text: &str) -> Vec<Literal> {
    /// How much of the code before a string is handed on.
    const BEFORE: usize = 60;
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 0);
    // The code so far, without what is blanked.
    let mut code = String::new();
    while at < characters.len() {
        let end = piece_end(&characters, at);
        if end == at {
            code.push(characters[at]);
            line += usize::from(characters[at] == '\n');
            at += 1;
            continue;
        }
        let piece: String = characters[at..end].iter().collect();
        let inside = piece
            .strip_prefix('r')
            .unwrap_or(&piece)
            .trim_matches('#')
            .strip_prefix('"')
            .and_then(|inside| inside.strip_suffix('"'));
        if let Some(inside) = inside {
            let begins = code.char_indices().rev().nth(BEFORE);
            found.push(Literal {
                line,
                text: inside.to_owned(),
                before: code[begins.map_or(0, |(index, _)| index)..].to_owned(),
            });
        }
        line += piece.matches('\n').count();
        at = end;
    }
    found
}

/// The end of the comment, string or character that begins at `at`; `at` itself where none does.
fn piece_end(characters: &[char], at: usize) -> usize {
    match characters[at] {
        '/' if characters.get(at + 1) == Some(&'/') => characters[at..]
            .iter()
            .position(|character| *character == '\n')
            .map_or(characters.len(), |length| at + length),
        'r' if !is_word(at.checked_sub(1).and_then(|before| characters.get(before)))
            && matches!(characters.get(at + 1), Some('"' | '#')) =>
        {
            raw_string_end(characters, at)
        }
        '"' => string_end(characters, at),
        // A lifetime has no second quote where a character has one.
        '\'' if characters.get(at + 1) == Some(&'\\') => characters[at + 3..]
            .iter()
            .position(|character| *character == '\'')
            .map_or(characters.len(), |length| at + 3 + length + 1),
        '\'' if characters.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

/// True for a character of a word.
pub(crate) fn is_word(character: Option<&char>) -> bool {
    character.is_some_and(|character| character.is_alphanumeric() || *character == '_')
}

fn string_end(characters: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < characters.len() {
        match characters[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    characters.len()
}

/// The end of `r#"…"#`; `start` itself where this is a raw identifier.
fn raw_string_end(characters: &[char], start: usize) -> usize {
    let hashes = characters[start + 1..]
        .iter()
        .take_while(|character| **character == '#')
        .count();
    if characters.get(start + 1 + hashes) != Some(&'"') {
        return start;
    }
    let mut at = start + hashes + 2;
    while at < characters.len() {
        let closes = characters[at] == '"'
            && characters[at + 1..]
                .iter()
                .take(hashes)
                .filter(|character| **character == '#')
                .count()
                == hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    characters.len()
}

/// Masked text without the items that only tests have, and the names of the modules among those.
pub(crate) fn without_tests(masked: &str) -> (String, Vec<String>) {
    let mut production = String::with_capacity(masked.len());
    let mut modules = Vec::new();
    let mut lines = masked.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]")
            && !line.trim_start().starts_with("#[cfg(any(test")
        {
            production.push_str(line);
            production.push('\n');
            continue;
        }
        production.push('\n');
        let mut depth = 0_i64;
        // The item ends with the line that closes what it opened, or with its semicolon.
        for line in lines.by_ref() {
            production.push('\n');
            let text = line.trim();
            if let Some((_, name)) = text.split_once("mod ") {
                modules.push(name.trim_end_matches([';', '{', ' ', '}']).to_owned());
            }
            let opened = text.matches(['{', '(', '[']).count();
            let closed = text.matches(['}', ')', ']']).count();
            depth += i64::try_from(opened).unwrap_or(0) - i64::try_from(closed).unwrap_or(0);
            let ends = text.ends_with([';', '}', ',']);
            if depth <= 0 && ends && !text.starts_with("#[") {
                break;
            }
        }
    }
    (production, modules)
}
