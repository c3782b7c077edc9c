//! The body of a delivery that comparing refs makes: what differs.

use std::collections::HashMap;

use pipewright_core::{CommitHash, RefName};
use serde::{Deserialize, Serialize};

use super::candidate::RefMove;

/// The event of such a delivery.
pub(crate) const COMPARED: &str = "pipewright:refs_compared";

/// What differs, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Differences {
    /// The newest move that was decided before the refs were listed.
    #[serde(default)]
    pub(crate) newest: i64,
    /// Each ref that does not stand where it was decided to stand.
    pub(crate) changes: Vec<Difference>,
}

/// One ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// Its name.
    pub(crate) name: RefName,
    /// Where it stood when it was last decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<CommitHash>,
    /// Where it stands; none once it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<CommitHash>,
}

impl Difference {
    /// The move, with the newest one that was decided before the refs were listed.
    pub(crate) fn into_move(self, newest: i64) -> RefMove {
        RefMove {
            name: self.name,
            old: self.old,
            new: self.new,
            message: None,
            may_be_tag_object: false,
            object: None,
            happened_at: None,
            compared: Some(newest),
        }
    }
}

/// Compares what was decided with what is there: what moved and appeared first, in the remote's order, then what is gone.
pub(crate) fn differences(
    decided: &[(RefName, CommitHash)],
    remote: &[(RefName, CommitHash)],
) -> Vec<Difference> {
    let before: HashMap<&RefName, &CommitHash> = decided
        .iter()
        .map(|(name, commit)| (name, commit))
        .collect();
    let now: HashMap<&RefName, &CommitHash> =
        remote.iter().map(|(name, commit)| (name, commit)).collect();
    let moved = remote
        .iter()
        .filter(|(name, commit)| before.get(name) != Some(&commit))
        .map(|(name, commit)| Difference {
            name: name.clone(),
            old: before.get(name).map(|commit| (*commit).clone()),
            new: Some(commit.clone()),
        });
    let gone = decided
        .iter()
        .filter(|(name, _)| !now.contains_key(name))
        .map(|(name, commit)| Difference {
            name: name.clone(),
            old: Some(commit.clone()),
            new: None,
        });
    moved.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use pipewright_core::{CommitHash, RefName};
    use proptest::prelude::*;

    use super::{Difference, differences};

    fn pair(name: &str, digit: char) -> (RefName, CommitHash) {
        (
            RefName::branch(name).expect("a branch"),
            digit.to_string().repeat(40).parse().expect("a commit"),
        )
    }

    #[test]
    fn moved_new_and_gone_are_found_and_the_rest_is_not() {
        let decided = [pair("same", 'a'), pair("moved", 'a'), pair("gone", 'a')];
        let remote = [
            pair("same", 'a'),
            pair("moved", 'b'),
            pair("größe/日本", 'c'),
        ];
        let found = differences(&decided, &remote);
        let change = |name: &str, old: Option<char>, new: Option<char>| Difference {
            name: RefName::branch(name).expect("a branch"),
            old: old.map(|digit| pair("x", digit).1),
            new: new.map(|digit| pair("x", digit).1),
        };
        assert_eq!(
            found,
            [
                change("moved", Some('a'), Some('b')),
                change("größe/日本", None, Some('c')),
                change("gone", Some('a'), None)
            ]
        );
    }

    proptest! {
        #[test]
        fn applying_the_differences_gives_the_remote(
            decided in proptest::collection::btree_map(0_u8..20, 0_u8..4, 0..20),
            remote in proptest::collection::btree_map(0_u8..20, 0_u8..4, 0..20),
        ) {
            let list = |map: &std::collections::BTreeMap<u8, u8>| map.iter()
                .map(|(name, commit)| pair(&format!("b{name}"), char::from(b'a' + commit))).collect::<Vec<_>>();
            let (decided, remote) = (list(&decided), list(&remote));
            let mut result: std::collections::BTreeMap<_, _> = decided.iter().cloned().collect();
            for change in differences(&decided, &remote) {
                match change.new {
                    Some(commit) => { result.insert(change.name, commit); }
                    None => { result.remove(&change.name); }
                }
            }
            prop_assert_eq!(result, remote.into_iter().collect());
        }
    }
}
