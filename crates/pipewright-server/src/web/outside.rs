//! The one filter for text from outside in pages. Names, messages and addresses come from people and from Bitbuckets that we
//! do not know; whatever page they stand in, they pass here on their way out.
//!
//! Marks that turn the direction of writing, and control characters, become visible: what is read is what is written. Links
//! lead to pages of ours, to http, https or mailto; any other scheme leaves text without a link.

use std::borrow::Cow;

/// The page as it may be sent.
pub(super) fn filtered(html: String) -> String {
    let html = match visible(&html) {
        Cow::Borrowed(_) => html,
        Cow::Owned(visible) => visible,
    };
    match without_bad_links(&html) {
        Cow::Borrowed(_) => html,
        Cow::Owned(safe) => safe,
    }
}

/// What stands for a character that would not be seen.
const SHOWN: char = '\u{fffd}';

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

fn visible(html: &str) -> Cow<'_, str> {
    if html.chars().any(is_hidden) {
        Cow::Owned(
            html.chars()
                .map(|character| {
                    if is_hidden(character) {
                        SHOWN
                    } else {
                        character
                    }
                })
                .collect(),
        )
    } else {
        Cow::Borrowed(html)
    }
}

const LINK: &str = " href=\"";

fn without_bad_links(html: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut copied = 0;
    for (at, _) in html.match_indices(LINK) {
        let start = at + LINK.len();
        let Some(length) = html[start..].find('"') else {
            break;
        };
        if !is_good(&html[start..start + length]) {
            safe.push_str(&html[copied..at]);
            copied = start + length + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    safe.push_str(&html[copied..]);
    Cow::Owned(safe)
}

/// True for an address without a scheme, or with one that only opens a page or a letter. Browsers leave blanks and control
/// characters out when they look for the scheme.
fn is_good(address: &str) -> bool {
    let address: String = address
        .chars()
        .filter(|character| *character > ' ' && !is_hidden(*character))
        .collect();
    let Some(colon) = address.find(':') else {
        return true;
    };
    let scheme = &address[..colon];
    if scheme.contains(['/', '?', '#']) {
        return true;
    }
    ["http", "https", "mailto"]
        .iter()
        .any(|good| scheme.eq_ignore_ascii_case(good))
}

#[cfg(test)]
mod tests {
    use super::filtered;

    #[test]
    fn what_would_not_be_seen_is_seen() {
        let html = "<b>main\u{202e}txt.exe\u{2066} \u{1b}[31m größe 日本 👩‍💻</b>\r\n\t";
        assert_eq!(
            filtered(html.to_owned()),
            "<b>main\u{fffd}txt.exe\u{fffd} \u{fffd}[31m größe 日本 👩‍💻</b>\r\n\t"
        );
    }

    #[test]
    fn links_lead_to_pages_or_are_text() {
        for (address, good) in [
            ("/harbor/builds?x=a:b", true),
            ("#top", true),
            ("builds/1:2", true),
            ("https://git.example/a", true),
            ("HTTP://git.example", true),
            ("mailto:a@b", true),
            ("javascript:alert(1)", false),
            ("JaVa\tscript:alert(1)", false),
            (" \u{1}javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            ("file:///etc/passwd", false),
        ] {
            let html = format!("<a class=\"link\" href=\"{address}\">x</a><a href=\"/y\">y</a>");
            let sent = filtered(html.clone());
            assert_eq!(
                sent.matches(" href=").count(),
                1 + usize::from(good),
                "{sent}"
            );
            assert!(sent.contains("href=\"/y\""), "{sent}");
        }
    }
}
