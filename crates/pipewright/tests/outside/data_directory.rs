//! L3, S12, S13: the data directory belongs to one server, is private, and never loses the key that opens it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::server::{Server, free_address, refusal, serve};

/// How soon a server says that it does not start.
const SOON: Duration = Duration::from_secs(20);

fn started(data: &Path) -> Server {
    Server::spawn(
        serve(data, &free_address()),
        tempfile::tempdir().expect("a directory"),
    )
}

#[test]
fn l3_a_second_server_is_refused_by_whatever_path_and_a_killed_one_is_followed_at_once() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    let first = started(&data);
    let link = place.path().join("link");
    std::os::unix::fs::symlink("data", &link).expect("a link");
    for path in [data.clone(), link] {
        let begin = Instant::now();
        let (said, code) = refusal(serve(&path, &free_address()));
        assert_eq!(code, Some(1));
        assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
        let holder = format!("another Pipewright (process {} on ", first.id());
        let sentence = said
            .lines()
            .last()
            .expect("a sentence")
            .trim_start_matches("pipewright: ");
        assert!(
            sentence.starts_with(&holder) && sentence.contains(&path.display().to_string()),
            "{said}"
        );
    }
    let mut relative = serve(Path::new("data"), &free_address());
    relative.current_dir(place.path());
    let (said, _) = refusal(relative);
    assert!(said.contains("another Pipewright"), "{said}");
    drop(first.kill());
    drop(started(&data));
}

#[test]
fn s12_nothing_of_an_installation_can_be_read_by_others() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    // As a version before this one left it.
    std::fs::create_dir_all(data.join("logs")).expect("a directory");
    for path in [data.clone(), data.join("logs")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("allowed");
    }
    let server = started(&data);
    let mut left = vec![data.clone()];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        let about = path.symlink_metadata().expect("is there");
        assert_eq!(
            about.mode() & 0o077,
            0,
            "{} has the mode {:o}",
            path.display(),
            about.mode()
        );
        seen += 1;
        if about.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a directory");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    assert!(seen > 5, "database, key, logs and more");
    drop(server);
}

#[test]
fn s13_a_key_that_is_missing_empty_wrong_or_open_stops_the_start() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    drop(started(&data).kill());
    let key = data.join("secret.key");
    let right = std::fs::read_to_string(&key).expect("the key");
    let refused_with = |content: Option<&str>, mode: u32, words: &str| {
        match content {
            Some(content) => {
                std::fs::write(&key, content).expect("writes");
                let mode = std::fs::Permissions::from_mode(mode);
                std::fs::set_permissions(&key, mode).expect("allowed");
            }
            None => std::fs::remove_file(&key).expect("goes"),
        }
        let (said, code) = refusal(serve(&data, &free_address()));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{words} in {said}");
        assert!(said.contains(&key.display().to_string()), "{said}");
        assert_eq!(
            key.exists(),
            content.is_some(),
            "nothing is put in its place"
        );
    };
    refused_with(None, 0, "is missing");
    refused_with(Some(""), 0o600, "is empty");
    refused_with(Some(&"0a".repeat(32)), 0o600, "sealed with another key");
    refused_with(Some("not a key"), 0o600, "64 hexadecimal digits");
    refused_with(Some(&right), 0o644, "chmod 600 ");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("allowed");
    drop(started(&data));
}

#[test]
fn s13_the_key_is_checked_and_changed_while_the_server_is_stopped() {
    let key = |act: &str, data: &Path| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pipewright"))
            .args(["key", act, "--set"])
            .arg(format!("data.directory={}", data.display()))
            .env_remove("PIPEWRIGHT_CONFIG")
            .output()
            .expect("the binary starts");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    let server = started(&data);
    let file = data.join("secret.key");
    let first = std::fs::read_to_string(&file).expect("the key");
    let (code, said) = key("check", &data);
    assert!(
        code == Some(0) && said.contains("opens 1 stored secret."),
        "{said}"
    );
    let (code, said) = key("rotate", &data);
    assert!(
        code == Some(1) && said.contains("another Pipewright"),
        "not beside a running server: {said}"
    );
    drop(server.kill());
    let (code, said) = key("rotate", &data);
    assert!(
        code == Some(0) && said.contains("Sealed 1 stored secret with a new key"),
        "{said}"
    );
    let second = std::fs::read_to_string(&file).expect("the key");
    assert_ne!(first, second);
    let kept = data.join("secret.key.before-1");
    assert_eq!(std::fs::read_to_string(&kept).expect("is kept"), first);
    assert_eq!(key("check", &data).0, Some(0));
    drop(started(&data).kill());
    std::fs::copy(&kept, &file).expect("copies");
    let (code, said) = key("check", &data);
    assert!(
        code == Some(1) && said.contains("secrets.check"),
        "the old key opens nothing: {said}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_used_is_told_in_a_sentence() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let (said, code) = refusal(serve(&file, &free_address()));
    assert!(
        code == Some(1) && said.contains("is not a directory"),
        "{said}"
    );
}
