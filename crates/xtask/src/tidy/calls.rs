//! Calls that belong in one place only.

use super::Finding;
use super::source::SourceFile;

/// A forbidden text, where it is allowed all the same (path prefixes), and why.
struct Rule {
    text: &'static str,
    /// Where the rule holds, by the beginning of a path; empty for everywhere.
    within: &'static str,
    allowed: &'static [&'static str],
    in_tests: bool,
    why: &'static str,
}

/// Who may begin what runs beside its caller: the server's one owner of life; the runner, whose tasks are its attempts and end
/// with them; programs.
const SPAWNERS: &[&str] = &[
    "crates/pipewright-server/src/background/",
    "crates/pipewright-runner/src/",
    "crates/pipewright-git/src/",
    "crates/pipewright/src/",
    "crates/pipewright-simulator/",
    "crates/pipewright-bench/",
    "crates/xtask/",
];

/// Where requests become calls of use cases.
const PAGES: &str = "crates/pipewright-server/src/pages/";

/// Pages of people who act in no account: who signs in or out, takes up a link, changes their own profile. What they do is
/// written where it is done until each has a use case of its own.
const OWN_HISTORY: &[&str] = &[
    "crates/pipewright-server/src/pages/users/profile.rs",
    "crates/pipewright-server/src/pages/sessions/",
    "crates/pipewright-server/src/pages/members/join.rs",
    "crates/pipewright-server/src/pages/setup/administrator.rs",
    "crates/pipewright-server/src/pages/installation/link.rs",
];

const RULES: &[Rule] = &[
    Rule {
        text: ".record(",
        within: PAGES,
        allowed: &[],
        in_tests: false,
        why: "a use case writes the history, in the transaction of what it did",
    },
    Rule {
        text: "events::record(",
        within: PAGES,
        allowed: OWN_HISTORY,
        in_tests: false,
        why: "a use case writes the history, in the transaction of what it did",
    },
    Rule {
        text: ".require(",
        within: PAGES,
        allowed: &[],
        in_tests: false,
        why: "a use case asks the right; a page that is of no use to a member says so with `shown_to`",
    },
    Rule {
        text: "process::Command",
        within: "",
        allowed: &[
            "crates/pipewright-git/",
            "crates/pipewright-runner/",
            // What removes the directory of a run goes on when the run has ended.
            "crates/pipewright/src/commands/run/clean_up.rs",
            "crates/pipewright-simulator/",
            "crates/pipewright-bench/",
            "crates/xtask/",
        ],
        in_tests: false,
        why: "processes are started by the runner and its git only",
    },
    Rule {
        text: "SystemTime::now",
        within: "",
        allowed: &[
            "crates/pipewright-server/src/ground/clock.rs",
            "crates/pipewright-simulator/src/clock.rs",
            "crates/xtask/",
        ],
        in_tests: false,
        why: "ask the clock that was passed in",
    },
    Rule {
        text: "Timestamp::now",
        within: "",
        allowed: &[
            "crates/pipewright-server/src/ground/clock.rs",
            "crates/pipewright-simulator/src/clock.rs",
        ],
        in_tests: false,
        why: "ask the clock that was passed in",
    },
    Rule {
        text: "unbounded_channel",
        within: "",
        allowed: &[],
        in_tests: false,
        why: "every channel has a named bound and a decision for when it is full",
    },
    Rule {
        text: "env::var",
        within: "",
        allowed: &[
            "crates/pipewright/src/config/",
            "crates/pipewright/src/commands/",
            "crates/pipewright-simulator/",
            "crates/xtask/",
        ],
        in_tests: false,
        why: "the environment is read by the binary only",
    },
    Rule {
        text: "tokio::spawn(",
        within: "",
        allowed: SPAWNERS,
        in_tests: false,
        why: "register it with `background::supervise`, which begins it again and says how it is",
    },
    Rule {
        text: "thread::spawn(",
        within: "",
        allowed: SPAWNERS,
        in_tests: false,
        why: "register it with `background::supervise`, which begins it again and says how it is",
    },
    Rule {
        text: "JoinSet",
        within: "",
        allowed: SPAWNERS,
        in_tests: false,
        why: "register it with `background::supervise`, which begins it again and says how it is",
    },
    Rule {
        text: "TaskTracker",
        within: "",
        allowed: SPAWNERS,
        in_tests: false,
        why: "register it with `background::supervise`, which begins it again and says how it is",
    },
    Rule {
        text: "thread::sleep",
        within: "",
        allowed: &[],
        in_tests: true,
        why: "wait for what happens, not for time",
    },
    Rule {
        text: "#[ignore",
        within: "",
        allowed: &[],
        in_tests: true,
        why: "a test that does not run is not a test",
    },
    Rule {
        text: "todo!(",
        within: "",
        allowed: &[],
        in_tests: true,
        why: "finish it, or name it in the note",
    },
    Rule {
        text: "unimplemented!(",
        within: "",
        allowed: &[],
        in_tests: true,
        why: "finish it, or name it in the note",
    },
    Rule {
        text: "danger_accept_invalid_certs",
        within: "",
        // Bitbucket's webhooks have the option, so its simulator has it.
        allowed: &["crates/pipewright-simulator/src/hooks/"],
        in_tests: true,
        why: "trust an authority instead",
    },
];

/// Looks for every rule's text in every line.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !source.path.starts_with("crates/xtask/src/tidy/"))
    {
        for rule in RULES {
            if !source.path.starts_with(rule.within)
                || rule
                    .allowed
                    .iter()
                    .any(|prefix| source.path.starts_with(prefix))
                || (source.is_test() && !rule.in_tests)
            {
                continue;
            }
            for (line, _) in source.production_lines().filter(|(_, line)| {
                line.contains(rule.text) && !line.trim_start().starts_with("//")
            }) {
                findings.push(Finding {
                    path: source.path.clone(),
                    line,
                    sentence: format!("`{}` is not for here: {}", rule.text, rule.why),
                });
            }
        }
        if source.is_test() {
            for (line, _) in source
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains("time::sleep("))
            {
                let sentence = "a test sleeps: wait for what happens, with a timeout".to_owned();
                findings.push(Finding {
                    path: source.path.clone(),
                    line: line + 1,
                    sentence,
                });
            }
        }
    }
    findings
}
