//! The shapes in which a secret can turn up in output: those that ordinary tools print.
//!
//! Beside the text itself: each line of a secret with several (a private key); its base64 (also as a part of a longer
//! encoded text, where it can begin at three places of the six-bit grid); percent-encoded; inside JSON and HTML; in
//! hexadecimal digits; and quoted as `set -x` and `printf %q` quote. Line ends inside of a form do not matter (see the
//! mask), so what `base64` and `xxd` wrap is found as well. Other transformations (reversed, cut, compressed) cannot be
//! recognised.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Shorter values are not masked: they would blacken ordinary text and so give themselves away.
pub(super) const SHORTEST: usize = 4;

/// Shorter pieces of base64 say too little about the secret and too often stand in other text.
const SHORTEST_BASE64: usize = 8;

/// What `encodeURIComponent` and most libraries leave as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for libraries that leave what separates a path.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// What `printf %q` of bash puts a backslash before.
const BACKSLASHED: &str = " '\"\\|&;()<>!{}*[]?^$`,";

/// Every form of a secret to look for. Empty where it is too short to be masked.
pub(super) fn forms(secret: &str) -> Vec<Vec<u8>> {
    if secret.trim().len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![secret.to_owned(), secret.trim().to_owned()];
    if secret.trim().contains('\n') {
        forms.extend(secret.lines().map(|line| line.trim().to_owned()));
    }
    for text in [secret, secret.trim()] {
        for offset in 0..3 {
            forms.extend(base64_inside(text.as_bytes(), offset));
        }
        forms.extend(percent_encoded(text));
        forms.extend(in_json(text));
        forms.extend(in_html(text));
        forms.extend(in_hexadecimal(text.as_bytes()));
        forms.extend(quoted(text));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

/// The digits that depend on the secret when it stands `offset` bytes after a multiple of three in the text that is encoded,
/// in both alphabets; with the last digit, part of which belongs to what follows, and its padding.
fn base64_inside(secret: &[u8], offset: usize) -> Vec<String> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let first = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    let mut forms = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        let Some(whole) = engine.encode(&padded).get(first..end).map(str::to_owned) else {
            continue;
        };
        if whole.len() < SHORTEST_BASE64 {
            continue;
        }
        // The last digit for each first byte that may follow: four or sixteen, and the one of the text's end.
        for next in (0..=u8::MAX).step_by(16) {
            padded.push(next);
            let encoded = engine.encode(&padded);
            padded.pop();
            forms.extend(encoded.get(first..=end).map(str::to_owned));
        }
        let alone = engine.encode(&padded);
        let padding = "=".repeat((4 - alone.len() % 4) % 4);
        forms.extend(alone.get(first..).map(|alone| format!("{alone}{padding}")));
        forms.push(whole);
    }
    // Where the secret ends on the grid the next digit is not its own.
    if padded.len().is_multiple_of(3) {
        forms.retain(|form| form.len() <= end - first);
    }
    forms
}

fn percent_encoded(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for set in [UNRESERVED, PATH] {
        let encoded = utf8_percent_encode(text, set).to_string();
        // As in a form, where a space is `+`.
        let in_form = encoded.replace("%20", "+");
        forms.extend([
            small_digits(&encoded, b'%', 2),
            small_digits(&in_form, b'%', 2),
            in_form,
            encoded,
        ]);
    }
    forms
}

/// The hexadecimal digits behind each `mark` in lower case.
fn small_digits(text: &str, mark: u8, digits: usize) -> String {
    let mut left = 0;
    text.bytes()
        .map(|byte| {
            let is_digit = left > 0;
            left = if byte == mark {
                digits
            } else {
                left.saturating_sub(1)
            };
            char::from(if is_digit {
                byte.to_ascii_lowercase()
            } else {
                byte
            })
        })
        .collect()
}

/// As JSON libraries write it: as it is, beyond ASCII as `\u00e4` or `\u00E4`, and with what HTML minds escaped.
fn in_json(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for (is_ascii, escaped) in [
        (false, ""),
        (true, ""),
        (false, "<>&"),
        (true, "<>&'"),
        (true, "/"),
    ] {
        for is_large in [false, true] {
            let mut form = String::new();
            for character in text.chars() {
                match character {
                    '"' => form.push_str("\\\""),
                    '\\' => form.push_str("\\\\"),
                    '/' if escaped.contains('/') => form.push_str("\\/"),
                    '\n' => form.push_str("\\n"),
                    '\r' => form.push_str("\\r"),
                    '\t' => form.push_str("\\t"),
                    '\u{8}' => form.push_str("\\b"),
                    '\u{c}' => form.push_str("\\f"),
                    other
                        if other.is_control()
                            || (is_ascii && !other.is_ascii())
                            || escaped.contains(other) =>
                    {
                        for unit in other.encode_utf16(&mut [0; 2]) {
                            // Writing to a text cannot fail.
                            let _ = if is_large {
                                write!(form, "\\u{unit:04X}")
                            } else {
                                write!(form, "\\u{unit:04x}")
                            };
                        }
                    }
                    other => form.push(other),
                }
            }
            forms.push(form);
        }
    }
    forms
}

/// As templates and XML libraries write it.
fn in_html(text: &str) -> Vec<String> {
    let with = |quote: &str, apostrophe: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', quote)
            .replace('\'', apostrophe)
    };
    let mut forms = vec![with("\"", "'"), with("&quot;", "'")];
    for quote in ["&quot;", "&#34;"] {
        for apostrophe in ["&#39;", "&#x27;", "&apos;", "&#039;"] {
            forms.push(with(quote, apostrophe));
        }
    }
    forms
}

/// As `xxd -p`, `sha256sum`'s relatives and `od -tx1` write bytes.
fn in_hexadecimal(bytes: &[u8]) -> Vec<String> {
    let joined = |separator: &str| {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(separator)
    };
    let pairs: Vec<String> = bytes
        .chunks(2)
        .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let mut forms = vec![joined(""), joined(" "), joined(":"), pairs.join(" ")];
    forms.extend(
        forms
            .clone()
            .into_iter()
            .map(|form| form.to_ascii_uppercase()),
    );
    forms
}

/// As shells show a value so that it could be typed: between apostrophes, with backslashes, or as `$'…'`.
fn quoted(text: &str) -> Vec<String> {
    let mut backslashed = String::new();
    let mut dollar = String::new();
    for (index, character) in text.chars().enumerate() {
        if BACKSLASHED.contains(character) || (index == 0 && matches!(character, '~' | '#')) {
            backslashed.push('\\');
        }
        backslashed.push(character);
        match character {
            '\'' => dollar.push_str("\\'"),
            '\\' => dollar.push_str("\\\\"),
            '\n' => dollar.push_str("\\n"),
            '\t' => dollar.push_str("\\t"),
            '\r' => dollar.push_str("\\r"),
            '\u{7}' => dollar.push_str("\\a"),
            '\u{8}' => dollar.push_str("\\b"),
            '\u{b}' => dollar.push_str("\\v"),
            '\u{c}' => dollar.push_str("\\f"),
            '\u{1b}' => dollar.push_str("\\E"),
            other if other.is_ascii_control() => {
                let _ = write!(dollar, "\\{:03o}", u32::from(other));
            }
            other => dollar.push(other),
        }
    }
    // In a locale without UTF-8 each byte beyond ASCII is written as three octal digits.
    let octal = |text: &str| {
        text.bytes().fold(String::new(), |mut octal, byte| {
            if byte.is_ascii() {
                octal.push(char::from(byte));
            } else {
                let _ = write!(octal, "\\{byte:03o}");
            }
            octal
        })
    };
    vec![
        text.replace('\'', "'\\''"),
        text.replace('\'', "'\"'\"'"),
        // Older shells leave a comma as it is.
        backslashed.replace("\\,", ","),
        backslashed,
        octal(&dollar),
        dollar,
    ]
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::forms;

    fn has(secret: &str, text: &str) -> bool {
        forms(secret).iter().any(|form| form == text.as_bytes())
    }

    #[test]
    fn a_secret_inside_longer_base64_is_found_at_every_offset() {
        let secret = "s3cr3t-token-value";
        let forms = forms(secret);
        for before in ["", "u", "us", "use", "user:"] {
            let encoded = STANDARD.encode(format!("{before}{secret}:after"));
            let found = forms
                .iter()
                .any(|form| encoded.contains(std::str::from_utf8(form).expect("ASCII")));
            assert!(found, "{before:?}: {encoded}");
        }
    }

    #[test]
    fn base64_leaves_no_tail() {
        for secret in ["hunter2-token", "hunter2-tokens", "hunter2-tokens!"] {
            for after in ["", "\n", "x", "ü", "\u{7f}"] {
                let encoded = STANDARD.encode(format!("{secret}{after}"));
                let longest = forms(secret)
                    .iter()
                    .filter(|form| encoded.as_bytes().starts_with(form))
                    .map(Vec::len)
                    .max()
                    .expect("it is found");
                let own = (secret.len() * 8).div_ceil(6);
                assert!(
                    longest >= own,
                    "{secret:?} {after:?}: {longest} of {encoded}"
                );
                assert!(!after.is_empty() || longest == encoded.len(), "{encoded}");
            }
        }
    }

    #[test]
    fn what_ordinary_tools_print_is_known() {
        // From bash 5.2, dash, Python's json, html and urllib, Go's encoding/json, xxd and od.
        for (secret, printed) in [
            ("it's $x", "it'\\''s $x"),
            ("it's $x", "it'\"'\"'s $x"),
            ("it's $x", "it\\'s\\ \\$x"),
            ("~a,b", "\\~a\\,b"),
            ("a{b}[c]*?^!", "a\\{b\\}\\[c\\]\\*\\?\\^\\!"),
            ("two\nlines\t!\\ q'", "two\\nlines\\t!\\\\ q\\'"),
            ("grün", "gr\\303\\274n"),
            ("grün", "gr\\u00fcn"),
            ("grün", "gr\\u00FCn"),
            ("a😀bc", "a\\ud83d\\ude00bc"),
            ("a<b&c", "a\\u003cb\\u0026c"),
            ("a/b/c", "a\\/b\\/c"),
            ("a<b>\"c'", "a&lt;b&gt;&quot;c&#x27;"),
            ("a<b>\"c'", "a&lt;b&gt;&#34;c&#39;"),
            ("pass word+1/2", "pass%20word%2B1%2F2"),
            ("pass word+1/2", "pass+word%2b1%2f2"),
            ("Pass word/1", "Pass%20word/1"),
            ("hunter", "68756e746572"),
            ("hunter", "68 75 6e 74 65 72"),
            ("hunter", "6875 6e74 6572"),
            ("hunter", "68:75:6E:74:65:72"),
        ] {
            assert!(has(secret, printed), "{secret:?} as {printed:?}");
        }
    }

    #[test]
    fn short_values_have_no_form() {
        assert!(forms("abc").is_empty() && forms("  a ").is_empty() && forms("").is_empty());
    }
}
