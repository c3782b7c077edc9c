//! `pipewright run` builds small real projects from real pipeline files.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::checkout::Checkout;

/// True where the program runs; says that a test is skipped where not.
fn has(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let runs = status.is_ok_and(|status| status.success());
    if !runs {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {program} does not run here");
        }
    }
    runs
}

const PYTHON_PIPELINE: &str = r#"image: python:3.12

definitions:
  steps:
    - step: &test
        name: Test
        caches:
          - pip
        script:
          - export GREETED=World
          - python3 -m unittest -v 2>&1
        after-script:
          - 'echo "tests ended with $BITBUCKET_EXIT_CODE"'

pipelines:
  default:
    - step: *test
    - parallel:
        - step:
            name: Compile
            script:
              - python3 -m compileall -q greeting
        - step:
            name: Package
            script:
              - tar czf greeting.tar.gz greeting
              - tar tzf greeting.tar.gz
  pull-requests:
    '**':
      - step: *test
"#;

const GREETING: &str = "def greet(name):\n    return f'Hello, {name}!'\n";

const GREETING_TEST: &str = "import os
import unittest

from greeting import greet


class GreetingTest(unittest.TestCase):
    def test_greets(self):
        self.assertEqual(greet(os.environ['GREETED']), 'Hello, World!')


if __name__ == '__main__':
    unittest.main()
";

#[test]
fn a_python_project_is_tested_and_packed() {
    if !has("python3", &["-c", "import unittest, compileall"]) {
        return;
    }
    let checkout = Checkout::new(PYTHON_PIPELINE);
    checkout.write("greeting/__init__.py", GREETING);
    checkout.write("test_greeting.py", GREETING_TEST);
    checkout.commit();
    let ended = checkout.pipewright(&["run"]).expect(0).prints(&[
        "+ python3 -m unittest -v 2>&1",
        "OK",
        "tests ended with 0",
    ]);
    assert!(
        ended.out.contains("Package | greeting/__init__.py"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("Cache pip does not exist yet."),
        "{}",
        ended.out
    );
    assert_eq!(
        (
            ended.outcome("Test"),
            ended.outcome("Compile"),
            ended.outcome("Package")
        ),
        ("passed", "passed", "passed")
    );

    // The mistake is seen as the person sees it, before it is committed.
    checkout.write("greeting/__init__.py", &GREETING.replace("Hello", "Hullo"));
    checkout.pipewright(&["run"]).expect(0);
    let ended = checkout
        .pipewright(&["run", "--dirty", "--pull-request", "feature/x:main"])
        .expect(1);
    let ended = ended.prints(&[
        "AssertionError: 'Hullo, World!' != 'Hello, World!'",
        "tests ended with 1",
    ]);
    assert_eq!(ended.outcome("Test"), "failed with exit code 1");
    checkout.assert_tidy();
}

const RUST_PIPELINE: &str = r#"image: rust:1.95

pipelines:
  default:
    - step:
        name: Test
        max-time: 10
        caches: [cargo]
        script:
          - cargo --version
          - cargo test --offline
    - step:
        name: Run
        script:
          - cargo run --offline --quiet -- 6 7 | tee answer
          - test "$(cat answer)" = 42

definitions:
  caches:
    cargo: ~/.cargo/registry
"#;

const RUST_SOURCE: &str = r#"fn product(numbers: &[u64]) -> u64 {
    numbers.iter().product()
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    println!("{}", product(&numbers));
}

#[test]
fn numbers_are_multiplied() {
    assert_eq!(product(&[6, 7]), 42);
}
"#;

#[test]
fn a_rust_crate_is_tested_and_run() {
    if !has("cargo", &["--version"]) {
        return;
    }
    let checkout = Checkout::new(RUST_PIPELINE);
    checkout.write(
        "Cargo.toml",
        "[package]\nname = \"product\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    checkout.write(
        "Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"product\"\nversion = \"0.1.0\"\n",
    );
    checkout.write("src/main.rs", RUST_SOURCE);
    checkout.write(".gitignore", "target\n.env\n");
    checkout.commit();
    // A toolchain lives in the person's home, which steps do not have: it is shown to them, and the env file says where it
    // is, as the docs advise.
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    let place = |name: &str, usual: &str| {
        std::env::var(name).unwrap_or_else(|_| home.join(usual).display().to_string())
    };
    let (rustup, cargo) = (
        place("RUSTUP_HOME", ".rustup"),
        place("CARGO_HOME", ".cargo"),
    );
    checkout.write(
        ".env",
        &format!("RUSTUP_HOME={rustup}\nCARGO_HOME={cargo}\n"),
    );
    let ended = checkout
        .pipewright(&["run", "--readable", &rustup, "--readable", &cargo])
        .expect(0)
        .prints(&["test numbers_are_multiplied ... ok", "42"]);
    assert_eq!(
        (ended.outcome("Test"), ended.outcome("Run")),
        ("passed", "passed")
    );
    assert!(
        !checkout.path().join("target").exists(),
        "the work tree stays as it is"
    );
    checkout.assert_tidy();
}
