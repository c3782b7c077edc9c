//! Puts the items of a script together as one shell script (bitbucket-pipelines-yml.md §5.1).
//!
//! One shell runs all items, so `cd`, `export` and functions persist and a construct may be split over items. Before
//! each item its text is printed behind 0x1D (group separator) and a word of this attempt alone, the mark by which the log is
//! folded, and `+ `. A script that looks for the word in its own file can fold its own log as it likes, and nobody else's. The
//! text is data in single quotes there, and code only where it stands verbatim. That the mark stands at the beginning of a
//! line is the log's matter, which knows whether the item before ended its last one.

use pipewright_core::plan::{PipePlan, ScriptItem};

/// Which shell runs the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash, where there is one.
    Bash,
    /// Whatever `/bin/sh` is.
    Sh,
    /// What the image of the step has, which also runs pipes.
    OfImage,
}

/// The variables of a pipe, in the step's directory of temporary files; its number follows.
pub(super) const PIPE_FILE: &str = ".pipe-";

/// What a script with pipes begins with: hands the variables of one over, and waits for its end.
const RUN_PIPE: &str = "pipewright_pipe() {
_pipewright_number=$1; shift
printf '%s\\0' \"$@\" >\"/opt/atlassian/pipelines/agent/tmp/.pipe-$_pipewright_number\"
printf 'pipe %s %s\\n' \"$_pipewright_number\" \"$PWD\" >/opt/atlassian/pipelines/agent/scripts/results
read -r _pipewright_status </opt/atlassian/pipelines/agent/scripts/answers
return \"$_pipewright_status\"
}
";

/// A script that cannot be run here; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A pipe needs a container.
    #[error(
        "the pipe {0} needs a container, which this runner cannot start; write its commands into the script, or use a runner with Docker"
    )]
    Pipe(String),
    /// A zero byte cannot be part of a script.
    #[error("the script contains a zero byte; remove it from the pipeline file")]
    ZeroByte,
}

/// The script's text. `mark_word` is the log's, see [`crate::log::LogWriter::mark_word`]; the first item has the number `first`
/// among all of the step.
pub fn compose(
    items: &[ScriptItem],
    first: usize,
    shell: Shell,
    mark_word: &str,
) -> Result<String, ScriptError> {
    // The server's own files are private; what a step makes is as anywhere else.
    let mut text = String::from("umask 022\nset -e\n");
    if shell == Shell::Bash {
        // Bitbucket's shell is interactive: no history expansion, but aliases work.
        text.push_str("set +H\nshopt -s expand_aliases\n");
    }
    if shell == Shell::OfImage {
        text.push_str("[ -z \"$BASH_VERSION\" ] || { set +H; shopt -s expand_aliases; }\n");
        if items.iter().any(|item| matches!(item, ScriptItem::Pipe(_))) {
            text.push_str(RUN_PIPE);
        }
    }
    for (number, item) in items.iter().enumerate() {
        let of_pipe;
        let (command, shown) = match item {
            ScriptItem::Command(command) => (command, &**command),
            ScriptItem::Pipe(pipe) if shell == Shell::OfImage => {
                of_pipe = call(pipe, first + number);
                (&of_pipe, pipe.name.as_deref().unwrap_or(&pipe.pipe))
            }
            ScriptItem::Pipe(pipe) => return Err(ScriptError::Pipe(pipe.pipe.clone())),
        };
        if command.contains('\0') {
            return Err(ScriptError::ZeroByte);
        }
        let shown = shown.trim_end_matches('\n').replace('\'', "'\\''");
        text.push_str("printf '\\035");
        text.push_str(mark_word);
        text.push_str("+ %s\\n' '");
        text.push_str(&shown);
        text.push_str("'\n");
        text.push_str(command);
        text.push('\n');
    }
    // What a list like `[ -f x ] && y` leaves behind at the end is no failure, as it is none before another item.
    text.push_str(":\n");
    Ok(text)
}

/// The line that runs a pipe. Its values stand in double quotes: the shell puts in what the script has set until then.
fn call(pipe: &PipePlan, number: usize) -> String {
    let mut line = format!("pipewright_pipe {number}");
    for (name, value) in &pipe.variables {
        line.push_str(" \"");
        line.push_str(name);
        line.push('=');
        let mut is_escaped = false;
        for character in value.chars() {
            if character == '"' && !is_escaped {
                line.push('\\');
            }
            is_escaped = character == '\\' && !is_escaped;
            line.push(character);
        }
        if is_escaped {
            line.push('\\');
        }
        line.push('"');
    }
    line
}

#[cfg(test)]
mod tests {
    use pipewright_core::plan::ScriptItem;

    use super::{Shell, compose};

    #[test]
    fn items_stand_verbatim_behind_their_header() {
        let items = [
            ScriptItem::Command("echo 'it''s' $(x)".to_owned()),
            ScriptItem::Command("if true; then\n".to_owned()),
        ];
        let expected = "umask 022\nset -e\nprintf '\\035m7+ %s\\n' 'echo '\\''it'\\'''\\''s'\\'' $(x)'\necho 'it''s' $(x)\nprintf '\\035m7+ %s\\n' 'if true; then'\nif true; then\n\n:\n";
        assert_eq!(compose(&items, 0, Shell::Sh, "m7").as_deref(), Ok(expected));
    }
}
