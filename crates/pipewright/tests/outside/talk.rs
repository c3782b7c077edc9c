//! S14: what the server says never keeps it from what it does.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::server::{free_address, serve};

/// How long an orderly end may take on a busy machine.
const END: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn s14_a_server_to_whom_nobody_listens_answers_and_stops() {
    let place = tempfile::tempdir().expect("a directory");
    let address = free_address();
    let mut command = serve(place.path(), &address);
    command.args(["--set", "log.filter=trace"]);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let said = lines.by_ref().map_while(Result::ok);
    let mut said = said.skip_while(|line| !line.contains("/setup/"));
    let link = said.next().expect("a first run gives a link");
    drop(lines);

    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for _ in 0..20 {
        let answer = http.get(link.trim()).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
    let id = child.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.expect("kill is there").success());
    let ended = tokio::task::spawn_blocking(move || child.wait());
    let Ok(ended) = tokio::time::timeout(END, ended).await else {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
        panic!("it does not stop");
    };
    let status = ended.expect("no panic").expect("waits");
    assert!(status.success(), "{status}");
}
