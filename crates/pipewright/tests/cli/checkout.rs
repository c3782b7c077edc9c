//! A git checkout in a directory of its own, and the program run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A checkout on `main`.
pub(crate) struct Checkout {
    directory: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Checkout {
    /// With this pipeline file and one commit.
    pub(crate) fn new(pipeline: &str) -> Self {
        let checkout = Self::empty();
        checkout.git(&["init", "-q", "-b", "main"]);
        checkout.write("bitbucket-pipelines.yml", pipeline);
        checkout.commit();
        checkout
    }

    /// A directory that is no checkout. Its name is `work`, its parent the test's own.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["work", "tmp", "home"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        Self { directory }
    }

    /// The work tree.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Where the program makes its temporary directories.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.directory.path().join("tmp")
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Commits everything.
    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "A commit"]);
    }

    /// Runs git in the work tree.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .args(arguments)
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
            ])
            .envs([
                ("GIT_AUTHOR_NAME", "Mia"),
                ("GIT_AUTHOR_EMAIL", "mia@example.com"),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "Mia"),
                ("GIT_COMMITTER_EMAIL", "mia@example.com"),
            ])
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// The program with these arguments, in the work tree, with an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
        command
            .current_dir(self.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
            .env("TMPDIR", self.tmp())
            .env("HOME", self.directory.path().join("home"))
            .env("NO_COLOR", "1")
            .env_remove("XDG_CACHE_HOME");
        command
    }

    /// Runs the program to its end.
    #[must_use]
    pub(crate) fn pipewright(&self, arguments: &[&str]) -> Ended {
        self.command(arguments)
            .output()
            .expect("the program runs")
            .into()
    }

    /// Starts the program with its output in pipes.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }

    /// Every file of the work tree and the repository with its content.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.path(), &mut found);
        found
    }

    /// Fails where the program left something behind.
    pub(crate) fn assert_tidy(&self) {
        let left: Vec<_> = std::fs::read_dir(self.tmp())
            .expect("a directory")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Ended {
    /// Fails, showing everything, unless the exit code is this one.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard output holds each of these lines, in this order.
    pub(crate) fn prints(self, lines: &[&str]) -> Self {
        let mut rest = self.out.lines();
        for line in lines {
            assert!(
                rest.any(|printed| printed == *line),
                "{line:?} does not come in:\n{}\n{}",
                self.out,
                self.err
            );
        }
        self
    }

    /// The outcome of the step of this name in the table at the end.
    pub(crate) fn outcome(&self, name: &str) -> &str {
        let table = self.out.rsplit("\n\n").next().unwrap_or_default();
        let row = table
            .lines()
            .find(|line| line.contains(&format!("  {name}  ")));
        let row = row
            .unwrap_or_else(|| panic!("{name} is not in the table:\n{}\n{}", self.out, self.err));
        row.rsplit("  ").next().unwrap_or_default()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn collect(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            collect(&entry.path(), found);
        } else {
            found.insert(entry.path(), std::fs::read(entry.path()).expect("a file"));
        }
    }
}
