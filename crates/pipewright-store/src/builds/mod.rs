//! Builds: one run of a pipeline for one commit and trigger.
//!
//! A build is unique per application, trigger kind, ref and commit where its trigger says so, or per event at Bitbucket where
//! a ref went back to a commit that was built before; it is numbered from 1 in its application. Its state moves only by [`set_state`], conditional on the state it was read in, inside a transaction that
//! holds the row ([`load_run`]).

mod create;
mod detail;
mod list;
mod plan;
mod pushed;
mod run;

pub use create::{Created, NewBuild, create};
pub use detail::{PullRequestDetail, RuleDetail, ScheduleDetail, TriggerDetail};
pub use list::{Build, BuildFilter, by_number, get, list, pipeline_file, plan_of, waiting_before};
pub use plan::{
    CommitText, ToPlan, changed_files, next_to_plan, postpone_planning, repositories_to_plan,
    retry_planning, set_changed_files, set_commit_text, set_detail, set_plan,
};
pub use pushed::{PushedCommit, PushedCommits, pushed_without_build, set_pushed};
pub use run::{
    RunContext, StoredRun, keep_stopper, load_run, reopen, set_begun, set_state, under_way_before,
    under_way_of_ref,
};

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    [create::ALL, list::ALL, plan::ALL, pushed::ALL, run::ALL]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
