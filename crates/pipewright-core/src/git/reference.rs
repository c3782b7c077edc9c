//! Full names of branches and tags.
//!
//! Names come from other people's pushes and are hostile input: spaces are refused by git itself, but
//! quotes, `$(…)`, `%` and Unicode are legal. What passes here is what `git check-ref-format` lets pass, so a name can
//! be given to git as one argument, and never begins with a dash because it always begins with `refs/`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text was not the full name of a branch or tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a branch or tag name that git accepts: {reason}")]
pub struct RefNameError {
    /// What was given, cut to 200 characters.
    pub name: String,
    /// Which rule it breaks.
    pub reason: &'static str,
}

/// Whether a ref is a branch or a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefKind {
    /// Under `refs/heads/`.
    Branch,
    /// Under `refs/tags/`.
    Tag,
}

impl RefKind {
    /// "branch" or "tag".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Branch => "refs/heads/",
            Self::Tag => "refs/tags/",
        }
    }
}

/// The full name of a branch or tag: `refs/heads/feature/x`, `refs/tags/v1`. At most 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RefName {
    kind: RefKind,
    full: String,
}

impl RefName {
    /// The branch of this short name.
    pub fn branch(short: &str) -> Result<Self, RefNameError> {
        Self::of(RefKind::Branch, short)
    }

    /// The tag of this short name.
    pub fn tag(short: &str) -> Result<Self, RefNameError> {
        Self::of(RefKind::Tag, short)
    }

    /// The branch or tag of this short name.
    pub fn of(kind: RefKind, short: &str) -> Result<Self, RefNameError> {
        check(short).map_err(|reason| RefNameError {
            name: short.chars().take(200).collect(),
            reason,
        })?;
        Ok(Self {
            kind,
            full: format!("{}{short}", kind.prefix()),
        })
    }

    /// Branch or tag.
    pub const fn kind(&self) -> RefKind {
        self.kind
    }

    /// The name with its `refs/…/` prefix.
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The name without its prefix, as people say it.
    pub fn short(&self) -> &str {
        &self.full[self.kind.prefix().len()..]
    }

    /// True for a branch.
    pub fn is_branch(&self) -> bool {
        self.kind == RefKind::Branch
    }
}

/// The rules of `git check-ref-format`, over the short name.
fn check(short: &str) -> Result<(), &'static str> {
    if short.is_empty() {
        return Err("it is empty");
    }
    if short.len() > 1000 {
        return Err("it is longer than 1,000 bytes");
    }
    if short.starts_with('/') || short.ends_with('/') || short.contains("//") {
        return Err("it begins, ends or is doubled with a slash");
    }
    if short.contains("..") || short.contains("@{") || short == "@" {
        return Err("it contains '..' or '@{'");
    }
    if short.ends_with('.') {
        return Err("it ends with a dot");
    }
    if short
        .split('/')
        .any(|part| part.starts_with('.') || part.to_ascii_lowercase().ends_with(".lock"))
    {
        return Err("a part of it begins with a dot or ends with .lock");
    }
    if short
        .chars()
        .any(|c| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\'))
    {
        return Err("it contains a space, a control character or one of ~^:?*[\\");
    }
    Ok(())
}

impl FromStr for RefName {
    type Err = RefNameError;

    fn from_str(full: &str) -> Result<Self, RefNameError> {
        for kind in [RefKind::Branch, RefKind::Tag] {
            if let Some(short) = full.strip_prefix(kind.prefix()) {
                return Self::of(kind, short);
            }
        }
        Err(RefNameError {
            name: full.chars().take(200).collect(),
            reason: "it is neither under refs/heads/ nor refs/tags/",
        })
    }
}

impl TryFrom<String> for RefName {
    type Error = RefNameError;

    fn try_from(full: String) -> Result<Self, RefNameError> {
        full.parse()
    }
}

impl From<RefName> for String {
    fn from(name: RefName) -> Self {
        name.full
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::RefName;

    #[test]
    fn hostile_but_legal_names_pass_unchanged() {
        for name in [
            "main",
            "feature/x",
            "a'b\"c",
            "$(touch${IFS}pwned)",
            "100%",
            "größe/日本",
            "-rf",
            "a#b",
            "a;b&c|d",
        ] {
            let parsed = RefName::branch(name).expect("git accepts this name");
            assert_eq!(parsed.short(), name);
            assert_eq!(parsed.full().parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_git_refuses_is_refused() {
        for name in [
            "", "a b", "a..b", "a~1", "/a", "a/", "a//b", ".a", "a.lock", "a.", "a\nb", "a:b", "@",
            "a@{b", "a\\b", "a*",
        ] {
            assert!(RefName::branch(name).is_err(), "{name:?} is refused");
        }
        assert!(
            "refs/pull/1".parse::<RefName>().is_err(),
            "only branches and tags have names"
        );
    }
}
