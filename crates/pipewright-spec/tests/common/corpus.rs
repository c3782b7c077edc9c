//! The shared corpus of real files.

use std::fs;
use std::path::PathBuf;

/// The 146 real files, or `None` with a printed line where the directory is not given.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let Some(shared) = std::env::var_os("PIPEWRIGHT_SHARED") else {
        eprintln!(
            "skipped: PIPEWRIGHT_SHARED does not name the directory with fixtures/pipelines-corpus"
        );
        return None;
    };
    let directory = PathBuf::from(shared).join("fixtures/pipelines-corpus");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .map(|path| {
            (
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                fs::read(&path).expect("a corpus file"),
            )
        })
        .collect();
    files.sort();
    assert!(files.len() >= 146, "the whole corpus");
    Some(files)
}
