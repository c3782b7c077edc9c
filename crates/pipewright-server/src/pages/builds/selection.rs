//! Which pipeline of the file runs for a build, why that one, and why the others do not. Read from the file as it was
//! kept with the build: no I/O beyond the database.

use pipewright_spec::parse;
use pipewright_spec::plan::NotChosen;
use pipewright_store::builds::Build;

use super::diagnostics::{Piece, pieces};
use crate::builds::{FILE_NAME, trigger_of};
use crate::ground::sentence;

/// The choice.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Chosen {
    /// `branches: main`; none where nothing of the file runs for this trigger.
    pub(in crate::pages) pipeline: Option<String>,
    /// Its line; 0 where nothing runs.
    pub(in crate::pages) line: u32,
    /// Why, as a sentence, cut at what is code in it.
    pub(in crate::pages) reason: Vec<Piece>,
    /// The same as a fragment that another sentence goes on with.
    pub(in crate::pages) because: String,
    /// The others, in the order of the file.
    pub(in crate::pages) others: Vec<NotChosen>,
}

/// Chooses once more as planning did: the same file and trigger give the same answer. None where the file is no file
/// that can be read, which its problems say.
pub(in crate::pages) fn of(build: &Build, file: &[u8]) -> Option<Chosen> {
    if file.is_empty() {
        return None;
    }
    let trigger = trigger_of(build.trigger, &build.ref_name, &build.detail);
    let file = parse(FILE_NAME, file).pipeline_file?;
    let others = file.not_chosen(&trigger);
    let (pipeline, line, because) = match file.selection(&trigger) {
        Ok(selection) => (Some(selection.pipeline), selection.line, selection.reason),
        Err(reason) => (None, 0, reason),
    };
    Some(Chosen {
        pipeline,
        line,
        reason: pieces(&sentence(&because)),
        because,
        others,
    })
}
