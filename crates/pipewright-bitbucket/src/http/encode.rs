//! Percent-encoding of path parts. Every name that goes into a path goes through here (trap T13).

use std::fmt::Write as _;

/// A file path that cannot be put into an address without meaning something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a path inside a repository; give it relative to the top, without empty, '.' or '..' parts"
)]
pub struct UnsafePathError(pub String);

/// Encodes one part of a path: everything but letters, digits and `-._~` becomes `%XX`, so `/`, `%`, `#`, `?`, spaces,
/// braces and Unicode survive the trip. A part of only one or two dots would be taken for a step in the tree by URL
/// parsers; no name of ours is that (git refuses them), so its dots are encoded twice and the call ends in "not found".
pub fn encode_path_part(part: &str) -> String {
    if part == "." || part == ".." {
        return part.replace('.', "%252E");
    }
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Encodes a path of several parts, keeping its slashes.
pub fn encode_path(path: &str) -> Result<String, UnsafePathError> {
    let parts: Vec<&str> = path.split('/').collect();
    if parts
        .iter()
        .any(|part| part.is_empty() || *part == "." || *part == "..")
    {
        return Err(UnsafePathError(path.chars().take(200).collect()));
    }
    Ok(parts
        .into_iter()
        .map(encode_path_part)
        .collect::<Vec<_>>()
        .join("/"))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use rstest::rstest;
    use url::Url;

    use super::{encode_path, encode_path_part};

    #[rstest]
    #[case("feature/x", "feature%2Fx")]
    #[case("100%", "100%25")]
    #[case("a#b?c", "a%23b%3Fc")]
    #[case("größe", "gr%C3%B6%C3%9Fe")]
    #[case(
        "{7d3a178a-a087-4756-b2da-2f9eadf50ba8}",
        "%7B7d3a178a-a087-4756-b2da-2f9eadf50ba8%7D"
    )]
    #[case("~john.doe", "~john.doe")]
    fn t13_parts_are_encoded(#[case] part: &str, #[case] encoded: &str) {
        assert_eq!(encode_path_part(part), encoded);
    }

    #[rstest]
    #[case("../secrets")]
    #[case("a//b")]
    #[case("/etc/passwd")]
    #[case("a/./b")]
    #[case("")]
    fn paths_that_leave_the_repository_are_refused(#[case] path: &str) {
        assert!(encode_path(path).is_err());
    }

    proptest! {
        #[test]
        fn t13_any_part_survives_the_trip_as_one_segment(part in "\\PC{1,40}") {
            prop_assume!(part != "." && part != "..");
            let url = Url::parse(&format!("https://example.com/a/{}/z", encode_path_part(&part))).expect("an address");
            let segments: Vec<_> = url.path_segments().expect("a path").collect();
            prop_assert_eq!(segments.len(), 3);
            prop_assert_eq!(percent_decode_str(segments[1]).decode_utf8().expect("text"), part);
        }
    }
}
