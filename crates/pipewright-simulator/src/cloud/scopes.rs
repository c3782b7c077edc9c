//! Scopes: which there are, what they imply, and how Bitbucket labels them on its pages.

use std::collections::BTreeSet;

/// Scope and label, in the order of the consumer form.
pub(super) const CATALOGUE: [(&str, &str); 25] = [
    ("account", "Account: Read"),
    ("account:write", "Account: Write"),
    ("email", "Account: Email"),
    ("team", "Workspace membership: Read"),
    ("team:write", "Workspace membership: Write"),
    ("project", "Projects: Read"),
    ("project:write", "Projects: Write"),
    ("project:admin", "Projects: Admin"),
    ("repository", "Repositories: Read"),
    ("repository:write", "Repositories: Write"),
    ("repository:admin", "Repositories: Admin"),
    ("repository:delete", "Repositories: Delete"),
    ("pullrequest", "Pull requests: Read"),
    ("pullrequest:write", "Pull requests: Write"),
    ("issue", "Issues: Read"),
    ("issue:write", "Issues: Write"),
    ("wiki", "Wikis: Read and write"),
    ("snippet", "Snippets: Read"),
    ("snippet:write", "Snippets: Write"),
    ("webhook", "Webhooks: Read and write"),
    ("pipeline", "Pipelines: Read"),
    ("pipeline:write", "Pipelines: Write"),
    ("pipeline:variable", "Pipelines: Edit variables"),
    ("runner", "Runners: Read"),
    ("runner:write", "Runners: Write"),
];

/// Whether such a scope exists.
pub(super) fn is_known(scope: &str) -> bool {
    CATALOGUE.iter().any(|(name, _)| *name == scope)
}

/// How Bitbucket calls a scope on its pages.
pub(super) fn label(scope: &str) -> &str {
    CATALOGUE
        .iter()
        .find(|(name, _)| *name == scope)
        .map_or(scope, |(_, label)| label)
}

fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "pullrequest:write" => &["pullrequest", "repository:write"],
        "pullrequest" | "repository:write" | "project" => &["repository"],
        "account:write" => &["account"],
        "issue:write" => &["issue"],
        "snippet:write" => &["snippet"],
        "team:write" => &["team"],
        "pipeline:variable" => &["pipeline:write"],
        "pipeline:write" => &["pipeline"],
        "project:write" => &["project:admin"],
        "runner:write" => &["runner"],
        _ => &[],
    }
}

/// A set of scopes with everything they imply.
pub(super) fn closure<'a>(scopes: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open: Vec<String> = scopes.into_iter().cloned().collect();
    while let Some(scope) = open.pop() {
        open.extend(implied(&scope).iter().map(|scope| (*scope).to_owned()));
        all.insert(scope);
    }
    all
}

/// Only the scopes that no other one of the set implies, as the `granted` list of a 403 shows them.
pub(super) fn collapsed(scopes: &[String]) -> Vec<String> {
    let implied_by_others = |scope: &String| {
        scopes
            .iter()
            .any(|other| other != scope && closure([other]).contains(scope))
    };
    scopes
        .iter()
        .filter(|scope| !implied_by_others(scope))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn implications_are_followed_to_their_end() {
        let all = closure(&owned(&["pullrequest:write"]));
        assert!(
            [
                "pullrequest:write",
                "pullrequest",
                "repository:write",
                "repository"
            ]
            .iter()
            .all(|scope| all.contains(*scope))
        );
        assert!(!closure(&owned(&["repository:admin"])).contains("repository"));
    }

    #[test]
    fn the_collapsed_list_holds_the_strongest_only() {
        assert_eq!(
            collapsed(&owned(&["repository", "pullrequest", "account"])),
            owned(&["pullrequest", "account"])
        );
    }
}
