//! Deliveries of Bitbucket Server and Data Center, versions 5 to 10.

use pipewright_core::CommitHash;
use pipewright_core::git::RefKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::event::{
    Actor, Change, ChangeKind, DecodeError, Event, HeadCommit, PullRequestAction, PullRequestEvent,
    Push, UnreadableChange,
};
use crate::datacenter::wire;
use crate::datacenter::{named_repository, pull_request, remote_commit};
use crate::date::read_date_value;
use crate::lenient;
use crate::remote::{CommitId, NamedRepository, RefOrRefused};

/// Nothing is demanded that is not used: null and another shape count as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PushBody {
    #[serde(deserialize_with = "lenient::or_default")]
    repository: wire::Repository,
    #[serde(deserialize_with = "lenient::or_default")]
    actor: Option<wire::User>,
    date: Value,
    changes: Option<Vec<Value>>,
    /// The newest five commits, on newer servers.
    #[serde(deserialize_with = "lenient::each")]
    commits: Vec<wire::Commit>,
    /// The commit at the end of the change, on newer servers.
    #[serde(deserialize_with = "lenient::or_default")]
    to_commit: Option<wire::Commit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PushChange {
    #[serde(rename = "ref", deserialize_with = "lenient::or_default")]
    reference: Option<wire::Ref>,
    #[serde(deserialize_with = "lenient::or_default")]
    ref_id: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    from_hash: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    to_hash: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::or_default")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestBody {
    pull_request: wire::PullRequest,
    #[serde(default, deserialize_with = "lenient::or_default")]
    actor: Option<wire::User>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    previous_from_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ModifiedBody {
    #[serde(default, deserialize_with = "lenient::or_default")]
    old: Option<wire::Repository>,
    new: wire::Repository,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RepositoryBody {
    #[serde(deserialize_with = "lenient::or_default")]
    repository: wire::Repository,
}

pub(super) fn decode(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    match event_key {
        "repo:refs_changed" => push(event_key, body),
        "pr:opened" => pull_request_event(event_key, body, PullRequestAction::Opened),
        "pr:from_ref_updated" | "pr:to_ref_updated" | "pr:modified" => {
            pull_request_event(event_key, body, PullRequestAction::Updated)
        }
        "pr:merged" => pull_request_event(event_key, body, PullRequestAction::Merged),
        "pr:declined" => pull_request_event(event_key, body, PullRequestAction::Declined),
        "pr:deleted" => pull_request_event(event_key, body, PullRequestAction::Deleted),
        "repo:modified" => modified(event_key, body),
        "repo:deleted" => {
            let body: RepositoryBody = parse(event_key, body)?;
            Ok(Event::RepositoryDeleted {
                repository: some_repository(event_key, body.repository)?,
            })
        }
        "diagnostics:ping" => Ok(Event::Ping),
        _ => Ok(Event::Ignored {
            event_key: event_key.chars().take(60).collect(),
        }),
    }
}

fn parse<T: DeserializeOwned>(event_key: &str, body: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(body).map_err(|error| DecodeError::malformed(event_key, &error))
}

/// The repository, as far as the body says; its id is empty where it does not.
fn repository(repository: wire::Repository) -> NamedRepository {
    if let Some(named) = named_repository(&repository) {
        return named;
    }
    let id = repository.id;
    let loose = wire::Repository {
        id: Some(id.unwrap_or_default()),
        slug: Some(repository.slug.clone().unwrap_or_default()),
        ..repository
    };
    let mut named = named_repository(&loose).unwrap_or_default();
    if id.is_none() {
        named.address.remote_id.clear();
    }
    named
}

/// The repository of an event that is about nothing else.
fn some_repository(
    event_key: &str,
    said: wire::Repository,
) -> Result<NamedRepository, DecodeError> {
    let repository = repository(said);
    if repository.address.remote_id.is_empty() && repository.address.slug.is_empty() {
        return Err(DecodeError::missing(event_key, "repository"));
    }
    Ok(repository)
}

fn actor(actor: Option<wire::User>) -> Option<Actor> {
    let actor = actor?;
    let name = actor.name.unwrap_or_default();
    Some(Actor {
        id: actor.id.map(|id| id.to_string()).unwrap_or_default(),
        display_name: actor.display_name.unwrap_or_else(|| name.clone()),
        name,
        email: actor.email_address,
    })
}

fn push(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    let body: PushBody = parse(event_key, body)?;
    let changes = body.changes.unwrap_or_default();
    let known = KnownCommits {
        alone: changes.len() == 1,
        to_commit: body.to_commit,
        commits: body.commits,
    };
    let mut push = Push {
        repository: repository(body.repository),
        changes: Vec::with_capacity(changes.len()),
        unreadable: Vec::new(),
        happened_at: read_date_value(&body.date),
        actor: actor(body.actor),
    };
    for (position, found) in changes.into_iter().enumerate() {
        // Each change is read by itself: one that cannot be does not take the others with it.
        match change(&serde_json::from_value(found).unwrap_or_default(), &known) {
            Ok(change) => push.changes.push(change),
            Err((reference, what)) => push.unreadable.push(UnreadableChange {
                position,
                reference,
                what: what.to_owned(),
            }),
        }
    }
    Ok(Event::Push(push))
}

/// The commits that a delivery carries beside its changes.
struct KnownCommits {
    /// True where the push has one change, which `to_commit` is then about.
    alone: bool,
    to_commit: Option<wire::Commit>,
    commits: Vec<wire::Commit>,
}

impl KnownCommits {
    fn by_hash(&self, hash: &CommitHash) -> Option<&wire::Commit> {
        let is_it = |commit: &&wire::Commit| {
            commit
                .id
                .as_deref()
                .is_some_and(|id| id.eq_ignore_ascii_case(hash.as_str()))
        };
        self.to_commit.iter().chain(&self.commits).find(is_it)
    }
}

fn change(
    found: &PushChange,
    known: &KnownCommits,
) -> Result<Change, (Option<RefOrRefused>, &'static str)> {
    let full = found
        .reference
        .as_ref()
        .and_then(|reference| reference.id.as_deref())
        .or(found.ref_id.as_deref());
    let reference = RefOrRefused::full(full.ok_or((None, "no name of its ref"))?);
    // "No commit" is forty zeros here (trap T11), which is no commit hash to us.
    let hash = |text: Option<&str>| text.and_then(|text| text.parse::<CommitHash>().ok());
    let (old, new) = (
        hash(found.from_hash.as_deref()),
        hash(found.to_hash.as_deref()),
    );
    let kind = match (found.kind.as_deref(), &old, &new) {
        (Some("DELETE"), _, _) | (None, _, None) => ChangeKind::Deleted,
        (_, _, None) => return Err((Some(reference), "no commit")),
        (Some("ADD"), _, _) | (_, None, _) => ChangeKind::Created,
        _ => ChangeKind::Updated,
    };
    let new = new.filter(|_| kind != ChangeKind::Deleted);
    let is_tag = reference
        .name()
        .is_none_or(|name| name.kind() == RefKind::Tag);
    let peeled = new.map(|new| peel(new, is_tag, known));
    let head = peeled
        .as_ref()
        .and_then(|(new, _)| known.by_hash(new))
        .cloned()
        .and_then(remote_commit);
    Ok(Change {
        reference,
        kind,
        old,
        new_is_maybe_tag_object: peeled.as_ref().is_some_and(|(_, maybe)| *maybe),
        new: peeled.map(|(new, _)| new),
        head: head.map(|commit| HeadCommit {
            message: commit.message,
            author: commit.author,
            date: commit.date,
        }),
        truncated: false,
        forced: false,
    })
}

/// The commit that a ref now points to, and whether that may still be a tag object (trap T12).
fn peel(new: CommitHash, is_tag: bool, known: &KnownCommits) -> (CommitHash, bool) {
    if !is_tag || known.by_hash(&new).is_some() {
        return (new, false);
    }
    let to_commit = known
        .to_commit
        .as_ref()
        .filter(|_| known.alone)
        .and_then(|commit| commit.id.as_deref()?.parse().ok());
    match to_commit {
        Some(commit) => (commit, false),
        None => (new, true),
    }
}

fn pull_request_event(
    event_key: &str,
    body: &[u8],
    action: PullRequestAction,
) -> Result<Event, DecodeError> {
    let body: PullRequestBody = parse(event_key, body)?;
    let pull_request = pull_request(body.pull_request)
        .ok_or_else(|| DecodeError::missing(event_key, "pull request number"))?;
    if pull_request.destination.repository.is_none() && pull_request.destination.reference.is_none()
    {
        return Err(DecodeError::missing(event_key, "destination"));
    }
    let repository = pull_request
        .destination
        .repository
        .clone()
        .unwrap_or_default();
    let from_fork = pull_request.is_from_fork();
    let previous_source = body.previous_from_hash.as_deref().and_then(CommitId::parse);
    Ok(Event::PullRequest(Box::new(PullRequestEvent {
        action,
        repository,
        pull_request,
        previous_source,
        from_fork,
        actor: actor(body.actor),
    })))
}

/// A repository that changed: moved, renamed, or in some way that does not matter to us.
fn modified(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    let body: ModifiedBody = parse(event_key, body)?;
    let old = body.old.as_ref().and_then(named_repository);
    let new = some_repository(event_key, body.new)?;
    let old_full_name = old.as_ref().map(|old| old.full_name.clone());
    Ok(match old {
        // Keys are compared as the product does: without regard to case (trap T14).
        Some(old) if !old.address.space.eq_ignore_ascii_case(&new.address.space) => {
            Event::RepositoryMoved {
                repository: new,
                old_full_name,
            }
        }
        Some(old) if old.address.slug == new.address.slug && old.name == new.name => {
            Event::Ignored {
                event_key: event_key.to_owned(),
            }
        }
        _ => Event::RepositoryRenamed {
            repository: new,
            old_full_name,
        },
    })
}
