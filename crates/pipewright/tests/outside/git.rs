//! A developer with real git and real SSH.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A clone of a repository, with the developer's own SSH key.
pub(crate) struct Clone {
    directory: tempfile::TempDir,
}

impl Clone {
    /// Makes a key, registers it with `register`, and clones.
    pub(crate) fn of(url: &str, register: impl FnOnce(&str)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let key = directory.path().join("key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "a developer", "-f"])
            .arg(&key));
        register(
            std::fs::read_to_string(key.with_extension("pub"))
                .expect("the public key")
                .trim(),
        );
        let clone = Self { directory };
        run(clone
            .git_in(clone.directory.path())
            .args(["clone", "--quiet", url, "work"]));
        clone.git(&["config", "user.name", "Ivo Tanaka"]);
        clone.git(&["config", "user.email", "ivo@harbor.example"]);
        clone
    }

    /// Writes files, commits and pushes; returns the commit.
    pub(crate) fn push(&self, files: &[(&str, &str)], message: &str) -> String {
        for (path, text) in files {
            std::fs::write(self.work().join(path), text).expect("writes");
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["push", "--quiet", "origin", "HEAD"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the clone; returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run(self.git_in(&self.work()).args(arguments))
    }

    fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    fn git_in(&self, directory: &Path) -> Command {
        let ssh = format!(
            "ssh -i {}/key -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -F /dev/null",
            self.directory.path().display()
        );
        let mut git = Command::new("git");
        git.current_dir(directory)
            .env("GIT_SSH_COMMAND", ssh)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
