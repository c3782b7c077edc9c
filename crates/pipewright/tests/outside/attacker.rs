//! B16: a hostile step of the built server gets nothing of the installation, and leaves nothing behind.

use std::collections::BTreeSet;

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::server::CANARY;
use crate::team::House;

/// Prints a line for each thing that it reaches. `DATA` is the server's data directory.
const STEP: &str = r#"
got() { echo "GOT $*"; }
for f in secret.key pipewright.db runner.lock mirrors runner/attempts logs; do [ -e "DATA/$f" ] && got "$f is there"; done
( : > "DATA/planted" ) 2>/dev/null && got "the data directory is writable"
sqlite3 DATA/pipewright.db "select 1" >/dev/null 2>&1 && got "the database answers"
for p in /proc/[0-9]*; do
  tr '\0' '\n' 2>/dev/null < $p/environ | grep -q CANARY_TEXT && got "the server's environment is readable"
  tr '\0' ' ' 2>/dev/null < $p/cmdline | grep -q 'pipewright.* serve' && { got "the server is seen"; kill -0 ${p#/proc/} && got "the server can be signalled"; }
  ls -l $p/fd 2>/dev/null | grep -q 'DATA' && got "a file of the server is open at $p"
done
for s in $(find / -xdev -maxdepth 4 -type s 2>/dev/null); do got "the socket $s"; done
[ -z "$SSH_AUTH_SOCK" ] || got "an agent"
grep -rIl 'x-token-auth\|Authorization' "$HOME" .git 2>/dev/null | while read -r f; do got "a credential in $f"; done
git config --list 2>/dev/null | grep -i 'credential\|extraheader' && got "a credential of git"
umount -l /etc/shadow 2>/dev/null && got "a cover away"
unshare -Urm sh -c 'umount -l /proc; ls DATA' 2>/dev/null | grep . && got "out by a nested namespace"
git log -1 --format=%h >/dev/null 2>&1 || got "no repository to work in"
( setsid env -i sleep 98761234 & )
( ( env -i sleep 98761235 & ) & )
echo tried
"#;

#[tokio::test(flavor = "multi_thread")]
async fn b16_a_hostile_step_reaches_nothing() {
    let mut house = House::connected().await;
    house
        .team
        .add_key_to_cloud(&house.simulator)
        .await
        .expect("adds the key");
    let script = STEP
        .replace("DATA", &house.server.data().display().to_string())
        // Not as one word, which the shell's own command line would hold.
        .replace("CANARY_TEXT", &CANARY.replace('-', "[-]"));
    let indented: String = script
        .trim()
        .lines()
        .map(|line| format!("            {line}\n"))
        .collect();
    let pipeline =
        format!("pipelines:\n  default:\n    - step:\n        script:\n          - |\n{indented}");
    house.application(&pipeline).await;
    let build = house
        .build(1, |build| matches!(build.state, BuildState::Finished(_)))
        .await;
    assert_eq!(build.state, BuildState::Finished(BuildOutcome::Passed));
    let log = house.log_of(&build).await;
    assert!(log.lines().any(|line| line == "tried"), "{log}");
    let got: BTreeSet<&str> = log.lines().filter(|line| line.starts_with("GOT")).collect();
    assert!(got.is_empty(), "{got:#?}");
    let entries = std::fs::read_dir("/proc").expect("processes");
    let left = entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| line.starts_with(b"sleep\x009876123"))
        .count();
    assert_eq!(left, 0, "processes outlived their step");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_the_installation_is_one_teams_and_says_so() {
    let house =
        House::without_sandboxes("pipelines:\n  default:\n    - step: {script: [echo hello]}\n")
            .await;
    let mut person = house.team.person;
    person
        .goes_to(&format!("{}/accounts/new", house.server.url))
        .await
        .expect("goes there");
    let text = person.page().text();
    assert!(
        text.contains("host.isolation=none"),
        "in red on every page: {text}"
    );
    let refused = person.presses("Make the team", &[("Name", "Second")]).await;
    let said = match refused {
        Ok(page) => page.text(),
        Err(error) => format!("{error:#}"),
    };
    assert!(said.contains("There is a team already"), "{said}");
}
