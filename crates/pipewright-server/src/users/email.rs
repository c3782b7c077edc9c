//! E-mail addresses as names of users. Nothing is ever sent to them, so only the shape is looked at.

use pipewright_store::users::email_key;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;

/// The address as it is kept, or the sentence that says why it is not taken.
pub(crate) fn checked_email(text: &str) -> Result<String, String> {
    let email = email_key(text);
    let shaped = email
        .split_once('@')
        .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    if !shaped
        || email.len() > LONGEST
        || email
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err("Enter an e-mail address such as mara@example.com.".to_owned());
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::checked_email;

    #[test]
    fn an_address_has_two_halves_and_is_kept_in_lower_case() {
        assert_eq!(
            checked_email(" Mara@Example.COM "),
            Ok("mara@example.com".to_owned())
        );
        for bad in [
            "",
            "mara",
            "@example.com",
            "mara@",
            "a@b@c",
            "a b@c",
            &format!("{}@b", "x".repeat(260)),
        ] {
            checked_email(bad).expect_err("is refused");
        }
    }
}
