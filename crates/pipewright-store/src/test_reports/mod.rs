//! What tests said: totals of an attempt, cases of an application, and what became of each case in each attempt.
//!
//! A case is one row however many builds ran it, so that a result is small; its id is made of the application, the step, the suite
//! and the name, so that it is found without asking. What is told of a build is what the last attempt of each of its steps said;
//! earlier attempts stay for the history of a case. All of it goes with its build ([`crate::retention::remove_build`]).

mod history;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use history::{
    CaseName, CaseResult, PastBuild, PastResult, case, of_case, past_builds, past_results,
};
pub use read::{CaseFilter, CaseRow, StepTests, by_step, cases, flaky, summaries};
pub(crate) use write::{forget_cases_of, insert};

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    [history::ALL, read::ALL, write::ALL].into_iter().flatten()
}

/// Ids as JSON, as the statements that look for several want them.
fn list(ids: impl IntoIterator<Item = uuid::Uuid>) -> sqlx::types::Json<Vec<uuid::Uuid>> {
    sqlx::types::Json(ids.into_iter().collect())
}
