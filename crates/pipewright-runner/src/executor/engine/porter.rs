//! The porter: the small shell that is a step container's first process. It runs a script when it is asked to, and says how
//! it ended.
//!
//! Words go through named pipes in the step's directory of scripts, which container and keeper both see: no call of the
//! engine lies between a word and a script, and the output is read without the engine (execution.md 2.3: 3 ms against 555).
//! As the first process the porter cannot be ended from inside, so a script that is ended with everything it started
//! leaves it there for the after-script.

use std::io;
use std::path::Path;

use crate::executor::pipes::named_pipe;

/// What the container hears: `SCRIPT [CODE]` runs a script, [`QUIT`] ends the container.
pub(super) const COMMANDS: &str = "commands";
/// What is heard of it: `ready`, `exit STATUS`, `ended`, `pipe NUMBER DIRECTORY`.
pub(super) const RESULTS: &str = "results";
/// What the scripts print.
pub(super) const OUTPUT: &str = "output";
/// What the script is to be told while it runs: [`TERM`], [`KILL`].
pub(super) const SIGNALS: &str = "signals";
/// The environment of a script, as shell text: it is on no disk, in no command line and not in the engine's books.
pub(super) const ENVIRONMENT: &str = "environment";
/// How pipes of the script ended, for the script.
pub(super) const ANSWERS: &str = "answers";

pub(super) const QUIT: &str = "quit";
/// Gives everything in the step's directories to a user: `own UID:GID`.
pub(super) const OWN: &str = "own";
pub(super) const TERM: &str = "term";
pub(super) const KILL: &str = "kill";

/// Paths that are kept in the step's own directory, a line each: absolute ones, and those below the home.
pub(super) const LINKS: &str = "links";

/// Names that a shell keeps for itself: setting them ends it.
const READ_ONLY: &[&str] = &[
    "UID",
    "EUID",
    "PPID",
    "GROUPS",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_VERSINFO",
];

/// What the porter does, for every `sh` there is.
///
/// Each script is a process of its own that reads its environment first, so that nothing of a step's variables changes the
/// porter. Beside it waits a watcher that passes signals on to everything in the container but itself and the porter.
pub(super) const PORTER: &str = r#"a=/opt/atlassian/pipelines/agent
s=$a/scripts
exec </dev/null >/dev/null 2>&1 8<"$s/commands" 9>"$s/results" 6>"$s/output" || exit 70
trap : TERM INT HUP
h=${HOME:-/root}
[ "$h" != / ] || h=/root
shell=/bin/sh
for b in /bin/bash /usr/bin/bash /usr/local/bin/bash; do
  if [ -x "$b" ]; then shell="$b --noprofile --norc"; break; fi
done
session=
if command -v setsid; then session=setsid; fi
watch() {
  while read -r word <&7; do
    case $word in
      term) kill -TERM -1;;
      kill) kill -KILL -1; echo ended >&9;;
    esac
  done
}
link() {
  [ -f "$s/links" ] || return 0
  while read -r l; do
    case $l in
      /*) there=$l; kept=$a/home/.outside$l;;
      *) there=$h/$l; kept=$a/home/$l;;
    esac
    [ ! -L "$there" ] || continue
    mkdir -p "$kept" "$there"
    [ -n "$(ls -A "$kept")" ] || cp -a "$there/." "$kept/"
    rm -rf "${there:?}"
    ln -s "$kept" "$there"
  done <"$s/links"
}
place_ssh() {
  [ -d "$a/home/.ssh" ] && [ "$h" != "$a/home" ] || return 0
  mkdir -p "$h/.ssh" && chmod 700 "$h/.ssh"
  for f in config known_hosts; do
    [ ! -f "$a/home/.ssh/$f" ] || { cat "$a/home/.ssh/$f" >>"$h/.ssh/$f"; chmod 600 "$h/.ssh/$f"; }
  done
  rm -rf "$a/home/.ssh"
}
echo ready >&9
while read -r script code <&8; do
  case $script in
    quit) exit 0;;
    own) chown -hR "$code" "$a/build" "$a/home" "$a/tmp"; echo owned >&9; continue;;
  esac
  watch 7<"$s/signals" 6>&- 8<&- &
  watcher=$!
  link
  place_ssh
  (
    . "$s/environment"
    export HOME="$h"
    [ -z "$code" ] || export BITBUCKET_EXIT_CODE="$code"
    cd "$a/build" || exit 70
    exec $session $shell "$s/$script" >&6 2>&6 6>&- 7<&- 8<&- 9>&-
  )
  echo "exit $?" >&9
  kill -KILL $watcher
done
"#;

/// Makes the named pipes of a step.
pub(super) fn make_pipes(scripts: &Path) -> io::Result<()> {
    for name in [COMMANDS, RESULTS, OUTPUT, SIGNALS, ENVIRONMENT, ANSWERS] {
        named_pipe(&scripts.join(name))?;
    }
    Ok(())
}

/// An environment as shell text. Names that are none are left out, as a shell leaves them out.
pub(super) fn environment_text(environment: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in environment {
        if pipewright_core::variable::is_variable_name(name) && !READ_ONLY.contains(&&**name) {
            text.push_str("export ");
            text.push_str(name);
            text.push_str("='");
            text.push_str(&value.replace('\'', r"'\''"));
            text.push_str("'\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::environment_text;

    #[test]
    fn values_are_data_and_names_of_the_shell_are_left_out() {
        let environment = [
            ("A", "it's $(x)\n`y`"),
            ("UID", "7"),
            ("not a name", "x"),
            ("B", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            environment_text(&environment),
            "export A='it'\\''s $(x)\n`y`'\nexport B=''\n"
        );
    }
}
