//! Text that must not be shown: a token, a password, a private key.
//!
//! A [`Secret`] has no `Display`, a redacted `Debug`, does not serialise, and is wiped when dropped. Reading it takes
//! the word [`Secret::expose`], so that a reviewer finds every place with one search.

use std::fmt;

use zeroize::Zeroizing;

/// A piece of text that is never shown, logged or serialised by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text; the caller should hold no other copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Name in a comment where it goes if that is not plain.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True where nothing was entered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_does_not_show_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
