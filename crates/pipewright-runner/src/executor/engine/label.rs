//! How our containers are told from others: by labels.

use std::collections::HashMap;

/// Whose it is.
pub(super) const OWNER: &str = "app.pipewright.runner";
/// The run it belongs to.
pub(super) const MARK: &str = "app.pipewright.attempt";
/// What it is for.
pub(super) const ROLE: &str = "app.pipewright.role";

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Holds the network of a step.
    Holder,
    /// Runs the scripts.
    Step,
    /// Runs beside them.
    Service,
    /// A pipe of the script.
    Pipe,
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Step => "step",
            Self::Service => "service",
            Self::Pipe => "pipe",
        }
    }
}

/// The labels of a new container. One that is kept ready belongs to no run yet.
pub(super) fn of(owner: &str, mark: Option<&str>, role: Role) -> HashMap<String, String> {
    let mut labels = HashMap::from([
        (OWNER.to_owned(), owner.to_owned()),
        (ROLE.to_owned(), role.as_str().to_owned()),
    ]);
    if let Some(mark) = mark {
        labels.insert(MARK.to_owned(), mark.to_owned());
    }
    labels
}
