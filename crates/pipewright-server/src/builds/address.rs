//! Addresses of builds, in one place: routes are mounted and links are built from them.

/// The page of a build, below the public address.
pub(crate) fn page(account: &str, application: &str, number: i64) -> String {
    format!("/{account}/applications/{application}/builds/{number}")
}
