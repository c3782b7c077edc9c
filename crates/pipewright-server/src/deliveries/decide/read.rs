//! From a stored body to candidates.

use pipewright_bitbucket::facade::Product;
use pipewright_bitbucket::remote::{CommitId, PullRequestState, RefOrRefused};
use pipewright_bitbucket::webhook::{
    Change, DecodeError, Event, PullRequestAction, PullRequestEvent, Push, UnreadableChange, decode,
};
use pipewright_core::Timestamp;
use pipewright_store::builds::PullRequestDetail;

use super::candidate::{Candidate, PullRequestChange, PullRequestCommit, RefMove};
use super::differences::{COMPARED, Differences};

/// From this many changes on, refs are compared as well: Bitbucket is said to leave some out of large pushes.
const MANY_CHANGES: usize = 5;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadDelivery {
    /// What is to be decided, in order.
    pub(crate) candidates: Vec<Candidate>,
    /// True where the refs are to be compared afterwards.
    pub(crate) compare: bool,
    /// True where the repository is to be read again: it was renamed, moved or deleted.
    pub(crate) refresh_repository: bool,
}

/// Where a delivery comes from, as far as reading it must know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    /// Which Bitbucket speaks.
    pub(crate) product: Product,
    /// Bitbucket's id of the repository whose webhook it came by.
    pub(crate) remote_id: &'a str,
    /// True for one of our own: refs were compared. The event's name alone proves nothing, because anybody who knows the
    /// secret can send it.
    pub(crate) is_our_own: bool,
}

/// Reads a delivery's body.
pub(crate) fn read(
    from: From<'_>,
    event_key: &str,
    body: &[u8],
) -> Result<ReadDelivery, DecodeError> {
    if event_key == COMPARED && from.is_our_own {
        let differences: Differences =
            serde_json::from_slice(body).map_err(|error| DecodeError::Malformed {
                event_key: event_key.to_owned(),
                detail: error.to_string(),
            })?;
        let newest = differences.newest;
        let candidates = differences
            .changes
            .into_iter()
            .map(|change| Candidate::Ref(change.into_move(newest)))
            .collect();
        return Ok(ReadDelivery {
            candidates,
            ..ReadDelivery::default()
        });
    }
    let event = decode(from.product, event_key, body)?;
    // A body that says nothing of its repository is taken at the webhook's word.
    if let Some(id) = event.repository_id()
        && !id.eq_ignore_ascii_case(from.remote_id)
    {
        let name = match event.repository_name() {
            "" => "another repository".to_owned(),
            name => name.chars().take(200).collect(),
        };
        return Ok(other(
            "other_repository",
            format!(
                "This delivery is about {name}, but its webhook belongs to this repository: nothing is built."
            ),
        ));
    }
    Ok(match event {
        Event::Push(push) if push.changes.is_empty() && push.unreadable.is_empty() => {
            ReadDelivery {
                compare: true,
                ..other(
                    "no_changes",
                    "Bitbucket names no changed ref in this delivery, so the refs are compared instead.",
                )
            }
        }
        Event::Push(push) => ReadDelivery {
            compare: push.changes.len() >= MANY_CHANGES,
            candidates: changes(push),
            refresh_repository: false,
        },
        Event::PullRequest(event) => ReadDelivery {
            candidates: vec![pull_request(*event)],
            ..ReadDelivery::default()
        },
        Event::RepositoryRenamed { repository, .. } => ReadDelivery {
            refresh_repository: true,
            ..other(
                "repository_renamed",
                format!("The repository is called {} now.", repository.full_name),
            )
        },
        Event::RepositoryMoved { .. } => ReadDelivery {
            refresh_repository: true,
            ..other(
                "repository_moved",
                "The repository was moved; its new place is asked for.",
            )
        },
        Event::RepositoryDeleted { repository } => ReadDelivery {
            refresh_repository: true,
            ..other(
                "repository_deleted",
                format!(
                    "The repository {} was deleted at Bitbucket.",
                    repository.full_name
                ),
            )
        },
        Event::Ping => other(
            "ping",
            "Bitbucket tested the connection; there is nothing to build.",
        ),
        Event::Ignored { event_key } => other(
            "not_of_interest",
            format!("Nothing is built for the event {event_key}."),
        ),
    })
}

fn other(reason: &'static str, sentence: impl Into<String>) -> ReadDelivery {
    ReadDelivery {
        candidates: vec![Candidate::Other {
            reason,
            sentence: sentence.into(),
        }],
        ..ReadDelivery::default()
    }
}

/// The changes of a push in Bitbucket's order, those that cannot be read in their places.
fn changes(push: Push) -> Vec<Candidate> {
    let happened_at = push.happened_at;
    let mut all: Vec<Candidate> = push
        .changes
        .into_iter()
        .map(|change| ref_change(change, happened_at))
        .collect();
    for odd in push.unreadable {
        let at = odd.position.min(all.len());
        all.insert(at, incomplete(odd));
    }
    all
}

fn incomplete(odd: UnreadableChange) -> Candidate {
    let ref_name = odd.reference.as_ref().map(|reference| match reference {
        RefOrRefused::Ref(name) => name.full().to_owned(),
        RefOrRefused::Refused { name, .. } => name.clone(),
    });
    Candidate::Incomplete {
        ref_name,
        old: None,
        new: None,
        reason: "unreadable",
        sentence: format!(
            "This change has {}, so the refs are compared instead.",
            odd.what
        ),
    }
}

fn ref_change(change: Change, happened_at: Option<Timestamp>) -> Candidate {
    let name = match change.reference {
        RefOrRefused::Ref(name) => name,
        RefOrRefused::Refused { name, reason } => return Candidate::RefusedName { name, reason },
    };
    Candidate::Ref(RefMove {
        name,
        old: change.old,
        new: change.new,
        message: change.head.map(|head| head.message),
        may_be_tag_object: change.new_is_maybe_tag_object,
        object: None,
        happened_at,
        compared: None,
    })
}

fn pull_request(event: PullRequestEvent) -> Candidate {
    let request = event.pull_request;
    let ref_name = request.source.reference.as_ref().map(ToString::to_string);
    let not_built = |reason, sentence: String| Candidate::PullRequestNotBuilt {
        id: request.id,
        ref_name: ref_name.clone(),
        reason,
        sentence,
    };
    // An update of a request that is no longer open (a title changed after the merge) asks for no build.
    let closed = match event.action {
        PullRequestAction::Opened | PullRequestAction::Updated
            if request.state == PullRequestState::Open =>
        {
            None
        }
        PullRequestAction::Merged => Some("merged"),
        PullRequestAction::Deleted => Some("deleted"),
        _ => Some("closed"),
    };
    if let Some(how) = closed {
        return not_built(
            "pull_request_closed",
            format!(
                "Pull request #{} was {how}: there is nothing to build.",
                request.id
            ),
        );
    }
    // Before anything is read of the source: a stranger's branch must not reach a runner, whatever else the event says.
    if event.from_fork {
        let from = request
            .source
            .repository
            .as_ref()
            .map_or("a fork", |repository| repository.full_name.as_str());
        return not_built(
            "fork",
            format!(
                "Pull request #{} comes from {from}; pull requests from forks are not built, because their code is not trusted.",
                request.id
            ),
        );
    }
    let Some(source) = request
        .source
        .reference
        .as_ref()
        .and_then(|reference| reference.name())
        .cloned()
    else {
        return not_built(
            "no_source",
            format!(
                "The branch of pull request #{} is gone or has a name that git refuses.",
                request.id
            ),
        );
    };
    let commit = match &request.source.commit {
        Some(CommitId::Full(hash)) => PullRequestCommit::Known(hash.clone()),
        Some(CommitId::Short(digits)) => PullRequestCommit::Short(digits.clone()),
        None => {
            return not_built(
                "no_source",
                format!("Pull request #{} names no commit to build.", request.id),
            );
        }
    };
    let destination = request
        .destination
        .reference
        .as_ref()
        .and_then(|reference| reference.name());
    Candidate::PullRequest(Box::new(PullRequestChange {
        source,
        commit,
        previous: event
            .previous_source
            .as_ref()
            .and_then(|commit| commit.full())
            .cloned(),
        changed_at: request.updated_at,
        detail: PullRequestDetail {
            id: request.id,
            title: request.title.chars().take(300).collect(),
            destination: destination
                .map(|name| name.short().to_owned())
                .unwrap_or_default(),
            destination_commit: request.destination.commit.as_ref().map(ToString::to_string),
            merged: None,
            is_new: event.action == PullRequestAction::Opened,
        },
    }))
}

#[cfg(test)]
mod tests {
    use pipewright_bitbucket::facade::Product;

    use super::{Candidate, DecodeError, From, ReadDelivery};

    /// Reads it as a delivery of the repository that the bodies here are about.
    fn read(product: Product, event_key: &str, body: &[u8]) -> Result<ReadDelivery, DecodeError> {
        let remote_id = match product {
            Product::Cloud => "{1}",
            Product::DataCenter => "1",
        };
        let from = From {
            product,
            remote_id,
            is_our_own: false,
        };
        super::read(from, event_key, body)
    }

    fn hash(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    #[test]
    fn t1_every_change_of_a_push_is_read() {
        let change = |name: &str, digit| serde_json::json!({"new": {"type": "branch", "name": name, "target": {"hash": hash(digit)}}, "old": null, "created": true});
        let changes: Vec<_> = ('a'..='f')
            .map(|digit| change(&format!("branch-{digit}"), digit))
            .collect();
        let body = serde_json::json!({
            "repository": {"uuid": "{1}", "full_name": "acme/site", "name": "site"},
            "push": {"changes": changes},
        });
        let read = read(Product::Cloud, "repo:push", body.to_string().as_bytes()).expect("a push");
        assert_eq!(read.candidates.len(), 6);
        assert!(read.compare, "a large push may be cut short");
        assert!(
            read.candidates
                .iter()
                .all(|candidate| matches!(candidate, Candidate::Ref(_)))
        );
    }

    #[test]
    fn t11_a_deleted_ref_is_one_without_a_commit_on_both_products() {
        let cloud = serde_json::json!({
            "repository": {"uuid": "{1}", "full_name": "acme/site", "name": "site"},
            "push": {"changes": [{"old": {"type": "branch", "name": "gone", "target": {"hash": hash('a')}}, "new": null, "closed": true}]},
        });
        let data_center = serde_json::json!({
            "repository": {"id": 1, "slug": "site", "name": "site", "project": {"key": "ACME", "id": 1, "name": "Acme"}},
            "changes": [{"ref": {"id": "refs/heads/gone", "displayId": "gone", "type": "BRANCH"}, "refId": "refs/heads/gone",
                         "fromHash": hash('a'), "toHash": hash('0'), "type": "DELETE"}],
        });
        for (product, key, body) in [
            (Product::Cloud, "repo:push", cloud),
            (Product::DataCenter, "repo:refs_changed", data_center),
        ] {
            let read = read(product, key, body.to_string().as_bytes()).expect("a push");
            let [Candidate::Ref(moved)] = read.candidates.as_slice() else {
                panic!("one ref: {read:?}")
            };
            assert_eq!(
                (moved.name.full(), moved.new.as_ref()),
                ("refs/heads/gone", None)
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_sentence() {
        for body in ["", "{", "[]", "null", "{\"push\": 7}"] {
            let error = read(Product::Cloud, "repo:push", body.as_bytes()).expect_err("no push");
            assert!(error.to_string().contains("repo:push"), "{error}");
        }
    }

    #[test]
    fn one_change_that_cannot_be_read_stands_in_its_place_among_the_others() {
        let body = serde_json::json!({
            "repository": {"uuid": "{1}"},
            "push": {"changes": [
                {"new": {"type": "branch", "name": "first", "target": {"hash": hash('a')}}},
                {"new": {"type": "branch", "name": "odd", "target": null}},
                {"new": {"type": "tag", "name": "last", "target": {"hash": hash('b')}}},
            ]},
        });
        let read = read(Product::Cloud, "repo:push", body.to_string().as_bytes()).expect("a push");
        let [
            Candidate::Ref(first),
            Candidate::Incomplete {
                ref_name, sentence, ..
            },
            Candidate::Ref(last),
        ] = read.candidates.as_slice()
        else {
            panic!("three in order: {read:?}")
        };
        assert_eq!(
            (first.name.short(), ref_name.as_deref(), last.name.short()),
            ("first", Some("refs/heads/odd"), "last")
        );
        assert!(sentence.contains("no commit"), "{sentence}");
    }

    #[test]
    fn a_delivery_about_another_repository_builds_nothing_and_one_that_names_none_is_taken() {
        let cloud = |uuid: serde_json::Value| {
            serde_json::json!({
                "repository": {"uuid": uuid, "full_name": "evil/other"},
                "push": {"changes": [{"new": {"type": "branch", "name": "main", "target": {"hash": hash('a')}}}]},
            })
        };
        let data_center = |id: serde_json::Value| {
            serde_json::json!({
                "repository": {"id": id, "slug": "other", "project": {"key": "EVIL"}},
                "changes": [{"refId": "refs/heads/main", "toHash": hash('a'), "type": "ADD"}],
            })
        };
        let pull_request = serde_json::json!({
            "repository": {"uuid": "{9}", "full_name": "evil/other"},
            "pullrequest": {"id": 7, "state": "OPEN"},
        });
        let (null, cloud_key) = (serde_json::Value::Null, "repo:push");
        let table = [
            (Product::Cloud, cloud_key, cloud("{9}".into()), false),
            (Product::Cloud, cloud_key, cloud("{1}".into()), true),
            (Product::Cloud, cloud_key, cloud(null.clone()), true),
            (Product::Cloud, "pullrequest:created", pull_request, false),
            (
                Product::DataCenter,
                "repo:refs_changed",
                data_center(9.into()),
                false,
            ),
            (
                Product::DataCenter,
                "repo:refs_changed",
                data_center(1.into()),
                true,
            ),
            (
                Product::DataCenter,
                "repo:refs_changed",
                data_center(null),
                true,
            ),
        ];
        for (product, key, body, is_ours) in table {
            let read = read(product, key, body.to_string().as_bytes()).expect("an event");
            let [candidate] = read.candidates.as_slice() else {
                panic!("one: {read:?}")
            };
            match candidate {
                Candidate::Other { reason, sentence } => {
                    assert!(!is_ours && *reason == "other_repository", "{body}");
                    assert!(sentence.to_lowercase().contains("evil/other"), "{sentence}");
                }
                other => assert!(is_ours, "{other:?} of {body}"),
            }
        }
    }

    #[test]
    fn only_we_ourselves_compare_refs() {
        let body = serde_json::json!({"changes": [{"name": "refs/heads/main", "new": hash('a')}]});
        let read = |is_our_own| {
            let from = From {
                product: Product::Cloud,
                remote_id: "{1}",
                is_our_own,
            };
            super::read(from, super::COMPARED, body.to_string().as_bytes()).expect("an event")
        };
        assert!(matches!(read(true).candidates[0], Candidate::Ref(_)));
        assert!(matches!(
            read(false).candidates[0],
            Candidate::Other {
                reason: "not_of_interest",
                ..
            }
        ));
    }
}
