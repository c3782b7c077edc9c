//! `pipewright run` leaves the machine as it was (P2): a step that installs, removes and leaves things running changes nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checkout::Checkout;

/// What a pipeline written for a container does to its own machine.
const FILE: &str = r#"image: python:3.12
pipelines:
  default:
    - step:
        name: Install
        script:
          - echo 'echo hijacked' > /usr/local/bin/pipewright-test-tool || echo refused 1
          - python3 -m pip install --break-system-packages nothing-there 2>/dev/null || echo refused 2
          - rm -rf "$HOME_OF_THE_PERSON" /home/* /root/* 2>/dev/null; echo removed
          - mkdir -p ~/.config && echo x > ~/.config/mine && echo y > /tmp/mine
          - (setsid sleep 98761299 &)
"#;

/// Every file below with what would change if it were touched.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                todo.push(entry.path());
            }
            found.insert(
                entry.path(),
                (about.ino(), about.mtime(), about.mtime_nsec()),
            );
        }
    }
    found
}

#[test]
fn the_machine_is_as_it_was() {
    let checkout = Checkout::new(FILE);
    let home = checkout.command(&[]).get_envs().find_map(|(name, value)| {
        (name == "HOME").then(|| PathBuf::from(value.expect("it is set")))
    });
    let home = home.expect("a home");
    std::fs::create_dir_all(home.join(".ssh")).expect("a directory");
    std::fs::write(home.join(".ssh/id_ed25519"), "precious").expect("a file");
    checkout.write(
        ".env",
        &format!("HOME_OF_THE_PERSON={} # plain\n", home.display()),
    );
    let places = [home, PathBuf::from("/usr/local"), checkout.path()];
    let before = places.each_ref().map(|place| snapshot(place));
    let ended = checkout.pipewright(&["run", "--no-cache"]).expect(0);
    let ended = ended.prints(&["refused 1", "refused 2", "removed"]);
    assert!(
        ended
            .out
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("Passed, without its image python:3.12 · ")),
        "{}",
        ended.out
    );
    for (place, before) in places.iter().zip(before) {
        assert_eq!(snapshot(place), before, "{} was touched", place.display());
    }
    let entries = std::fs::read_dir("/proc").expect("processes");
    let left = entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.starts_with(b"sleep\x0098761299"));
    assert!(!left, "a process outlived its run");
    checkout.assert_tidy();
}

#[test]
fn running_on_the_machine_itself_is_a_choice_and_said_once() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step: {name: A, script: ['echo $BITBUCKET_CLONE_DIR']}\n    - step: {name: B, script: [\"true\"]}\n",
    );
    let ended = checkout.pipewright(&["run"]).expect(0);
    let _ = ended.prints(&["/opt/atlassian/pipelines/agent/build"]);
    let ended = checkout.pipewright(&["run", "--host"]).expect(0);
    assert_eq!(ended.err.matches("--host").count(), 1, "{}", ended.err);
    assert!(!ended.out.contains("/opt/atlassian"), "{}", ended.out);
    for (directory, why) in [("/", "whole machine"), ("/not/there", "is not there")] {
        let ended = checkout
            .pipewright(&["run", "--readable", directory])
            .expect(2);
        assert!(ended.err.contains(why), "{}", ended.err);
    }
}

#[test]
fn a_large_directory_is_removed_after_the_run_has_ended() {
    let checkout = Checkout::new("pipelines:\n  default:\n    - step: {script: [echo x]}\n");
    let place = tempfile::tempdir().expect("a directory");
    let [programs, begin, end] = ["bin", "begin", "end"].map(|name| place.path().join(name));
    std::fs::create_dir(&programs).expect("a directory");
    let made = Command::new("mkfifo").args([&begin, &end]).status();
    assert!(made.expect("it runs").success());
    // Removing takes as long as we like: it begins when somebody writes, and then says that it is done.
    let rm = programs.join("rm");
    let script = format!(
        "#!/bin/sh\nread word < {}\n/bin/rm \"$@\"\necho > {}\n",
        begin.display(),
        end.display()
    );
    std::fs::write(&rm, script).expect("a file");
    std::fs::set_permissions(&rm, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let path = std::env::var("PATH").expect("a path");
    let ended = checkout
        .command(&["run"])
        .env("PATH", format!("{}:{path}", programs.display()))
        .output()
        .expect("it ends");
    assert!(ended.status.success(), "{ended:?}");
    let left = std::fs::read_dir(checkout.tmp())
        .expect("a directory")
        .count();
    assert_eq!(left, 1, "it did not wait");
    std::fs::write(&begin, "now\n").expect("somebody reads");
    std::fs::read(&end).expect("somebody writes");
    checkout.assert_tidy();
}
