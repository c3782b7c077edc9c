//! Cuts text to the lengths that Bitbucket takes.

/// Cuts to at most `max` UTF-16 units, the way Data Center counts (Cloud counts characters, which are never more). Text
/// that is cut ends with "…".
pub(crate) fn cut_text(text: &str, max: usize) -> String {
    if text.encode_utf16().count() <= max {
        return text.to_owned();
    }
    let mut length = 1;
    let mut cut: String = text
        .chars()
        .take_while(|character| {
            length += character.len_utf16();
            length <= max
        })
        .collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::cut_text;

    #[test]
    fn short_text_stays_and_long_text_says_it_was_cut() {
        assert_eq!(cut_text("short", 5), "short");
        assert_eq!(cut_text("longer", 5), "long…");
        assert_eq!(cut_text("👍👍👍", 5), "👍👍…");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_the_limit(text in "\\PC{0,600}") {
            prop_assert!(cut_text(&text, 255).encode_utf16().count() <= 255);
        }
    }
}
