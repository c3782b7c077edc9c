//! Patterns over branch and tag names: `main`, `release/*`, `feature/**`, `{main,develop}`.
//!
//! The grammar is that of bitbucket-pipelines.yml, so a person learns one: `*` is any characters but `/`, `**` any
//! characters, `?` one character but `/`, `{a,b}` alternatives, which may nest; upper and lower case differ. Everything
//! else, square brackets and backslashes too, stands for itself. `**/` where a directory may begin also matches none.

mod glob;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::glob::{Glob, Score};

/// The text was not a usable pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not a pattern: {reason}; use a name, *, **, ? or {{a,b}}")]
pub struct PatternError {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A name or glob over names, compiled. At most 500 bytes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RefPattern {
    text: String,
    glob: Glob,
}

impl RefPattern {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True where the pattern has no wildcard: it names one ref.
    pub fn is_exact(&self) -> bool {
        !self.text.contains(['*', '?', '{'])
    }

    /// True if the short name of a branch or tag matches.
    pub fn matches(&self, short: &str) -> bool {
        if self.is_exact() {
            self.text == short
        } else {
            self.glob.matches(short)
        }
    }
}

/// How closely a pattern describes a name that it matches; the greater of two is the more specific.
///
/// A name before any pattern; then the more characters that are written out and not left to wildcards, of alternatives those
/// of the one that matched; then the fewer `**`, the fewer `*`, the fewer `?`; then a pattern that has no alternatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    is_exact: bool,
    score: Score,
    is_one: bool,
}

impl RefPattern {
    /// How closely it describes the short name of a branch or tag; none where it does not match.
    pub fn specificity(&self, short: &str) -> Option<Specificity> {
        let is_exact = self.is_exact();
        let score = if is_exact {
            (self.text == short).then(Score::default)
        } else {
            self.glob.score(short)
        };
        Some(Specificity {
            is_exact,
            score: score?,
            is_one: !self.text.contains('{'),
        })
    }
}

impl FromStr for RefPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let refuse = |reason: String| PatternError {
            pattern: text.chars().take(200).collect(),
            reason,
        };
        if text.trim().is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if text.len() > 500 {
            return Err(refuse("it is longer than 500 bytes".to_owned()));
        }
        let glob = Glob::compile(text).map_err(|reason| refuse(reason.to_owned()))?;
        Ok(Self {
            text: text.to_owned(),
            glob,
        })
    }
}

impl TryFrom<String> for RefPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<RefPattern> for String {
    fn from(pattern: RefPattern) -> Self {
        pattern.text
    }
}

impl PartialEq for RefPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RefPattern {}

impl fmt::Debug for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefPattern({:?})", self.text)
    }
}

impl fmt::Display for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::RefPattern;

    #[rstest]
    #[case("main", "main", true)]
    #[case("main", "Main", false)]
    #[case("*", "main", true)]
    #[case("*", "feature/x", false)]
    #[case("**", "feature/x", true)]
    #[case("feature/*", "feature/x", true)]
    #[case("feature/*", "feature/x/y", false)]
    #[case("feature/**", "feature/x/y", true)]
    #[case("**/x", "a/b/x", true)]
    #[case("release-?", "release-7", true)]
    #[case("release-?", "release-17", false)]
    #[case("{main,develop}", "develop", true)]
    #[case("{main,develop}", "other", false)]
    #[case("a[b]", "a[b]", true)]
    #[case("a[b]*", "a[b]c", true)]
    #[case("feature**", "feature/x/y", true)]
    #[case("**-hotfix", "team/x-hotfix", true)]
    #[case("**-hotfix", "team/x-fix", false)]
    #[case("**/*.py", "setup.py", true)]
    #[case("**/*.py", "a/b/setup.py", true)]
    #[case("a/**/b", "a/b", true)]
    #[case("a/**/b", "a/x/y/b", true)]
    #[case("a/**/b", "ab", false)]
    #[case("**/**/x", "x", true)]
    #[case("a/**/**/b", "a/b", true)]
    #[case("x**/b", "xb", false)]
    #[case("feature/**", "feature", false)]
    #[case("release-?", "release-/", false)]
    #[case("{release,hot{fix,}}/*", "hotfix/1", true)]
    #[case("{release,hot{fix,}}/*", "hot/1", true)]
    #[case("{release,hot{fix,}}/*", "hotel/1", false)]
    #[case("{**/,}x", "a/b/x", true)]
    #[case("a,b*", "a,bc", true)]
    #[case("a\\*", "a\\b", true)]
    #[case("*é?", "xéü", true)]
    #[case("*", "", true)]
    #[case("***", "a/b", true)]
    fn a_pattern_matches(#[case] pattern: &str, #[case] name: &str, #[case] expected: bool) {
        let pattern: RefPattern = pattern.parse().expect("a pattern");
        assert_eq!(pattern.matches(name), expected);
    }

    /// Patterns that make a naive matcher try every split of the name.
    #[test]
    fn a_hostile_pattern_costs_little() {
        for pattern in ["**a".repeat(160), "*a".repeat(250), "{a,*a}".repeat(80)] {
            let pattern: RefPattern = pattern.parse().expect("a pattern");
            assert!(pattern.matches(&"a".repeat(2000)));
            assert!(!pattern.matches(&format!("{}b", "a".repeat(2000))));
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for text in [
            "",
            "  ",
            "{a",
            "a}",
            "{a,{b}",
            &"x".repeat(501),
            &format!("{}{}", "{".repeat(9), "}".repeat(9)),
        ] {
            assert!(text.parse::<RefPattern>().is_err(), "{text:?}");
        }
    }

    #[rstest]
    // Each is a part of what the next one matches.
    #[case("feature/a", &["feature/a", "feature/?", "feature/*", "feature/**", "**"])]
    #[case("feature/a/b", &["feature/a/*", "feature/**", "*/**", "**"])]
    #[case("main", &["main", "{main,develop}", "mai?", "ma*", "*"])]
    #[case("release-1", &["release-*", "{feature/*,hotfix/*,release-*}", "*", "**"])]
    #[case("a/b", &["a/b", "{a/{b,c},x}", "**/b", "**b", "**"])]
    #[case("b", &["b", "**/b"])]
    fn the_narrower_pattern_is_the_more_specific(#[case] name: &str, #[case] patterns: &[&str]) {
        let specificities: Vec<_> = patterns
            .iter()
            .map(|text| {
                let pattern: RefPattern = text.parse().expect("a pattern");
                assert!(pattern.matches(name), "{text}");
                pattern.specificity(name).expect("it matches")
            })
            .collect();
        for (pair, texts) in specificities.windows(2).zip(patterns.windows(2)) {
            assert!(pair[0] > pair[1], "{texts:?}: {pair:?}");
        }
    }

    #[test]
    fn a_pattern_has_a_specificity_exactly_where_it_matches() {
        let patterns = [
            "a",
            "*",
            "**/a",
            "{a,b/**}",
            "?{x,}",
            "a*{b,*}c",
            "{,a}{,b}{,c}",
        ];
        for text in patterns {
            let pattern: RefPattern = text.parse().expect("a pattern");
            for name in ["a", "b", "b/c", "ax", "abc", "a/c", "x/y/a", ""] {
                assert_eq!(
                    pattern.specificity(name).is_some(),
                    pattern.matches(name),
                    "{text} {name}"
                );
            }
        }
    }
}
