//! Variables that a step hands to later ones: the file that its script writes (bitbucket-pipelines-yml.md §5.4).
//!
//! The file is the script's to write, so it is read as hostile: only a regular file, never a link, never more than
//! [`FILE_BYTES`]. What the plan does not declare fails the step; what is empty is not handed on.

use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pipewright_core::dotenv;
use pipewright_core::plan::StepPlan;
use rustix::fs::OFlags;

use super::directories::StepDirectories;

/// The largest file that is read, in bytes: variables are for words; files travel as artifacts.
pub const FILE_BYTES: usize = 64 << 10;

/// The longest value, in bytes: a process is given at most 128 KiB a variable, and later steps are given all of them.
pub const VALUE_BYTES: usize = 32 << 10;

/// How much of a value the log shows, in characters.
const SHOWN: usize = 200;

/// The variable that names the file.
pub(super) const PATH_VARIABLE: &str = "BITBUCKET_PIPELINES_VARIABLES_PATH";

/// Where the file is; it need not exist.
fn path(directories: &StepDirectories) -> PathBuf {
    path_in(&directories.tmp)
}

/// The same in the step's directory of temporary files, wherever that is seen.
pub(super) fn path_in(tmp: &Path) -> PathBuf {
    tmp.join("pipeline-variables.env")
}

/// Makes the empty file where the step declares variables.
pub(super) fn prepare(plan: &StepPlan, directories: &StepDirectories) -> io::Result<()> {
    if plan.output_variables.is_empty() {
        return Ok(());
    }
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path(directories))
        .map(drop)
}

/// Reads what the script wrote. An error is a sentence that fails the step.
pub(super) fn collect(
    plan: &StepPlan,
    directories: &StepDirectories,
) -> Result<Vec<(String, String)>, String> {
    if plan.output_variables.is_empty() {
        return Ok(Vec::new());
    }
    let text = match read(&path(directories)) {
        Ok(text) => text,
        // The script removed it: it hands on nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(format!(
                "The file of output variables cannot be read: {error}."
            ));
        }
    };
    let entries = dotenv::parse(&text)
        .map_err(|error| format!("The file of output variables has a mistake on {error}."))?;
    let mut variables: Vec<(String, String)> = Vec::new();
    for entry in entries {
        let name = entry.name;
        if !plan.output_variables.contains(&name) {
            let declared = plan.output_variables.join(", ");
            return Err(format!(
                "The variable {name} is not defined in the output variables of this step ({declared}); add it to `output-variables`, or do not write it to ${PATH_VARIABLE}."
            ));
        }
        let Some(value) = entry.value else {
            return Err(format!(
                "The file of output variables has a mistake on line {}: {name} has no value; write {name}=value.",
                entry.line
            ));
        };
        if value.len() > VALUE_BYTES {
            return Err(format!(
                "The output variable {name} has {} bytes, more than {VALUE_BYTES}; hand larger things on as an artifact.",
                value.len()
            ));
        }
        if !value.is_empty() {
            variables.retain(|(other, _)| *other != name);
            variables.push((name, value));
        }
    }
    Ok(variables)
}

/// The lines that show variables of earlier steps at the beginning of a later one's log; control characters as escapes.
pub fn describe(variables: &[(String, String)]) -> Vec<String> {
    let heading = (!variables.is_empty()).then(|| "Variables from earlier steps:".to_owned());
    heading
        .into_iter()
        .chain(
            variables
                .iter()
                .map(|(name, value)| format!("  {name}={}", shown(value))),
        )
        .collect()
}

/// On one line, and cut.
fn shown(value: &str) -> String {
    let mut text = String::new();
    for (index, character) in value.chars().enumerate() {
        if index == SHOWN {
            text.push('…');
            break;
        }
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

fn read(path: &Path) -> io::Result<String> {
    // A pipe that the script put there must not be waited for, and a link not be followed.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(
            "it is not a regular file any more; append to it with >>",
        ));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES {
        return Err(io::Error::other(format!(
            "it is larger than {} KiB; hand larger things on as an artifact",
            FILE_BYTES >> 10
        )));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn values_are_shown_on_one_line_each_and_cut() {
        let variables = [
            ("A", "one\ntwo\u{1d}+ \u{1b}[31m".to_owned()),
            ("B", "ü".repeat(300)),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let lines = describe(&variables);
        assert_eq!(lines[0], "Variables from earlier steps:");
        assert_eq!(lines[1], "  A=one\\ntwo\\u{1d}+ \\u{1b}[31m");
        assert_eq!(lines[2].chars().count(), "  B=".len() + 200 + 1);
        assert!(describe(&[]).is_empty());
    }
}
