//! Text from a pipeline file or a repository, made fit for a terminal.

use std::fmt::Write as _;

/// On one line, with control characters and those that turn the direction of text made visible, and cut after `most`
/// characters.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most * 4));
    for (count, character) in text.chars().enumerate() {
        if count == most {
            line.push('…');
            break;
        }
        if character.is_control()
            || matches!(character, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            // Writing into a string cannot fail.
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn hostile_text_is_harmless_and_short() {
        assert_eq!(shown("a\u{1b}[31m\nb", 80), "a\\u{1b}[31m\\nb");
        assert_eq!(shown("größe", 3), "grö…");
    }
}
