//! What people expect of any command: help with examples, completions, a manual, another directory, no noise in a pipe, and exit
//! codes that tell a wrong configuration from a failure.

use std::process::{Command, Stdio};

fn pipewright(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pipewright"))
        .args(arguments)
        .env_remove("PIPEWRIGHT_CONFIG")
        .output()
        .expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = pipewright(&["completions", shell]);
        assert_eq!(code, Some(0));
        assert!(
            script.contains("serve") && script.contains("data-dir"),
            "{shell}"
        );
    }
    let (code, page, _) = pipewright(&["man"]);
    assert!(
        code == Some(0) && page.contains(".TH pipewright") && page.contains("validate"),
        "{page}"
    );
    let place = tempfile::tempdir().expect("a directory");
    let to = place.path().join("man1");
    let (code, _, said) = pipewright(&["man", "--to", to.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{said}");
    for page in ["pipewright.1", "pipewright-serve.1", "pipewright-run.1"] {
        assert!(to.join(page).exists(), "{page}");
    }
}

#[test]
fn help_shows_how_it_is_used() {
    for command in ["serve", "plan", "run", "validate", "completions", "man"] {
        let (code, help, _) = pipewright(&[command, "--help"]);
        assert!(
            code == Some(0) && help.contains("Examples:"),
            "{command}: {help}"
        );
    }
    let (_, help, _) = pipewright(&["--help"]);
    assert!(
        help.contains("Examples:") && help.contains("-C <DIR>"),
        "{help}"
    );
}

#[test]
fn it_works_in_another_directory() {
    let place = tempfile::tempdir().expect("a directory");
    let file = "pipelines:\n  default:\n    - step:\n        script: [\"true\"]\n";
    std::fs::write(place.path().join("a.yml"), file).expect("writes");
    let directory = place.path().to_str().expect("UTF-8");
    let (code, _, said) = pipewright(&["-C", directory, "validate", "a.yml"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, config, _) = pipewright(&["config", "--data-dir", "elsewhere", "-C", directory]);
    assert!(
        code == Some(0) && config.contains("directory = \"elsewhere\""),
        "{config}"
    );
    let (code, _, said) = pipewright(&["-C", "/nowhere/at/all", "validate"]);
    assert!(
        code == Some(2) && said.contains("/nowhere/at/all"),
        "{said}"
    );
}

#[test]
fn a_wrong_configuration_is_2_everywhere() {
    for command in ["serve", "config"] {
        for wrong in [
            "server.listen=here",
            "no.such=1",
            "log.filter=pipewright=loud",
            "runner.slots=-1",
        ] {
            let (code, _, said) = pipewright(&[command, "--set", wrong]);
            assert_eq!(code, Some(2), "{command} {wrong}: {said}");
        }
    }
    let (code, _, said) = pipewright(&["serve", "--listen", "here"]);
    assert!(
        code == Some(2) && said.contains("flag --listen: server.listen: \"here\""),
        "{said}"
    );
    let (code, _, _) = pipewright(&["serve", "--no-such-flag"]);
    assert_eq!(code, Some(2));
}

#[test]
fn a_reader_who_goes_away_hears_no_complaint() {
    for command in ["config", "man"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pipewright"))
            .arg(command)
            .env_remove("PIPEWRIGHT_CONFIG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "{command}");
        assert_eq!(output.status.code(), Some(0), "{command}");
    }
}

#[test]
fn colours_are_there_where_they_are_asked_for() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("a.yml");
    std::fs::write(&path, "pipelines:\n  defualt: []\n").expect("writes");
    let path = path.to_str().expect("UTF-8");
    let (_, found, _) = pipewright(&["validate", path]);
    assert!(!found.contains('\u{1b}'), "a file has no colours: {found}");
    let (_, found, _) = pipewright(&["--color", "always", "validate", path]);
    assert!(found.contains('\u{1b}'), "{found}");
    let (_, found, _) = pipewright(&["validate", path, "--color", "never"]);
    assert!(!found.contains('\u{1b}'), "{found}");
}
