//! Starting `git` with a clean environment.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::GitError;

/// Variables that keep the user's and the machine's configuration out, and hooks and prompts off.
pub(crate) const ENVIRONMENT: [(&str, &str); 6] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("LC_ALL", "C"),
    ("HOME", "/nonexistent"),
];

/// A `git` command in a repository.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    // Variables such as GIT_DIR of a surrounding git hook must not reach us.
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .envs(ENVIRONMENT)
        .arg("--git-dir")
        .arg(directory)
        .arg("--literal-pathspecs");
    command
}

/// Runs `git` with some input and returns its output when it succeeds.
pub(super) fn output(
    directory: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, GitError> {
    let name = arguments.first().copied().unwrap_or_default();
    let start = |source| GitError::Start {
        command: name.to_owned(),
        source,
    };
    let mut child = command(directory)
        .args(arguments)
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    // The input goes in from a thread of its own, so that a full output pipe cannot stop both sides.
    let output = std::thread::scope(|scope| {
        if let Some(mut stdin) = child.stdin.take() {
            // A child that stops reading early says why on its error stream; the broken pipe adds nothing.
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
        }
        child.wait_with_output()
    })
    .map_err(start)?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(GitError::Refused {
            command: name.to_owned(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// Output as text, with whatever is not UTF-8 replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
