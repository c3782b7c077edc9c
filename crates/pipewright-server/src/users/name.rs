//! What people may be called.

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// A name as it is kept, or why it is not taken.
pub(crate) fn checked_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
    {
        return Err(format!("Enter a name of 1 to {LONGEST_NAME} characters."));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::checked_name;

    #[test]
    fn a_name_is_trimmed_and_has_bounds() {
        assert_eq!(checked_name("  Mara "), Ok("Mara".to_owned()));
        for bad in ["", "   ", "a\nb", &"x".repeat(101)] {
            checked_name(bad).expect_err("is refused");
        }
    }
}
