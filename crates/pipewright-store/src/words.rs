//! Enums that a `TEXT` column keeps as a word.
//!
//! The words are those of the column's CHECK. A word that no version wrote is an error of the row, never a default.

/// A word in a column that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {noun}; was this database written by a newer version?")]
pub struct UnknownWord {
    /// What the column holds.
    pub noun: &'static str,
    /// What it held.
    pub word: String,
}

/// Declares an enum and its words: `words! { /// Doc. Kind, "kind of thing" { /// Doc. First = "first", } }`.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident, $noun:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $type {
            /// The word that the database keeps.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::UnknownWord;

            fn try_from(word: String) -> Result<Self, $crate::UnknownWord> {
                match word.as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord { noun: $noun, word }),
                }
            }
        }
    };
}
