//! People and service accounts.

/// The account behind a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUser {
    /// What never changes: the UUID in braces on Cloud, the number as text on Data Center (empty for the synthetic user
    /// of a project's or repository's access token, which has none to show).
    pub id: String,
    /// The short name: nickname on Cloud, user name on Data Center.
    pub name: String,
    /// What people call them.
    pub display_name: String,
    /// The e-mail address, where this answer says.
    pub email: Option<String>,
    /// True for an account that no person signs in with.
    pub service: bool,
}
