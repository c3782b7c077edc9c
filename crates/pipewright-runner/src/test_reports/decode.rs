//! Bytes of a report → text. Whatever the bytes are, there is a text.

use std::borrow::Cow;

/// How far a declaration of the encoding may be from the beginning, in bytes.
const DECLARATION: usize = 200;

/// UTF-16 with its mark, else UTF-8, else, where the file says so, Latin-1. What is wrong in it becomes a visible character.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ if says_latin(bytes) && std::str::from_utf8(bytes).is_err() => {
            Cow::Owned(bytes.iter().copied().map(char::from).collect())
        }
        _ => String::from_utf8_lossy(bytes),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn says_latin(bytes: &[u8]) -> bool {
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]).to_lowercase();
    let declaration = begin.split("?>").next().unwrap_or_default();
    declaration.starts_with("<?xml")
        && ["iso-8859-1", "iso-8859-15", "windows-1252", "latin1"]
            .iter()
            .any(|name| declaration.contains(name))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn whatever_the_bytes_are_there_is_a_text() {
        let wide = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
            let mut bytes = mark.to_vec();
            bytes.extend("größe".encode_utf16().flat_map(unit));
            bytes
        };
        assert_eq!(text(&wide([0xff, 0xfe], u16::to_le_bytes)), "größe");
        assert_eq!(text(&wide([0xfe, 0xff], u16::to_be_bytes)), "größe");
        for (bytes, expected) in [
            (&b"\xef\xbb\xbf<a/>"[..], "<a/>"),
            ("größe".as_bytes(), "größe"),
            (b"gr\xf6\xdfe", "gr\u{fffd}\u{fffd}e"),
            (
                b"<?xml version='1.0' encoding='ISO-8859-1'?>\xf6",
                "<?xml version='1.0' encoding='ISO-8859-1'?>ö",
            ),
            (b"\xff\xfe\x00", ""),
            (b"", ""),
        ] {
            assert_eq!(text(bytes), expected);
        }
    }
}
