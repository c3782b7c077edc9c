//! Slugs: the first part of every address of an account. None may be a word that an address of our own begins with.

use any_ascii::any_ascii;

/// The longest slug, in characters.
pub(crate) const LONGEST: usize = 40;

/// First parts of our own addresses, now and in what is planned; plus words that would mislead people.
const RESERVED: &[&str] = &[
    "about",
    "accounts",
    "admin",
    "administration",
    "api",
    "applications",
    "approvals",
    "artifacts",
    "assets",
    "badges",
    "builds",
    "deliveries",
    "deployments",
    "docs",
    "environments",
    "favicon",
    "health",
    "help",
    "hooks",
    "installation",
    "integrations",
    "invitations",
    "jump",
    "links",
    "live",
    "login",
    "logout",
    "members",
    "metrics",
    "new",
    "oauth",
    "oidc",
    "pipewright",
    "profile",
    "releases",
    "robots",
    "runner",
    "runners",
    "search",
    "settings",
    "setup",
    "sign-in",
    "sign-out",
    "sign-up",
    "static",
    "theme",
    "tokens",
    "user",
    "users",
    "webhooks",
    "well-known",
];

/// The slug as entered, if it may be one; else the sentence that says why not.
pub(crate) fn check(text: &str) -> Result<String, String> {
    let slug = text.trim().to_ascii_lowercase();
    let legal = slug
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if slug.is_empty()
        || slug.len() > LONGEST
        || !legal
        || slug.starts_with('-')
        || slug.ends_with('-')
    {
        return Err(format!(
            "An account's short name has 1 to {LONGEST} letters a to z, digits and hyphens, and neither begins nor ends with a hyphen."
        ));
    }
    if RESERVED.contains(&slug.as_str()) {
        return Err(format!(
            "`{slug}` is a word that Pipewright's own addresses use; choose another short name."
        ));
    }
    Ok(slug)
}

/// A slug made of a name, or of the part of an e-mail address before the @; always a legal one. Letters of other alphabets
/// are written in Latin ones: `Ölfabrik` becomes `olfabrik`.
pub(crate) fn suggest(name: &str) -> String {
    let name = any_ascii(name.split('@').next().unwrap_or_default());
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() >= LONGEST - 4 {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-').to_owned();
    check(&slug).unwrap_or_else(|_| {
        if slug.is_empty() {
            "person".to_owned()
        } else {
            format!("{slug}-1")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{RESERVED, check, suggest};

    #[test]
    fn only_legal_and_free_words_are_slugs() {
        for good in ["harbor", "harbor-team", "a", "42", "h-1"] {
            assert_eq!(check(good), Ok(good.to_owned()));
        }
        assert_eq!(check(" Harbor "), Ok("harbor".to_owned()));
        for bad in [
            "",
            "-a",
            "a-",
            "a b",
            "a/b",
            "größe",
            "..",
            "a.b",
            &"x".repeat(41),
        ] {
            check(bad).expect_err("is refused");
        }
        for word in RESERVED {
            check(word).expect_err("is reserved");
        }
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn a_suggestion_is_always_legal() {
        for (name, expected) in [
            ("Mara Lindqvist", "mara-lindqvist"),
            ("mara@example.com", "mara"),
            ("Team Ölfabrik & Söhne", "team-olfabrik-sohne"),
            ("日本", "riben"),
            ("Москва", "moskva"),
            ("🦀", "crab"),
            ("…", "person"),
            ("Admin", "admin-1"),
            ("--a--", "a"),
        ] {
            assert_eq!(suggest(name), expected);
        }
        for name in ["x".repeat(200).as_str(), "settings", "!!!", "Ünï"] {
            check(&suggest(name)).expect("is legal");
        }
    }
}
