//! Prints how long things take here: `cargo run --release -p pipewright-runner --example figures`.
//!
//! Says nothing about whether they are right; that is what the tests are for. The temporary directory decides what the
//! file system adds: compare with `TMPDIR` on a memory file system.
#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use pipewright_core::wire::CloneCredential;
use pipewright_core::{Secret, Timestamp};
use pipewright_git::ssh::{KeyCheck, SshKeyPair, SshTarget};
use pipewright_git::testing::{Origin, git, mirrors};
use pipewright_git::{CheckoutTarget, MirrorStore};
use pipewright_runner::log::Masker;
use pipewright_runner::runner::{Runner, RunnerConfig};
use pipewright_simulator::{Simulator, SimulatorOptions};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use sshd::Sshd;
use support::dispatcher::{Memory, assignment};
use support::step;

#[path = "../../pipewright-git/tests/it/sshd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod sshd;

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

#[tokio::main]
async fn main() {
    attempts_one_after_another_and_two_at_a_time().await;
    fetch_and_checkout_from_a_warm_mirror().await;
    fetch_from_the_simulated_data_center().await;
    masking();
    two_hundred_megabytes_of_output().await;
}

/// Prints count, median and 99th percentile.
fn table(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{what:44} n {:5}  median {:8.2} ms  p99 {:8.2} ms",
        times.len(),
        at(0.5),
        at(0.99)
    );
}

/// A repository of 200 files with 20 commits.
fn repository() -> Origin {
    let origin = Origin::new();
    for number in 0..200 {
        let file = origin
            .work()
            .join(format!("src/part{}/file{number}.rs", number % 10));
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, format!("// {number}\n").repeat(100)).expect("a file");
    }
    for number in 0..20 {
        origin.push("main", "README.md", &number.to_string());
    }
    origin
}

async fn fetch_and_checkout_from_a_warm_mirror() {
    for transport in ["file", "ssh"] {
        let (origin, directory) = (repository(), tempfile::tempdir().expect("a directory"));
        let store = mirrors(&directory);
        let key = SshKeyPair::generate("").expect("a key");
        let server = if transport == "ssh" {
            Sshd::start()
        } else {
            None
        };
        let (url, credential) = match &server {
            Some(server) => {
                server.admit(&key);
                let found = store
                    .git()
                    .ssh()
                    .check(&server.target(), &key.private_key, None)
                    .await
                    .expect("asked");
                let KeyCheck::Accepted { host_keys, .. } = found else {
                    panic!("{found:?}")
                };
                (
                    server.url(&origin.bare()),
                    CloneCredential::Ssh {
                        private_key: key.private_key.clone(),
                        known_hosts: host_keys.text(),
                    },
                )
            }
            None if transport == "ssh" => continue,
            None => (
                format!("file://{}", origin.bare().display()),
                CloneCredential::None,
            ),
        };
        measure_fetches(transport, &origin, &store, &directory, &url, &credential).await;
    }
}

async fn measure_fetches(
    transport: &str,
    origin: &Origin,
    store: &MirrorStore,
    directory: &TempDir,
    url: &str,
    credential: &CloneCredential,
) {
    let (mut cold, mut fetches, mut checkouts, mut files, mut totals) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..40 {
        let commit = origin.push("main", "README.md", &format!("round {round}"));
        let checkout = origin.checkout_by(url.to_owned(), credential.clone(), "main", &commit);
        let work = directory.path().join(format!("work{round}"));
        std::fs::create_dir(&work).expect("a directory");
        let begin = Instant::now();
        let ensured = store.ensure(&checkout).await.expect("fetched");
        let fetched = begin.elapsed();
        let checked_out = store
            .check_out(&checkout, CheckoutTarget::new(&work))
            .await
            .expect("checked out");
        if ensured.warm {
            fetches.push(fetched);
            checkouts.push(checked_out.elapsed);
            totals.push(begin.elapsed());
        } else {
            cold.push(fetched);
        }
        let begin = Instant::now();
        store
            .show_file(checkout.repository, &commit, "README.md", 1000)
            .await
            .expect("readable");
        files.push(begin.elapsed());
    }
    table(&format!("{transport}: first fetch (20 commits)"), cold);
    table(&format!("{transport}: fetch of one commit, warm"), fetches);
    table(&format!("{transport}: checkout of 200 files"), checkouts);
    table(&format!("{transport}: fetch + checkout"), totals);
    table(&format!("{transport}: show one file"), files);
    let commit = origin.head();
    let mut again = Vec::new();
    for round in 0..40 {
        let work = directory.path().join(format!("again{round}"));
        std::fs::create_dir(&work).expect("a directory");
        let begin = Instant::now();
        let checkout = origin.checkout_by(url.to_owned(), credential.clone(), "main", &commit);
        store.ensure(&checkout).await.expect("known");
        store
            .check_out(&checkout, CheckoutTarget::new(&work))
            .await
            .expect("checked out");
        again.push(begin.elapsed());
    }
    table(
        &format!("{transport}: known commit, ensure + checkout"),
        again,
    );
    assert_eq!(
        git(&directory.path().join("again0"), &["rev-parse", "HEAD"]),
        commit.as_str()
    );
}

async fn fetch_from_the_simulated_data_center() {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("it starts");
    simulator.sample_team().await.expect("a team");
    let (directory, key) = (
        tempfile::tempdir().expect("a directory"),
        SshKeyPair::generate("").expect("a key"),
    );
    let store = mirrors(&directory);
    simulator
        .datacenter()
        .add_user_ssh_key("mara", &key.public_line, "")
        .expect("added");
    let (host, port) = simulator.datacenter_ssh();
    let target = SshTarget {
        user: "git".to_owned(),
        host: host.clone(),
        port,
    };
    let found = store
        .git()
        .ssh()
        .check(&target, &key.private_key, None)
        .await
        .expect("asked");
    let KeyCheck::Accepted { host_keys, .. } = found else {
        panic!("{found:?}")
    };
    let by_ssh = CloneCredential::Ssh {
        private_key: key.private_key.clone(),
        known_hosts: host_keys.text(),
    };
    // "mara:harbour-light"
    let by_http = CloneCredential::Header {
        value: Secret::new("Basic bWFyYTpoYXJib3VyLWxpZ2h0"),
    };
    let ways = [
        (
            "http",
            format!("{}/scm/fin/ledger.git", simulator.datacenter_url()),
            by_http,
        ),
        (
            "ssh",
            format!("ssh://git@{host}:{port}/fin/ledger.git"),
            by_ssh,
        ),
    ];
    for (what, url, credential) in ways {
        let origin = Origin::new();
        let (mut fetches, mut totals) = (Vec::new(), Vec::new());
        for round in 0..30 {
            let content = format!("{what} {round}");
            let commit = simulator
                .datacenter()
                .commit(
                    "FIN/ledger",
                    "main",
                    &[("figure.txt", &content)],
                    "Figure",
                    "mara",
                )
                .await
                .expect("a commit");
            let checkout = origin.checkout_by(
                url.clone(),
                credential.clone(),
                "main",
                &commit.parse().expect("a hash"),
            );
            let work = directory.path().join(format!("{what}{round}"));
            std::fs::create_dir(&work).expect("a directory");
            let begin = Instant::now();
            let ensured = store.ensure(&checkout).await.expect("fetched");
            let fetched = begin.elapsed();
            store
                .check_out(&checkout, CheckoutTarget::new(&work))
                .await
                .expect("checked out");
            if ensured.warm {
                fetches.push(fetched);
                totals.push(begin.elapsed());
            }
        }
        table(
            &format!("simulator, {what}: fetch of one commit, warm"),
            fetches,
        );
        table(&format!("simulator, {what}: fetch + checkout"), totals);
    }
    simulator.shutdown().await;
}

struct Rig {
    _directory: TempDir,
    dispatcher: Arc<Memory>,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), pipewright_runner::runner::RunnerError>>,
}

fn rig(slots: usize, place: Option<&Path>) -> (Rig, MirrorStore) {
    let directory = place
        .map_or_else(tempfile::tempdir, tempfile::tempdir_in)
        .expect("a directory");
    let (dispatcher, shutdown, store) =
        (Memory::new(), CancellationToken::new(), mirrors(&directory));
    let config = RunnerConfig::new("measure", slots, directory.path().join("runner"), || {
        Timestamp::from_seconds(0)
    });
    let running = tokio::spawn(
        Runner::new(config, store.clone(), Arc::clone(&dispatcher)).run(shutdown.clone()),
    );
    (
        Rig {
            _directory: directory,
            dispatcher,
            shutdown,
            running,
        },
        store,
    )
}

impl Rig {
    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("no error");
    }
}

async fn attempts_one_after_another_and_two_at_a_time() {
    for (what, place) in [("disk", None), ("memory", Some(Path::new("/dev/shm")))] {
        let (rig, _) = rig(2, place.filter(|path| path.exists()));
        let (mut starts, mut wholes, mut spawns) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..200 {
            let begin = Instant::now();
            let attempt = rig
                .dispatcher
                .give(assignment(step(&["true"], &[]), None, &[], &[]));
            let seen = rig
                .dispatcher
                .until(attempt, |seen| seen.started.is_some())
                .await;
            starts.push(begin.elapsed());
            spawns.extend(
                seen.started
                    .into_iter()
                    .flatten()
                    .filter(|timing| timing.part == "spawn")
                    .map(|timing| Duration::from_micros(timing.micros)),
            );
            rig.dispatcher.report(attempt).await;
            wholes.push(begin.elapsed());
        }
        table(&format!("{what}: given -> shell started"), starts);
        table(&format!("{what}: of which spawn"), spawns);
        table(&format!("{what}: given -> reported"), wholes);
        let begin = Instant::now();
        let attempts: Vec<_> = (0..1000)
            .map(|_| {
                rig.dispatcher
                    .give(assignment(step(&["true"], &[]), None, &[], &[]))
            })
            .collect();
        for attempt in &attempts {
            rig.dispatcher.report(*attempt).await;
        }
        println!(
            "{what}: {:.0} attempts a minute without clone",
            60_000.0 / begin.elapsed().as_secs_f64()
        );
        let origin = repository();
        let checkout = origin.checkout("main", &origin.head());
        let begin = Instant::now();
        let attempts: Vec<_> = (0..300)
            .map(|_| {
                rig.dispatcher.give(assignment(
                    step(&["true"], &[]),
                    Some(checkout.clone()),
                    &[],
                    &[],
                ))
            })
            .collect();
        for attempt in &attempts {
            rig.dispatcher.report(*attempt).await;
        }
        println!(
            "{what}: {:.0} attempts a minute with a checkout of 200 files",
            18_000.0 / begin.elapsed().as_secs_f64()
        );
        rig.end().await;
    }
}

async fn two_hundred_megabytes_of_output() {
    let (rig, _) = rig(1, None);
    for (what, masked) in [
        ("no secrets", vec![]),
        (
            "3 secrets",
            vec!["hunter2-token", "s3cr3t/value+x", "another-secret-value"],
        ),
    ] {
        let plan = step(
            &[
                "yes 'a line of output as programs print it, about eighty characters long, more or less' | head -c 200000000",
            ],
            &[],
        );
        let begin = Instant::now();
        let attempt = rig.dispatcher.give(assignment(plan, None, &[], &masked));
        let seen = rig
            .dispatcher
            .until(attempt, |seen| seen.report.is_some())
            .await;
        let time = begin.elapsed().as_secs_f64();
        println!(
            "200 MB of output, {what}: {:.0} MB/s in {} appends",
            seen.log.len() as f64 / time / 1e6,
            seen.appends
        );
    }
    rig.end().await;
}

fn masking() {
    let text =
        "a line of output as programs print it, about eighty characters long, more or less\n"
            .repeat(3000);
    let key = SshKeyPair::generate("").expect("a key");
    let many: Vec<_> = (0..30)
        .map(|number| format!("secret-number-{number}-{}", number * 7919))
        .collect();
    let sets = [
        ("none", vec![]),
        (
            "3",
            vec!["hunter2-token", "s3cr3t/value+x", "another-secret-value"],
        ),
        ("a private key", vec![key.private_key.expose()]),
        ("30", many.iter().map(String::as_str).collect()),
    ];
    for (what, secrets) in sets {
        let secrets: Vec<_> = secrets.into_iter().map(Secret::new).collect();
        let begin = Instant::now();
        let masker = Masker::new(&secrets, &[]);
        let built = begin.elapsed();
        let (mut stream, mut out) = (masker.stream(), BytesMut::new());
        let begin = Instant::now();
        let rounds = 1600;
        for _ in 0..rounds {
            stream.pending().extend_from_slice(text.as_bytes());
            stream.drain(false, &mut out);
            out.clear();
        }
        println!(
            "masking, secrets: {what:14} {:6.0} MB/s (built in {built:?})",
            (text.len() * rounds) as f64 / begin.elapsed().as_secs_f64() / 1e6
        );
    }
}
