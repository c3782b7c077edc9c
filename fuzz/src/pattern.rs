//! Any text as a pattern, any text as a name: the automaton finds what the grammar, read in the simplest way there is,
//! says.
#![no_main]

mod cost;

use libfuzzer_sys::fuzz_target;
use pipewright_core::RefPattern;

/// Steps after which the simple reading is given up: it tries every split of the name.
const PATIENCE: u32 = 200_000;

/// Marks, which match nothing, for braces that were resolved: `*` before a brace and `*` in it are not `**`.
const OPENED: char = '\u{1}';
const CLOSED: char = '\u{2}';

fuzz_target!(|text: &str| {
    let (pattern, name) = text.split_once('\n').unwrap_or((text, ""));
    if pattern.contains([OPENED, CLOSED]) {
        return;
    }
    let Ok(compiled) = cost::bounded(|| pattern.parse::<RefPattern>()) else {
        return;
    };
    let found = cost::bounded(|| compiled.matches(name));
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let mut simple = Simple { patience: PATIENCE };
    let expected = alternatives(&pattern).and_then(|expanded| {
        let mut any = false;
        for one in expanded {
            any |= simple.matches(&one, &name, None)?;
        }
        Some(any)
    });
    if let Some(expected) = expected {
        assert_eq!(found, expected, "{compiled:?} against {name:?}");
    }
});

/// The patterns without braces that one with braces stands for; `None` where they are too many.
fn alternatives(pattern: &[char]) -> Option<Vec<Vec<char>>> {
    let Some(open) = pattern.iter().position(|character| *character == '{') else {
        return Some(vec![pattern.to_vec()]);
    };
    let (mut depth, mut parts, mut from) = (0, Vec::new(), open + 1);
    for (at, character) in pattern.iter().enumerate().skip(open) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                parts.push(&pattern[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            parts.push(&pattern[from..at]);
            let mut all = Vec::new();
            for part in parts {
                let whole = [
                    &pattern[..open],
                    &[OPENED][..],
                    part,
                    &[CLOSED][..],
                    &pattern[at + 1..],
                ]
                .concat();
                all.extend(alternatives(&whole)?);
                if all.len() > 200 {
                    return None;
                }
            }
            return Some(all);
        }
    }
    None
}

struct Simple {
    patience: u32,
}

impl Simple {
    /// `before` is the pattern's character before, marks left out.
    fn matches(&mut self, pattern: &[char], name: &[char], before: Option<char>) -> Option<bool> {
        self.patience = self.patience.checked_sub(1)?;
        let Some(first) = pattern.first() else {
            return Some(name.is_empty());
        };
        let rest = &pattern[1..];
        match first {
            &OPENED => self.matches(rest, name, before),
            &CLOSED => self.matches(rest, name, Some('}')),
            '*' if rest.first() == Some(&'*') => {
                let stars = pattern
                    .iter()
                    .take_while(|character| **character == '*')
                    .count();
                let rest = &pattern[stars..];
                if before.is_none_or(|before| before == '/') && rest.first() == Some(&'/') {
                    // No directory, or any directories.
                    if self.matches(&rest[1..], name, Some('/'))? {
                        return Some(true);
                    }
                }
                self.some(rest, name, |_| true)
            }
            '*' => self.some(rest, name, |character| character != '/'),
            '?' => match name.first() {
                Some(character) if *character != '/' => self.matches(rest, &name[1..], Some('?')),
                _ => Some(false),
            },
            literal if name.first() == Some(literal) => {
                self.matches(rest, &name[1..], Some(*literal))
            }
            _ => Some(false),
        }
    }

    /// The rest after as many characters as may be taken.
    fn some(&mut self, rest: &[char], name: &[char], fits: fn(char) -> bool) -> Option<bool> {
        for taken in 0..=name.len() {
            if self.matches(rest, &name[taken..], Some('*'))? {
                return Some(true);
            }
            if name.get(taken).is_none_or(|character| !fits(*character)) {
                break;
            }
        }
        Some(false)
    }
}
