//! The shapes in which a secret can turn up in output.
//!
//! Beside the text itself: each line of a secret with several (a private key), its base64 (also as a part of a longer
//! encoded text, where it can begin at three places of the six-bit grid), its percent-encoded form, and its form inside
//! JSON. Other transformations (reversed, split, compressed) cannot be recognised.

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

/// Every form of a secret to look for, the secret itself first. Empty where it is too short to be masked.
pub(super) fn forms(secret: &str) -> Vec<Vec<u8>> {
    if secret.trim().len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![secret.to_owned()];
    forms.push(secret.trim().to_owned());
    if secret.trim().contains('\n') {
        forms.extend(secret.lines().map(|line| line.trim().to_owned()));
    }
    for text in [secret, secret.trim()] {
        for offset in 0..3 {
            forms.extend(base64_inside(text.as_bytes(), offset));
        }
        let encoded = utf8_percent_encode(text, UNRESERVED).to_string();
        forms.extend([
            encoded.to_ascii_lowercase(),
            encoded.replace("%20", "+"),
            encoded,
        ]);
        forms.push(json_inside(text));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

/// The digits that depend on the secret alone when it stands `offset` bytes after a multiple of three in the text that
/// is encoded, in both alphabets.
fn base64_inside(secret: &[u8], offset: usize) -> Vec<String> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let first = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    [
        STANDARD_NO_PAD.encode(&padded),
        URL_SAFE_NO_PAD.encode(&padded),
    ]
    .into_iter()
    .filter_map(|text| text.get(first..end).map(str::to_owned))
    .filter(|text| text.len() >= SHORTEST_BASE64)
    .collect()
}

fn json_inside(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::forms;

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
    fn short_values_have_no_form() {
        assert!(forms("abc").is_empty() && forms("  a ").is_empty() && forms("").is_empty());
    }
}
