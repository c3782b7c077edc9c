//! An application's name in addresses.

use any_ascii::any_ascii;

/// The longest one, in characters.
const LONGEST: usize = 60;

/// Words that addresses beside an application's own begin with.
const RESERVED: &[&str] = &["new"];

/// A name in addresses made of a repository's name: small letters, digits, hyphens, dots and underscores.
/// Letters of other alphabets are written in Latin ones.
pub(super) fn suggest(name: &str) -> String {
    let mut slug = String::new();
    for character in any_ascii(name).chars() {
        if slug.len() >= LONGEST {
            break;
        }
        if character.is_ascii_alphanumeric() || matches!(character, '.' | '_') {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches(['-', '.']).to_owned();
    match slug.as_str() {
        "" => "application".to_owned(),
        word if RESERVED.contains(&word) => format!("{word}-1"),
        _ => slug,
    }
}

/// The name to try after so many that were taken.
pub(super) fn numbered(slug: &str, tries: u32) -> String {
    if tries == 0 {
        slug.to_owned()
    } else {
        format!("{slug}-{}", tries + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{numbered, suggest};

    #[test]
    fn a_name_in_addresses_needs_no_encoding() {
        for (name, expected) in [
            ("checkout-api", "checkout-api"),
            ("Web Shop", "web-shop"),
            ("größe/日本", "grosse-riben"),
            ("..", "application"),
            ("日本", "riben"),
            ("new", "new-1"),
            ("a.b_c", "a.b_c"),
        ] {
            assert_eq!(suggest(name), expected);
        }
        assert!(suggest(&"x".repeat(500)).len() <= 60);
        assert_eq!(
            (numbered("api", 0), numbered("api", 1)),
            ("api".to_owned(), "api-2".to_owned())
        );
    }
}
