//! L2: a disk that is full for a moment is survived without a restart.
//!
//! The server runs in a mount namespace of its own, with a small file system as its data directory, which goes with it whatever
//! becomes of the test. Where the machine allows no such namespace, the test says that it is skipped.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use pipewright::story::{EMAIL, PASSWORD, Person, Team};

use crate::server::{Server, free_address, serve};

/// The size of the small file system: a start needs some 45 MB of it for preparing.
const SIZE: &str = "size=60m";

/// Sign-ins until the last page that the database has is written.
const TRIES: u32 = 200;

/// Runs the rest of a command on a small file system.
fn on_a_small_disk(directory: &Path, command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped
        .args(["--user", "--map-root-user", "--mount", "--", "sh", "-c"])
        .arg(format!(
            "mount -t tmpfs -o {SIZE} tmpfs \"$1\" && shift && exec \"$@\""
        ))
        .arg("sh")
        .arg(directory)
        .arg(command.get_program())
        .args(command.get_args());
    wrapped
}

async fn signs_in(url: &str) -> bool {
    let mut person = Person::opens(&format!("{url}/sign-in"))
        .await
        .expect("the page is there");
    let fields = [("E-mail address", EMAIL), ("Password", PASSWORD)];
    person.presses("Sign in", &fields).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_a_full_disk_is_survived_without_a_restart() {
    let place = tempfile::tempdir().expect("a directory");
    let mut probe = on_a_small_disk(place.path(), &Command::new("true"));
    if !probe.output().is_ok_and(|tried| tried.status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "the CI allows namespaces of mounts"
        );
        #[expect(clippy::print_stderr, reason = "the test's output")]
        {
            eprintln!("skipped: this machine allows no mount namespaces (unshare --user --mount)");
        }
        return;
    }
    let command = on_a_small_disk(place.path(), &serve(place.path(), &free_address()));
    let server = Server::spawn(command, tempfile::tempdir().expect("a directory"));
    let link = server.setup_link.clone().expect("a first run");
    let team = Team::set_up(&link).await.expect("sets up");
    assert!(signs_in(&team.url).await, "before");

    // The same place, seen from where the server stands.
    let root = format!("/proc/{}/root{}", server.id(), place.path().display());
    let filler = Path::new(&root).join("filler");
    let mut file = File::create(&filler).expect("the server's file system is seen");
    for size in [1 << 20, 1 << 12, 1] {
        let bytes = vec![b'x'; size];
        while file.write_all(&bytes).is_ok() {}
    }
    drop(file);
    let mut tries = 0;
    while signs_in(&team.url).await {
        tries += 1;
        assert!(tries < TRIES, "the disk is full, and all is written");
    }
    std::fs::remove_file(&filler).expect("there is space again");
    assert!(signs_in(&team.url).await, "after");
}
