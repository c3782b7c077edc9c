//! Puts the items of a script together as one shell script (bitbucket-pipelines-yml.md §5.1).
//!
//! One shell runs all items, so `cd`, `export` and functions persist and a construct may be split over items. Before
//! each item its text is printed behind 0x1D (group separator) and a word of this attempt alone, the mark by which the log is
//! folded, and `+ `. A script that looks for the word in its own file can fold its own log as it likes, and nobody else's. The
//! text is data in single quotes there, and code only where it stands verbatim. That the mark stands at the beginning of a
//! line is the log's matter, which knows whether the item before ended its last one.

use pipewright_core::plan::ScriptItem;

/// Which shell runs the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash, where there is one.
    Bash,
    /// Whatever `/bin/sh` is.
    Sh,
}

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

/// The script's text. `mark_word` is the log's, see [`crate::log::LogWriter::mark_word`].
pub fn compose(items: &[ScriptItem], shell: Shell, mark_word: &str) -> Result<String, ScriptError> {
    // The server's own files are private; what a step makes is as anywhere else.
    let mut text = String::from("umask 022\nset -e\n");
    if shell == Shell::Bash {
        // Bitbucket's shell is interactive: no history expansion, but aliases work.
        text.push_str("set +H\nshopt -s expand_aliases\n");
    }
    for item in items {
        let command = match item {
            ScriptItem::Command(command) => command,
            ScriptItem::Pipe(pipe) => return Err(ScriptError::Pipe(pipe.pipe.clone())),
        };
        if command.contains('\0') {
            return Err(ScriptError::ZeroByte);
        }
        let shown = command.trim_end_matches('\n').replace('\'', "'\\''");
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
        assert_eq!(compose(&items, Shell::Sh, "m7").as_deref(), Ok(expected));
    }
}
