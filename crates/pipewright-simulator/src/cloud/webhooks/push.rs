//! `repo:push`: one element of `changes` per moved ref.
//!
//! | case | what is special |
//! |---|---|
//! | update | all links |
//! | forced | no `links.diff` |
//! | new branch | `old: null`, no `links.diff` |
//! | deleted | `new: null`, neither `links` nor `commits` |
//! | tag | no `commits` (so in every capture), `links.commits` only |
//! | more than five commits | `truncated`, the five newest |

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cloud::wire::{self, CommitForm, ReferenceForm, Render, in_path};
use crate::git::{CommitInfo, CommitRange, GitError, GitRef};
use crate::installation::Installation;
use crate::state::{RefChange, RefTarget, RepositoryId, ref_name};

/// A change lists this many commits at most.
const MOST_COMMITS: usize = 5;

/// A change with what git knows about it.
pub(super) struct Gathered {
    change: RefChange,
    old: Option<(GitRef, CommitInfo)>,
    new: Option<(GitRef, CommitInfo)>,
    /// Newest first, one more than is shown if there are more.
    commits: Vec<CommitInfo>,
}

/// Asks git about each change.
pub(super) fn gather(
    installation: &Installation,
    repository: RepositoryId,
    changes: &[RefChange],
) -> Result<Vec<Gathered>, GitError> {
    let git = installation.git();
    let moved: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    let refs: BTreeMap<String, GitRef> = git
        .all_refs(repository)?
        .into_iter()
        .map(|found| (found.name.clone(), found))
        .collect();
    // What was there before this push: refs it did not touch, and the old values of those it did.
    let known: Vec<String> = refs
        .values()
        .filter(|found| !moved.contains(&found.name.as_str()))
        .map(|found| found.target.commit.clone())
        .chain(
            changes
                .iter()
                .filter_map(|change| change.old.as_ref().map(|old| old.commit.clone())),
        )
        .collect();
    let side = |name: &str,
                target: &Option<RefTarget>|
     -> Result<Option<(GitRef, CommitInfo)>, GitError> {
        let Some(target) = target else {
            return Ok(None);
        };
        let described = match refs.get(name).filter(|found| found.target == *target) {
            Some(found) => found.clone(),
            None => GitRef {
                name: name.to_owned(),
                target: target.clone(),
                tag_message: None,
                tagger: None,
                tagged_at: None,
                committed_at: None,
            },
        };
        Ok(git
            .commit_info(repository, &target.commit)?
            .map(|commit| (described, commit)))
    };
    let mut gathered = Vec::new();
    for change in changes {
        let commits = match &change.new {
            Some(new) if !ref_name::is_tag(&change.name) => {
                let exclude = match &change.old {
                    Some(old) => vec![old.commit.clone()],
                    None => known.clone(),
                };
                let range = CommitRange {
                    include: vec![new.commit.clone()],
                    exclude,
                    limit: MOST_COMMITS + 1,
                    ..CommitRange::default()
                };
                git.commits(repository, &range)?
            }
            _ => Vec::new(),
        };
        gathered.push(Gathered {
            old: side(&change.name, &change.old)?,
            new: side(&change.name, &change.new)?,
            change: change.clone(),
            commits,
        });
    }
    Ok(gathered)
}

/// The `push` object.
pub(super) fn body(render: Render<'_>, full_name: &str, gathered: &[Gathered]) -> Value {
    json!({ "changes": gathered.iter().map(|one| change(render, full_name, one)).collect::<Vec<_>>() })
}

fn change(render: Render<'_>, full_name: &str, gathered: &Gathered) -> Value {
    let reference = |side: &Option<(GitRef, CommitInfo)>| match side {
        Some((found, commit)) => {
            wire::reference(render, full_name, found, commit, ReferenceForm::Webhook)
        }
        None => Value::Null,
    };
    let truncated = gathered.commits.len() > MOST_COMMITS;
    let mut change = json!({
        "old": reference(&gathered.old),
        "new": reference(&gathered.new),
        "created": gathered.change.old.is_none(),
        "closed": gathered.change.new.is_none(),
        "forced": gathered.change.forced,
        "truncated": truncated,
    });
    if let Some(new) = &gathered.change.new {
        if !ref_name::is_tag(&gathered.change.name) {
            let shown = gathered.commits.iter().take(MOST_COMMITS);
            change["commits"] = shown
                .map(|commit| wire::commit(render, full_name, commit, CommitForm::Listed))
                .collect();
        }
        change["links"] = links(render, full_name, &gathered.change, new);
    }
    change
}

fn links(render: Render<'_>, full_name: &str, change: &RefChange, new: &RefTarget) -> Value {
    let (web, api) = (&render.addresses.web_url, &render.addresses.api_url);
    let hash = &new.commit;
    let commits = |query: String| json!({ "href": format!("{api}/repositories/{full_name}/commits?{query}") });
    if ref_name::is_tag(&change.name) {
        return json!({ "commits": commits(format!("include={hash}")) });
    }
    let Some(old) = &change.old else {
        return json!({
            "commits": commits(format!("include={hash}")),
            "html": { "href": format!("{web}/{full_name}/branch/{}", in_path(ref_name::short(&change.name))) },
        });
    };
    let mut links = json!({
        "commits": commits(format!("include={hash}&exclude={}", old.commit)),
        "html": { "href": format!("{web}/{full_name}/branches/compare/{hash}..{}", old.commit) },
    });
    if !change.forced {
        links["diff"] = json!({ "href": format!("{api}/repositories/{full_name}/diff/{hash}..{}", old.commit) });
    }
    links
}
