//! A set of scopes and what it really allows.

use std::collections::BTreeSet;
use std::fmt;

use super::catalogue::entry;

/// A set of scope names, as asked for or as granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Reads a list as Bitbucket writes it: separated by spaces, commas or both.
    pub fn parse(text: &str) -> Self {
        text.split([' ', ',', '\t', '\n'])
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// True where nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that the set allows: itself and all that its scopes imply. Bitbucket often lists only the strongest scope
    /// of a family, so needs are compared with this.
    pub fn closure(&self) -> Self {
        let mut all = BTreeSet::new();
        let mut open: Vec<String> = self.0.iter().cloned().collect();
        while let Some(scope) = open.pop() {
            if let Some(entry) = entry(&scope) {
                open.extend(entry.implies.iter().map(|implied| (*implied).to_owned()));
            }
            all.insert(scope);
        }
        Self(all)
    }

    /// True where the set itself or one of its implications gives the scope.
    pub fn allows(&self, scope: &str) -> bool {
        self.granted_by(scope).is_some()
    }

    /// Which scope of the set gives this one: itself if it is there, else one that implies it.
    pub fn granted_by(&self, scope: &str) -> Option<&str> {
        if let Some(own) = self.0.get(scope) {
            return Some(own);
        }
        self.iter().find(|have| {
            Self([(*have).to_owned()].into())
                .closure()
                .0
                .contains(scope)
        })
    }
}

impl FromIterator<String> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for ScopeSet {
    /// Separated by spaces, as requests want it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::ScopeSet;

    #[rstest]
    #[case(
        "pullrequest:write",
        "pullrequest pullrequest:write repository repository:write"
    )]
    #[case("pullrequest", "pullrequest repository")]
    #[case("repository:write", "repository repository:write")]
    #[case("repository:admin", "repository:admin")]
    #[case("repository:delete", "repository:delete")]
    #[case("project", "project repository")]
    #[case("project:admin", "project:admin")]
    #[case("project:write", "project:admin project:write")]
    #[case("account:write", "account account:write")]
    #[case("account", "account")]
    #[case("email", "email")]
    #[case("webhook", "webhook")]
    #[case("wiki", "wiki")]
    #[case("issue:write", "issue issue:write")]
    #[case("snippet:write", "snippet snippet:write")]
    #[case("team:write", "team team:write")]
    #[case("pipeline:variable", "pipeline pipeline:variable pipeline:write")]
    #[case("runner:write", "runner runner:write")]
    #[case("telepathy:write", "telepathy:write")]
    fn a12_each_scope_implies_what_the_table_says(#[case] scope: &str, #[case] closure: &str) {
        assert_eq!(ScopeSet::parse(scope).closure().to_string(), closure);
    }

    #[rstest]
    #[case("account email")]
    #[case("email,account")]
    #[case(" account, email ")]
    fn lists_are_read_with_spaces_and_commas(#[case] text: &str) {
        assert_eq!(ScopeSet::parse(text).to_string(), "account email");
    }

    #[test]
    fn collapsed_lists_still_allow_what_they_imply() {
        let granted = ScopeSet::parse("pullrequest:write account");
        assert_eq!(granted.granted_by("repository"), Some("pullrequest:write"));
        assert!(granted.allows("account") && !granted.allows("email"));
    }
}
