//! Caches through the whole runner: saved after a step that passed, restored before the next one's script.

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::ApplicationId;
use pipewright_core::plan::{CachePlan, StepPlan};
use pipewright_runner::caches::CacheStore;

use crate::runner::Bench;
use crate::support::dispatcher::assignment;
use crate::support::step;

/// A runner with caches, and the applications that use it.
struct Cached {
    bench: Bench,
    place: tempfile::TempDir,
    application: ApplicationId,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    Timestamp::from_micros(since.as_micros() as i64)
}

fn cache(name: &str, path: &str, key_files: &[&str]) -> CachePlan {
    CachePlan {
        name: name.to_owned(),
        path: path.to_owned(),
        key_files: key_files.iter().map(|file| (*file).to_owned()).collect(),
    }
}

impl Cached {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut pipewright_runner::runner::RunnerConfig)) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let store = CacheStore::new(place.path().join("caches"), 1 << 30, now);
        let bench = Bench::start_with(2, |config| {
            config.caches = Some(store);
            change(config);
        });
        Self {
            bench,
            place,
            application: ApplicationId::new(),
        }
    }

    fn store(&self) -> CacheStore {
        CacheStore::new(self.place.path().join("caches"), 1 << 30, now)
    }

    /// Runs a step with these caches and answers how it ended, and its log.
    async fn run(&self, caches: &[CachePlan], script: &[&str]) -> (AttemptOutcome, String) {
        let plan = StepPlan {
            caches: caches.to_vec(),
            ..step(script, &[])
        };
        let mut work = assignment(plan, None, &[], &[]);
        work.application = self.application;
        let attempt = self.bench.dispatcher.give(work);
        let (report, text) = self.bench.dispatcher.report(attempt).await;
        (report.outcome, text)
    }
}

#[tokio::test]
async fn a_cache_is_saved_once_and_restored_whole() {
    let cached = Cached::new();
    let caches = [
        cache("node", "node_modules", &[]),
        cache("pip", "~/.cache/pip", &[]),
    ];
    let fill = "test ! -e node_modules; mkdir -p node_modules/.bin node_modules/hollow ~/.cache/pip; echo one > node_modules/a; printf '#!/bin/sh\necho ran' > node_modules/tool; chmod +x node_modules/tool; ln -s ../tool node_modules/.bin/tool; ln -s /etc/passwd node_modules/out; echo wheel > $HOME/.cache/pip/wheel";
    let (outcome, text) = cached.run(&caches, &[fill]).await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        text.starts_with("Cache node does not exist yet.\nCache pip does not exist yet.\n"),
        "{text}"
    );
    assert!(
        text.contains("\nSaved cache node (")
            && text.contains(", without 1 link that leads out of it in ")
            && text.contains("\nSaved cache pip ("),
        "{text}"
    );
    let check = "test -d node_modules/hollow; test ! -e node_modules/stale; node_modules/.bin/tool; cat node_modules/a ~/.cache/pip/wheel; echo two > node_modules/a";
    let (outcome, text) = cached.run(&caches, &[check]).await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        text.starts_with("Restored cache node (") && text.contains("\nran\none\nwheel\n"),
        "{text}"
    );
    assert!(
        text.contains("Cache node is kept already, so it is not saved again."),
        "{text}"
    );
    let (_, text) = cached.run(&caches, &["cat node_modules/a"]).await;
    assert!(text.contains("\none\n"), "as it was saved first: {text}");
    // Another application has its own.
    let other = Cached {
        application: ApplicationId::new(),
        ..cached
    };
    let (_, text) = other.run(&caches, &["test ! -e node_modules"]).await;
    assert!(
        text.contains("Cache node does not exist yet.")
            && text.contains("Cache node is not saved: its directory is missing or empty."),
        "{text}"
    );
    assert_eq!(other.store().list(&other.application.to_string()).len(), 0);
    other.bench.end().await;
}

#[tokio::test]
async fn a_failed_step_saves_nothing() {
    let cached = Cached::new();
    let (outcome, text) = cached
        .run(&[cache("c", "c", &[])], &["mkdir c; echo > c/f; exit 1"])
        .await;
    assert_eq!(outcome, AttemptOutcome::Failed);
    assert!(!text.contains("Saved cache"), "{text}");
    assert!(
        cached
            .store()
            .list(&cached.application.to_string())
            .is_empty()
    );
    cached.bench.end().await;
}

#[tokio::test]
async fn what_cannot_be_cached_is_said_and_the_step_goes_on() {
    let cached = Cached::with(|config| config.archive_limits.archive_bytes = 1000);
    let caches = [
        cache("docker", "", &[]),
        cache("system", "/var/cache/pipewright-test", &[]),
        cache("keyed", "k", &["*.lock"]),
        cache("large", "large", &[]),
        cache("file", "file", &[]),
        cache("linked", "linked", &[]),
    ];
    let (outcome, text) = cached
        .run(
            &caches,
            &["mkdir large; head -c 100000 /dev/urandom > large/f; echo > file; ln -s /etc linked"],
        )
        .await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    for line in [
        "Cache docker is not used: it holds layers of images, and the host executor has none.",
        "Cache system (/var/cache/pipewright-test) is not used: its path is outside of the step's own directories, which the host executor does not cache.",
        "Cache keyed is not used: no file matches its key (*.lock).",
        "Cache large is not saved: it is larger than 1.0 kB compressed",
        "Cache file is not saved: its directory is missing or empty.",
        "Cache linked is not saved: its directory is missing or empty.",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(
        cached
            .store()
            .list(&cached.application.to_string())
            .is_empty()
    );
    cached.bench.end().await;
}

#[tokio::test]
async fn a_damaged_cache_is_said_and_leaves_nothing_behind() {
    let cached = Cached::new();
    let caches = [cache("c", "c", &[])];
    cached
        .run(
            &caches,
            &["mkdir c; for i in 1 2 3; do head -c 300000 /dev/urandom > c/$i; done"],
        )
        .await;
    let directory = cached
        .place
        .path()
        .join("caches")
        .join(cached.application.to_string())
        .join("c");
    let file = std::fs::read_dir(&directory)
        .expect("a directory")
        .flatten()
        .next()
        .expect("one")
        .path();
    let whole = std::fs::read(&file).expect("reads");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("writes");
    let (outcome, text) = cached.run(&caches, &["test ! -e c"]).await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        text.contains(
            "Cache c cannot be restored, and the step continues without it: its stream is broken"
        ),
        "{text}"
    );
    // It does not stand in the way of a good one.
    assert!(!file.exists());
    let (_, text) = cached.run(&caches, &["mkdir c; echo good > c/1"]).await;
    assert!(text.contains("Saved cache c"), "{text}");
    let (outcome, text) = cached.run(&caches, &["grep good c/1"]).await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    cached.bench.end().await;
}

#[tokio::test]
async fn a_cache_over_a_limit_is_made_anew() {
    let cached = Cached::with(|config| config.archive_limits.unpacked_bytes = 1_000_000);
    let caches = [cache("c", "c", &[])];
    cached.run(&caches, &["mkdir c; echo small > c/1"]).await;
    let directory = cached
        .place
        .path()
        .join("caches")
        .join(cached.application.to_string())
        .join("c");
    let file = std::fs::read_dir(&directory)
        .expect("a directory")
        .flatten()
        .next()
        .expect("one")
        .path();
    // As it would be were it made before the limit was lowered.
    let large = cached.place.path().join("large");
    std::fs::create_dir(&large).expect("a directory");
    std::fs::write(large.join("1"), vec![0; 2_000_000]).expect("writes");
    let packed = std::fs::File::create(&file).expect("a file");
    let entries = [pipewright_runner::archive::Entry::File("1".into())];
    let limits = pipewright_runner::archive::ArchiveLimits::default();
    pipewright_runner::archive::pack(
        &large,
        &entries,
        packed,
        limits,
        &pipewright_runner::archive::Cancel::default(),
    )
    .expect("packs");
    let (_, text) = cached.run(&caches, &["mkdir c; echo new > c/1"]).await;
    assert!(
        text.contains("Cache c cannot be restored") && text.contains("Saved cache c"),
        "{text}"
    );
    cached.bench.end().await;
}

#[tokio::test]
async fn two_steps_at_once_keep_one_whole_cache() {
    let cached = Cached::new();
    let caches = [cache("c", "c", &[])];
    let script = ["mkdir c; head -c 2000000 /dev/urandom > c/a; cp c/a c/b"];
    let (one, other) = tokio::join!(cached.run(&caches, &script), cached.run(&caches, &script));
    assert_eq!(
        (one.0, other.0),
        (AttemptOutcome::Passed, AttemptOutcome::Passed)
    );
    assert_eq!(
        cached.store().list(&cached.application.to_string()).len(),
        1
    );
    let (outcome, text) = cached.run(&caches, &["cmp c/a c/b"]).await;
    assert_eq!(outcome, AttemptOutcome::Passed, "{text}");
    cached.bench.end().await;
}
