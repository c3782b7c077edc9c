//! People.

use jiff::Timestamp;
use uuid::Uuid;

use super::ids::UserId;

/// A person or bot that can sign in, push and be granted permissions.
#[derive(Debug, Clone)]
pub struct User {
    /// Number shown by Data Center.
    pub id: UserId,
    /// Identity shown by Cloud, in braces.
    pub uuid: Uuid,
    /// Atlassian account id shown by Cloud.
    pub account_id: String,
    /// Name used to sign in, unique without regard to case.
    pub name: String,
    /// The name as it stands in addresses: lower case, other characters than letters, digits, `-`, `_`, `.` as `_`.
    pub slug: String,
    /// Name for people.
    pub display_name: String,
    /// The one (primary, confirmed) e-mail address; commits are matched to users by it.
    pub email: String,
    /// Password in clear: this is a simulator, and the demonstration prints it.
    pub password: String,
    /// Inactive users cannot sign in.
    pub active: bool,
    /// Whether this is a bot of an access token rather than a person.
    pub service: bool,
    /// Whether the user administers the whole installation (Data Center).
    pub administrator: bool,
    /// Failed passwords since the last good one; Data Center asks for a CAPTCHA after some.
    pub failed_logins: u32,
    /// When the user was made.
    pub created_at: Timestamp,
}

/// The form of a user name that may stand in an address.
pub fn user_slug(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            'a'..='z' | '0'..='9' | '-' | '_' | '.' => character,
            'A'..='Z' => character.to_ascii_lowercase(),
            _ => '_',
        })
        .collect()
}
