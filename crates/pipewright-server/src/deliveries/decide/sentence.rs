//! The sentences of decisions that the rules do not make themselves.

use pipewright_core::TriggerKind;

/// A build was made.
pub(crate) fn built(number: i64, trigger: TriggerKind, compared: bool) -> String {
    let how = if compared {
        ", found by comparing refs"
    } else {
        ""
    };
    match trigger {
        TriggerKind::Tag => format!("Built as #{number}: a tag was pushed{how}."),
        TriggerKind::PullRequest => format!("Built as #{number}: a pull request."),
        _ => format!("Built as #{number}: a branch was pushed{how}."),
    }
}

/// The same had been built.
pub(crate) fn duplicate(number: i64) -> String {
    format!(
        "Duplicate of #{number}: this change was built before. Rerun that build to build it again."
    )
}

/// The same had been built, and the build was removed since.
pub(crate) const DUPLICATE_GONE: &str =
    "Duplicate: this change was built before, and that build is no longer kept.";

/// A comparison saw the ref where a delivery had told that it went.
pub(crate) fn explained(number: Option<i64>) -> String {
    number.map_or_else(
        || "Already decided: a delivery reported this change, and comparing refs shows that it is the newest.".to_owned(),
        |number| format!("Already built as #{number}: a delivery reported this change, and comparing refs shows that it is the newest."),
    )
}

/// The repository has no application.
pub(crate) const NO_APPLICATION: &str =
    "This repository has no application: there is nothing to build.";

/// What was found by comparing refs had been decided meanwhile.
pub(crate) const KNOWN: &str =
    "Already decided: a delivery brought this change while the refs were being compared.";

/// Somebody stopped a build because its ref is gone.
pub(crate) fn ref_deleted(kind: &str, short: &str) -> String {
    format!("Stopped because the {kind} {short} was deleted.")
}

/// A newer build of the same ref replaces an older one.
pub(crate) fn superseded(number: i64) -> String {
    format!("Stopped because #{number}, a newer build of the same branch, replaces it.")
}
