//! `pipewright run`: caches between runs.

use crate::checkout::Checkout;

const CACHED: &str = "
definitions:
  caches:
    deps: {path: deps, key: {files: [deps.lock]}}
pipelines:
  default:
    - step:
        name: Build
        caches: [deps, pip, docker]
        script:
          - if [ -e deps/made ]; then echo found; else echo made; mkdir deps; echo > deps/made; fi
          - mkdir -p ~/.cache/pip
          - touch ~/.cache/pip/wheel
";

#[test]
fn caches_are_kept_between_runs_by_the_files_of_their_key() {
    let checkout = Checkout::new(CACHED);
    checkout.write("deps.lock", "one");
    checkout.commit();
    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["Cache deps does not exist yet.", "made"]);
    assert!(
        ended.out.contains("Saved cache deps (")
            && ended.out.contains("Cache docker is not used: "),
        "{}",
        ended.out
    );
    assert!(!ended.err.contains("not supported"), "{}", ended.err);
    let ended = checkout.pipewright(&["run"]).expect(0).prints(&[
        "found",
        "Cache deps is kept already, so it is not saved again.",
    ]);
    assert!(
        ended.out.contains("Restored cache deps (") && ended.out.contains("Restored cache pip ("),
        "{}",
        ended.out
    );
    let ended = checkout
        .pipewright(&["run", "--no-cache"])
        .expect(0)
        .prints(&["made"]);
    assert!(
        !ended.out.contains("cache deps") && !ended.out.contains("Cache deps"),
        "{}",
        ended.out
    );
    checkout.write("deps.lock", "two");
    checkout.commit();
    checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["Cache deps does not exist yet.", "made"]);
    checkout.assert_tidy();
}

#[test]
fn caches_are_where_the_person_keeps_caches() {
    let checkout = Checkout::new(CACHED);
    checkout.write("deps.lock", "one");
    checkout.commit();
    let place = tempfile::tempdir().expect("a directory");
    let output = checkout
        .command(&["run"])
        .env("XDG_CACHE_HOME", place.path())
        .output()
        .expect("runs");
    assert!(output.status.success());
    let scopes: Vec<_> = std::fs::read_dir(place.path().join("pipewright/caches"))
        .expect("a directory")
        .flatten()
        .collect();
    assert_eq!(scopes.len(), 1, "one repository");
}
