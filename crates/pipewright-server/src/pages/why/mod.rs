//! "Why did this run, or not?": for an application, what came of a branch, a tag, a pull request or a commit, in plain
//! sentences, newest first. All of it stands in the database and in the mirror on disk; nothing waits on Bitbucket.
//!
//! `asked` reads the one field, `hearing` says how pushes come to us at all, `gather` what happened, `told` says
//! it of one build, `advice` says what to change.

mod advice;
mod asked;
mod gather;
mod hearing;
mod page;
mod told;

pub(super) use page::routes;

#[cfg(test)]
mod samples;
