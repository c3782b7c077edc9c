//! Deliveries of Bitbucket Cloud.

use pipewright_core::CommitHash;
use pipewright_core::git::RefKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::event::{
    Actor, Change, ChangeKind, DecodeError, Event, HeadCommit, PullRequestAction, PullRequestEvent,
    Push, UnreadableChange,
};
use crate::cloud::wire;
use crate::cloud::{named_repository, person, pull_request, remote_commit};
use crate::lenient;
use crate::remote::{NamedRepository, RefOrRefused};

/// Nothing is demanded that is not used: null and another shape count as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PushBody {
    #[serde(deserialize_with = "lenient::or_default")]
    repository: wire::Repository,
    #[serde(deserialize_with = "lenient::or_default")]
    actor: Option<wire::User>,
    push: Option<PushChanges>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PushChanges {
    changes: Option<Vec<Value>>,
}

/// Keys that are absent in some captures default to false; `commits` is not read, because the head is `new.target`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PushChange {
    #[serde(deserialize_with = "lenient::or_default")]
    new: Option<wire::Ref>,
    #[serde(deserialize_with = "lenient::or_default")]
    old: Option<wire::Ref>,
    #[serde(deserialize_with = "lenient::or_default")]
    truncated: Option<bool>,
    #[serde(deserialize_with = "lenient::or_default")]
    forced: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct PullRequestBody {
    #[serde(default, deserialize_with = "lenient::or_default")]
    repository: wire::Repository,
    #[serde(default, deserialize_with = "lenient::or_default")]
    actor: Option<wire::User>,
    pullrequest: wire::PullRequest,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RepositoryBody {
    #[serde(deserialize_with = "lenient::or_default")]
    repository: wire::Repository,
    changes: Value,
}

pub(super) fn decode(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    match event_key {
        "repo:push" => push(event_key, body),
        "pullrequest:created" => pull_request_event(event_key, body, PullRequestAction::Opened),
        "pullrequest:updated" | "pullrequest:push" => {
            pull_request_event(event_key, body, PullRequestAction::Updated)
        }
        "pullrequest:fulfilled" => pull_request_event(event_key, body, PullRequestAction::Merged),
        "pullrequest:rejected" => pull_request_event(event_key, body, PullRequestAction::Declined),
        "repo:updated" => updated(event_key, body),
        "repo:transfer" => {
            let body: RepositoryBody = parse(event_key, body)?;
            let repository = some_repository(event_key, body.repository)?;
            Ok(Event::RepositoryMoved {
                repository,
                old_full_name: None,
            })
        }
        "repo:deleted" => {
            let body: RepositoryBody = parse(event_key, body)?;
            let repository = some_repository(event_key, body.repository)?;
            Ok(Event::RepositoryDeleted { repository })
        }
        _ => Ok(Event::Ignored {
            event_key: event_key.chars().take(60).collect(),
        }),
    }
}

fn parse<T: DeserializeOwned>(event_key: &str, body: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(body).map_err(|error| DecodeError::malformed(event_key, &error))
}

/// The repository, as far as the body says; its id is empty where it does not.
fn repository(mut repository: wire::Repository) -> NamedRepository {
    repository.uuid.get_or_insert_default();
    named_repository(&repository).unwrap_or_default()
}

/// The repository of an event that is about nothing else.
fn some_repository(
    event_key: &str,
    said: wire::Repository,
) -> Result<NamedRepository, DecodeError> {
    let repository = repository(said);
    if repository.address.remote_id.is_empty() && repository.full_name.is_empty() {
        return Err(DecodeError::missing(event_key, "repository"));
    }
    Ok(repository)
}

fn actor(actor: Option<wire::User>) -> Option<Actor> {
    let user = person(actor?);
    Some(Actor {
        id: user.id,
        name: user.name,
        display_name: user.display_name,
        email: None,
    })
}

fn push(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    let body: PushBody = parse(event_key, body)?;
    let changes = body
        .push
        .ok_or_else(|| DecodeError::missing(event_key, "push"))?
        .changes
        .unwrap_or_default();
    let mut push = Push {
        repository: repository(body.repository),
        changes: Vec::with_capacity(changes.len()),
        unreadable: Vec::new(),
        happened_at: None,
        actor: actor(body.actor),
    };
    for (position, found) in changes.into_iter().enumerate() {
        // Each change is read by itself: one that cannot be does not take the others with it.
        match change(serde_json::from_value(found).unwrap_or_default()) {
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

fn change(found: PushChange) -> Result<Change, (Option<RefOrRefused>, &'static str)> {
    let side = found
        .new
        .as_ref()
        .or(found.old.as_ref())
        .ok_or((None, "no ref"))?;
    let kind = match side.kind.as_deref() {
        Some("tag" | "annotated_tag") => RefKind::Tag,
        _ => RefKind::Branch,
    };
    let name = side
        .name
        .as_deref()
        .or_else(|| found.old.as_ref()?.name.as_deref())
        .ok_or((None, "no name of its ref"))?;
    let reference = RefOrRefused::of(kind, name);
    let hash = |side: Option<&wire::Ref>| -> Option<CommitHash> {
        side?.target.as_ref()?.hash.as_ref()?.parse().ok()
    };
    let (old, new) = (hash(found.old.as_ref()), hash(found.new.as_ref()));
    if found.new.is_some() && new.is_none() {
        return Err((Some(reference), "no commit"));
    }
    let kind = match (&found.old, &found.new) {
        (_, None) => ChangeKind::Deleted,
        (None, Some(_)) => ChangeKind::Created,
        (Some(_), Some(_)) => ChangeKind::Updated,
    };
    let head = found
        .new
        .and_then(|side| side.target)
        .and_then(remote_commit);
    Ok(Change {
        reference,
        kind,
        old,
        new,
        // Cloud names the commit of an annotated tag itself.
        new_is_maybe_tag_object: false,
        head: head.map(|commit| HeadCommit {
            message: commit.message,
            author: commit.author,
            date: commit.date,
        }),
        truncated: found.truncated.unwrap_or(false),
        forced: found.forced.unwrap_or(false),
    })
}

fn pull_request_event(
    event_key: &str,
    body: &[u8],
    action: PullRequestAction,
) -> Result<Event, DecodeError> {
    let body: PullRequestBody = parse(event_key, body)?;
    let repository = repository(body.repository);
    let pull_request = pull_request(body.pullrequest)
        .ok_or_else(|| DecodeError::missing(event_key, "pull request number"))?;
    let from_fork = pull_request.is_from_fork();
    let event = PullRequestEvent {
        action,
        repository,
        pull_request,
        previous_source: None,
        from_fork,
        actor: actor(body.actor),
    };
    Ok(Event::PullRequest(Box::new(event)))
}

/// An update counts only where the name changed; descriptions and languages do not matter to us.
fn updated(event_key: &str, body: &[u8]) -> Result<Event, DecodeError> {
    let body: RepositoryBody = parse(event_key, body)?;
    let mut repository = some_repository(event_key, body.repository)?;
    let change = |field: &str, side: &str| {
        body.changes
            .get(field)?
            .get(side)?
            .as_str()
            .map(str::to_owned)
    };
    let new_full_name = change("full_name", "new");
    let new_name = change("name", "new");
    if new_full_name.is_none() && new_name.is_none() {
        return Ok(Event::Ignored {
            event_key: event_key.to_owned(),
        });
    }
    if let Some(name) = new_name {
        repository.name = name;
    }
    if let Some(full_name) = new_full_name {
        if let Some((_, slug)) = full_name.split_once('/') {
            slug.clone_into(&mut repository.address.slug);
        }
        repository.full_name = full_name;
    }
    Ok(Event::RepositoryRenamed {
        repository,
        old_full_name: change("full_name", "old"),
    })
}
