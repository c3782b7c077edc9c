//! What every executor does with the environment of a step.

use std::path::Path;

use super::contract::{SeenAs, StartError};
use super::directories::StepDirectories;
use super::{outputs, ssh};

/// Bytes that a process may be given of one variable, with its name (`MAX_ARG_STRLEN`, execve(2)).
const VARIABLE_BYTES: usize = 128 << 10;

/// The variables that depend on where the step finds its directories.
pub(super) fn located(directories: &StepDirectories, seen: &SeenAs) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let of_directories = [
        ("BITBUCKET_CLONE_DIR".to_owned(), text(&seen.build)),
        ("BUILD_DIR".to_owned(), text(&seen.build)),
        (
            outputs::PATH_VARIABLE.to_owned(),
            text(&outputs::path_in(&seen.tmp)),
        ),
    ];
    ssh::variables(directories, seen)
        .into_iter()
        .chain(of_directories)
        .collect()
}

/// Refuses a variable that no process can be given; else the bytes that it takes.
pub(super) fn bytes_of(name: &str, value: &str) -> Result<usize, StartError> {
    if name.contains('\0') || value.contains('\0') {
        return Err(StartError::ZeroByte);
    }
    let bytes = name.len() + value.len() + 2;
    if bytes > VARIABLE_BYTES {
        return Err(StartError::EnvironmentTooLarge);
    }
    Ok(bytes)
}
