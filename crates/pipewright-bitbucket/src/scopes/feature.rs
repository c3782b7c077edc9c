//! What we can do with a connection, and which scopes each of it needs.

use super::set::ScopeSet;

/// One thing that a connection to Bitbucket Cloud is good for. A missing permission stops exactly its feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Know who connected, list workspaces and repositories, read and clone them.
    Repositories,
    /// Show builds beside commits.
    BuildStatus,
    /// Hear of pushes at once, by webhook.
    Webhooks,
    /// Build pull requests.
    PullRequests,
    /// Put our SSH key on the person's account for them.
    RegisterUserKey,
    /// Put our SSH key on each repository.
    DeployKeys,
}

impl Feature {
    /// All features, in the order in which people should read them.
    pub const ALL: [Self; 6] = [
        Self::Repositories,
        Self::BuildStatus,
        Self::Webhooks,
        Self::PullRequests,
        Self::RegisterUserKey,
        Self::DeployKeys,
    ];

    /// The word kept in the database and used by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repositories => "repositories",
            Self::BuildStatus => "build_status",
            Self::Webhooks => "webhooks",
            Self::PullRequests => "pull_requests",
            Self::RegisterUserKey => "register_user_key",
            Self::DeployKeys => "deploy_keys",
        }
    }

    /// The feature from its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.as_str() == word)
    }

    /// What it is, in a few words for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Repositories => "List and clone your repositories",
            Self::BuildStatus => "Show builds beside commits",
            Self::Webhooks => "Build as soon as something is pushed",
            Self::PullRequests => "Build pull requests",
            Self::RegisterUserKey => "Add the SSH key to your account for you",
            Self::DeployKeys => "Add an SSH key to each repository",
        }
    }

    /// Why it is wanted, in a sentence for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Repositories => {
                "So that you can choose a repository and Pipewright can read and clone it."
            }
            Self::BuildStatus => {
                "So that commits and pull requests show whether their build passed."
            }
            Self::Webhooks => {
                "So that Bitbucket tells Pipewright about each push. Without it Pipewright looks every few minutes."
            }
            Self::PullRequests => {
                "So that pull requests are built when they are opened and changed."
            }
            Self::RegisterUserKey => {
                "So that you need not copy the SSH key yourself. It grants the right to change your account."
            }
            Self::DeployKeys => {
                "So that each repository has its own read-only key. It grants the right to administer repositories."
            }
        }
    }

    /// The scopes it needs. `pullrequest` brings `repository` with it.
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Repositories => &["account", "repository"],
            Self::BuildStatus => &["repository"],
            Self::Webhooks => &["webhook", "repository"],
            Self::PullRequests => &["pullrequest"],
            Self::RegisterUserKey => &["account:write"],
            Self::DeployKeys => &["repository:admin", "repository"],
        }
    }

    /// The scopes of an API token that it needs; there, no scope implies another.
    const fn needs_of_api_token(self) -> &'static [&'static str] {
        match self {
            Self::Repositories => &[
                "read:user:bitbucket",
                "read:workspace:bitbucket",
                "read:repository:bitbucket",
            ],
            Self::BuildStatus => &["read:repository:bitbucket"],
            Self::Webhooks => &[
                "read:webhook:bitbucket",
                "write:webhook:bitbucket",
                "delete:webhook:bitbucket",
            ],
            Self::PullRequests => &["read:pullrequest:bitbucket"],
            Self::RegisterUserKey => &[
                "read:ssh-key:bitbucket",
                "write:ssh-key:bitbucket",
                "delete:ssh-key:bitbucket",
            ],
            Self::DeployKeys => &[
                "admin:repository:bitbucket",
                "write:ssh-key:bitbucket",
                "delete:ssh-key:bitbucket",
            ],
        }
    }
}

/// The features that are on unless somebody chooses otherwise.
pub const fn default_features() -> &'static [Feature] {
    &[
        Feature::Repositories,
        Feature::BuildStatus,
        Feature::Webhooks,
        Feature::PullRequests,
    ]
}

/// The scopes to ask for: what the features need, without what comes with another one of them.
pub fn needed(features: &[Feature]) -> ScopeSet {
    let all: ScopeSet = features
        .iter()
        .flat_map(|feature| feature.needs())
        .copied()
        .collect();
    let others = |scope: &str| -> ScopeSet { all.iter().filter(|other| *other != scope).collect() };
    all.iter()
        .filter(|scope| !others(scope).allows(scope))
        .collect()
}

/// The boxes to tick for an API token.
pub fn api_token_scopes(features: &[Feature]) -> Vec<&'static str> {
    let mut scopes: Vec<_> = features
        .iter()
        .flat_map(|feature| feature.needs_of_api_token())
        .copied()
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::catalogue::{ScopeUse, entry};
    use super::{Feature, api_token_scopes, default_features, needed};

    #[rstest]
    #[case(default_features(), "account pullrequest webhook")]
    #[case(&[Feature::Repositories], "account repository")]
    #[case(&[Feature::Repositories, Feature::RegisterUserKey], "account:write repository")]
    #[case(&[Feature::DeployKeys], "repository repository:admin")]
    #[case(&[Feature::PullRequests, Feature::DeployKeys], "pullrequest repository:admin")]
    #[case(&[], "")]
    fn a13_exactly_what_the_features_need_is_asked_for(
        #[case] features: &[Feature],
        #[case] scopes: &str,
    ) {
        assert_eq!(needed(features).to_string(), scopes);
    }

    #[test]
    fn a13_no_feature_needs_what_the_table_never_asks_for() {
        for scope in needed(&Feature::ALL).iter() {
            assert_ne!(
                entry(scope).expect("a known scope").used,
                ScopeUse::Never,
                "{scope}"
            );
        }
        for scope in needed(default_features()).iter() {
            assert_eq!(
                entry(scope).expect("a known scope").used,
                ScopeUse::Default,
                "{scope}"
            );
        }
    }

    #[test]
    fn a13_what_the_table_asks_for_is_needed_by_a_feature() {
        let asked = super::super::catalogue::CATALOGUE
            .iter()
            .filter(|entry| entry.used != ScopeUse::Never);
        for entry in asked {
            let uses_it = Feature::ALL
                .iter()
                .any(|feature| feature.needs().contains(&entry.scope));
            assert!(uses_it, "{} is asked for, and nothing uses it", entry.scope);
        }
    }

    #[test]
    fn words_come_back_and_the_minimum_of_an_api_token_is_named() {
        assert!(
            Feature::ALL
                .into_iter()
                .all(|feature| Feature::parse(feature.as_str()) == Some(feature))
        );
        let minimum = api_token_scopes(default_features());
        assert_eq!(minimum.len(), 7);
        assert!(minimum.contains(&"read:workspace:bitbucket"));
    }
}
