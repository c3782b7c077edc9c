//! Which steps exclude one another: concurrency groups and environments that are deployed to, across the builds of an
//! application.
//!
//! A step has at most one lock of its own while an attempt of it runs: that of its `concurrency-group`, else that of the
//! environment it deploys to. A stage that deploys has its environment's from the begin of its first step to the end of
//! its last one, whatever its steps have beside it. Names of groups may hold variables and differ in upper and lower case,
//! those of environments do not.

use std::fmt;

use super::{Group, GroupKind, Plan};
use crate::variable::expand;

/// Bytes of a lock's name at most; a longer one is cut and told apart by a hash of the whole.
const MAX_NAME: usize = 300;

/// A lock's name: what kind of thing is held, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// A concurrency group.
    Group(String),
    /// An environment, in lower case.
    Environment(String),
}

/// What an attempt of a step must have to begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locks {
    /// Held while the attempt runs.
    pub own: Option<Lock>,
    /// Held by the build until the step's stage is over.
    pub stage: Option<Lock>,
}

impl Lock {
    fn environment(name: &str) -> Self {
        Self::Environment(bounded(name.trim().to_lowercase()))
    }

    /// The word kept in the database.
    pub fn to_word(&self) -> String {
        match self {
            Self::Group(name) => format!("group:{name}"),
            Self::Environment(name) => format!("environment:{name}"),
        }
    }

    /// The lock from its word.
    pub fn parse(word: &str) -> Option<Self> {
        let (kind, name) = word.split_once(':')?;
        match kind {
            "group" => Some(Self::Group(name.to_owned())),
            "environment" => Some(Self::Environment(name.to_owned())),
            _ => None,
        }
    }
}

/// What who has it does: follows "which".
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "holds the concurrency group {name}"),
            Self::Environment(name) => write!(f, "deploys to {name}"),
        }
    }
}

impl Plan {
    /// What the step of this number must have, its variables being known by `value_of`; a variable without a value is empty.
    pub fn locks_of(&self, position: usize, value_of: &dyn Fn(&str) -> Option<String>) -> Locks {
        let (Some(group), Some(step)) = (self.group_of(position), self.step(position)) else {
            return Locks::default();
        };
        let stage = group.lock();
        let named = step
            .concurrency_group
            .as_deref()
            .map(|name| expand(name, value_of))
            .filter(|name| !name.trim().is_empty());
        let own = named
            .map(|name| Lock::Group(bounded(name)))
            .or_else(|| step.deployment.as_deref().map(Lock::environment));
        Locks {
            own: own.or_else(|| stage.clone()),
            stage,
        }
    }

    /// True if a step must have a lock to begin.
    pub fn has_locks(&self) -> bool {
        self.groups.iter().any(|group| group.lock().is_some())
            || self
                .steps()
                .any(|step| step.concurrency_group.is_some() || step.deployment.is_some())
    }

    /// The group that the step of this number is in.
    pub fn group_of(&self, position: usize) -> Option<&Group> {
        let mut end = 0;
        self.groups.iter().find(|group| {
            end += group.steps.len();
            position < end
        })
    }
}

impl Group {
    /// What a stage holds until it is over.
    pub fn lock(&self) -> Option<Lock> {
        self.deployment
            .as_deref()
            .filter(|_| self.kind == GroupKind::Stage)
            .map(Lock::environment)
    }
}

fn bounded(name: String) -> String {
    // PostgreSQL keeps no NUL in text.
    let name = if name.contains('\0') {
        name.replace('\0', "\u{fffd}")
    } else {
        name
    };
    if name.len() <= MAX_NAME {
        return name;
    }
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let kept = name
        .char_indices()
        .take_while(|(at, _)| *at < MAX_NAME - 24)
        .map(|(_, character)| character)
        .collect::<String>();
    format!("{kept}… {hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::{Lock, bounded};

    #[test]
    fn a_lock_reads_back_from_its_word() {
        for lock in [
            Lock::Group("a:b".to_owned()),
            Lock::environment(" Production"),
        ] {
            assert_eq!(Lock::parse(&lock.to_word()), Some(lock));
        }
        assert_eq!(
            Lock::environment("Production"),
            Lock::environment("production")
        );
        assert_eq!(Lock::parse("x"), None);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, two) = (bounded("ö".repeat(4000)), bounded("ö".repeat(4001)));
        assert!(one.len() <= 300 && one != two, "{one}");
    }
}
