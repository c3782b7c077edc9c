//! Every OAuth scope of Bitbucket Cloud, as of November 2026.

/// What we do with a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeUse {
    /// Asked for by default.
    Default,
    /// Asked for when the feature that needs it is switched on.
    OptIn,
    /// Comes with another one; never asked for by name.
    Implied,
    /// Never asked for.
    Never,
}

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeEntry {
    /// Its name in requests and answers.
    pub scope: &'static str,
    /// Its label in the form where a consumer is made ("Account: Read"); none where the form does not offer it.
    pub label: Option<&'static str>,
    /// What a person is told before they grant it.
    pub told: &'static str,
    /// What it allows at Bitbucket.
    pub allows: &'static str,
    /// The scopes that come with it, directly.
    pub implies: &'static [&'static str],
    /// What we do with it.
    pub used: ScopeUse,
}

const fn row(
    scope: &'static str,
    label: Option<&'static str>,
    told: &'static str,
    allows: &'static str,
    implies: &'static [&'static str],
    used: ScopeUse,
) -> ScopeEntry {
    ScopeEntry {
        scope,
        label,
        told,
        allows,
        implies,
        used,
    }
}

use ScopeUse::{Default, Implied, Never, OptIn};

/// Every scope, grouped as the consumer form groups them. `repository:admin`, `repository:delete` and `project:admin` imply
/// nothing: not even reading the source.
pub const CATALOGUE: &[ScopeEntry] = &[
    row(
        "account",
        Some("Account: Read"),
        "See who you are and which workspaces you belong to",
        "read the account, its SSH keys and its workspaces with their members and projects",
        &[],
        Default,
    ),
    row(
        "account:write",
        Some("Account: Write"),
        "Change your account, including your SSH keys",
        "change the account; add and remove its SSH keys",
        &["account"],
        OptIn,
    ),
    row(
        "email",
        Some("Account: Email"),
        "See your e-mail addresses",
        "read the primary and all other e-mail addresses",
        &[],
        Never,
    ),
    row(
        "team",
        Some("Workspace membership: Read"),
        "See which workspaces you belong to",
        "nothing that another scope does not: a leftover of teams",
        &[],
        Never,
    ),
    row(
        "team:write",
        Some("Workspace membership: Write"),
        "Manage your workspaces",
        "no longer anything: a leftover of teams",
        &["team"],
        Never,
    ),
    row(
        "project",
        Some("Projects: Read"),
        "See your projects and their repositories",
        "read project settings and the repositories inside projects",
        &["repository"],
        Never,
    ),
    row(
        "project:write",
        None,
        "Administer your projects",
        "the old name of project:admin",
        &["project:admin"],
        Never,
    ),
    row(
        "project:admin",
        Some("Projects: Admin"),
        "Administer your projects",
        "create, change and delete projects; access keys of projects",
        &[],
        Never,
    ),
    row(
        "repository",
        Some("Repositories: Read"),
        "Read your repositories",
        "read and clone source over HTTPS; read branches, tags and commits; write build statuses and reports",
        &[],
        Implied,
    ),
    row(
        "repository:write",
        Some("Repositories: Write"),
        "Change your repositories",
        "push over HTTPS; create and delete branches and tags; fork",
        &["repository"],
        Never,
    ),
    row(
        "repository:admin",
        Some("Repositories: Admin"),
        "Administer your repositories",
        "access keys, permissions and settings of repositories",
        &[],
        OptIn,
    ),
    row(
        "repository:delete",
        Some("Repositories: Delete"),
        "Delete your repositories",
        "delete repositories",
        &[],
        Never,
    ),
    row(
        "pullrequest",
        Some("Pull requests: Read"),
        "Read your pull requests",
        "list, read and comment on pull requests",
        &["repository"],
        Default,
    ),
    row(
        "pullrequest:write",
        Some("Pull requests: Write"),
        "Change your pull requests",
        "create, approve, decline and merge pull requests",
        &["pullrequest", "repository:write"],
        Never,
    ),
    row(
        "issue",
        Some("Issues: Read"),
        "Read your issues",
        "no longer anything: the issue tracker was switched off on 2026-08-20",
        &[],
        Never,
    ),
    row(
        "issue:write",
        Some("Issues: Write"),
        "Change your issues",
        "no longer anything: the issue tracker was switched off on 2026-08-20",
        &["issue"],
        Never,
    ),
    row(
        "wiki",
        Some("Wikis: Read and write"),
        "Read and change your wikis",
        "no longer anything: wikis were switched off on 2026-08-20",
        &[],
        Never,
    ),
    row(
        "snippet",
        Some("Snippets: Read"),
        "Read your snippets",
        "read snippets",
        &[],
        Never,
    ),
    row(
        "snippet:write",
        Some("Snippets: Write"),
        "Change your snippets",
        "create, change and delete snippets",
        &["snippet"],
        Never,
    ),
    row(
        "webhook",
        Some("Webhooks: Read and write"),
        "See and manage webhooks",
        "list, create, change and delete webhooks, for events whose resource may be read",
        &[],
        Default,
    ),
    row(
        "pipeline",
        Some("Pipelines: Read"),
        "See your Bitbucket Pipelines",
        "read Pipelines runs, deployments and environments",
        &[],
        Never,
    ),
    row(
        "pipeline:write",
        Some("Pipelines: Write"),
        "Start and stop your Bitbucket Pipelines",
        "start, stop and rerun Pipelines",
        &["pipeline"],
        Never,
    ),
    row(
        "pipeline:variable",
        Some("Pipelines: Edit variables"),
        "See and change your Pipelines variables",
        "read and change variables of Pipelines",
        &["pipeline:write"],
        Never,
    ),
    row(
        "runner",
        Some("Runners: Read"),
        "See your Pipelines runners",
        "read the runners of Pipelines",
        &[],
        Never,
    ),
    row(
        "runner:write",
        Some("Runners: Write"),
        "Manage your Pipelines runners",
        "create and remove runners of Pipelines",
        &["runner"],
        Never,
    ),
    row(
        "test",
        None,
        "Read test results",
        "nothing that is documented",
        &[],
        Never,
    ),
    row(
        "test:write",
        None,
        "Change test results",
        "nothing that is documented",
        &["test"],
        Never,
    ),
];

/// The entry of a scope; none for one that Bitbucket invented later.
pub fn entry(scope: &str) -> Option<&'static ScopeEntry> {
    CATALOGUE.iter().find(|entry| entry.scope == scope)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{CATALOGUE, ScopeUse, entry};

    #[test]
    fn every_scope_stands_once_and_implies_only_known_ones() {
        let names: HashSet<_> = CATALOGUE.iter().map(|entry| entry.scope).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for row in CATALOGUE {
            assert!(
                row.implies.iter().all(|implied| entry(implied).is_some()),
                "{}",
                row.scope
            );
            assert!(!row.told.is_empty() && !row.allows.is_empty());
        }
    }

    #[test]
    fn a20_issues_wiki_snippets_and_team_are_never_asked_for() {
        for family in ["issue", "wiki", "snippet", "team"] {
            let rows: Vec<_> = CATALOGUE
                .iter()
                .filter(|row| row.scope.split(':').next() == Some(family))
                .collect();
            assert!(
                !rows.is_empty() && rows.iter().all(|row| row.used == ScopeUse::Never),
                "{family}"
            );
        }
    }
}
