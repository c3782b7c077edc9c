//! The SSH key and the known hosts of an application, as its steps find them.
//!
//! As Bitbucket gives them (execution.md §1.5): the key in the step's `ssh` directory, a copy that other users inside of a
//! container may read, known hosts beside them for pipes; `~/.ssh/config` names the key, and `~/.ssh/known_hosts` the hosts.
//! All of it lies in the step's own directories and goes with them.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pipewright_core::wire::StepSsh;

use super::contract::SeenAs;
use super::directories::StepDirectories;

/// The key's file, whatever its kind: scripts know it by this name.
const KEY: &str = "id_rsa";

/// What pipes copy the key from.
const KEY_FOR_OTHERS: &str = "id_rsa_tmp";

const KNOWN_HOSTS: &str = "known_hosts";

/// The variable that names the key's file.
const KEY_VARIABLE: &str = "BITBUCKET_SSH_KEY_FILE";

/// The variable by which `git` is told how to start `ssh`.
pub(super) const GIT_COMMAND: &str = "GIT_SSH_COMMAND";

/// Writes what a step is given. Nothing where there is neither key nor host.
pub fn place_ssh(ssh: &StepSsh, directories: &StepDirectories, seen: &SeenAs) -> io::Result<()> {
    if ssh.private_key.is_none() && ssh.known_hosts.is_empty() {
        return Ok(());
    }
    let own = directories.home.join(".ssh");
    std::fs::DirBuilder::new().mode(0o700).create(&own)?;
    if let Some(key) = &ssh.private_key {
        // ssh refuses a key whose last line does not end.
        let text = format!("{}\n", key.expose().trim_end());
        for (name, mode) in [(KEY, 0o600), (KEY_FOR_OTHERS, 0o644)] {
            write(&directories.ssh.join(name), &text, mode)?;
        }
        write(&own.join("config"), &configuration(seen), 0o600)?;
    }
    if !ssh.known_hosts.is_empty() {
        let text = format!("{}\n", ssh.known_hosts.trim_end());
        write(&directories.ssh.join(KNOWN_HOSTS), &text, 0o644)?;
        // A script may add to these.
        write(&own.join(KNOWN_HOSTS), &text, 0o600)?;
    }
    Ok(())
}

/// What a step's environment says of its key.
pub(super) fn variables(directories: &StepDirectories, seen: &SeenAs) -> Option<(String, String)> {
    let is_there = !directories.ssh.as_os_str().is_empty() && directories.ssh.join(KEY).exists();
    is_there.then(|| {
        let file = seen.ssh.join(KEY).to_string_lossy().into_owned();
        (KEY_VARIABLE.to_owned(), file)
    })
}

/// How `git` starts `ssh` where `ssh` itself looks for its configuration in another home than the step's.
pub(super) fn git_command(directories: &StepDirectories) -> Option<(String, String)> {
    let own = directories.home.join(".ssh");
    own.exists().then(|| {
        let config = own.join("config");
        let config = if config.exists() {
            config
        } else {
            PathBuf::from("/dev/null")
        };
        let hosts = own.join(KNOWN_HOSTS);
        let command = format!(
            "ssh -F {} -o UserKnownHostsFile={}",
            word(&config),
            word(&hosts)
        );
        (GIT_COMMAND.to_owned(), command)
    })
}

fn configuration(seen: &SeenAs) -> String {
    let mut text = String::from("Host *\n");
    let key = seen.ssh.join(KEY);
    let key = key.to_string_lossy().replace('%', "%%");
    let _ = writeln!(text, "    IdentityFile \"{key}\"");
    text.push_str("    ServerAliveInterval 180\n");
    text
}

/// A path as one word of a shell.
fn word(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use pipewright_core::Secret;
    use pipewright_core::wire::StepSsh;

    use super::{git_command, place_ssh, variables};
    use crate::executor::{SeenAs, StepDirectories};

    fn mode(path: &Path) -> u32 {
        let about = path.metadata().expect("is there");
        about.permissions().mode() & 0o777
    }

    #[test]
    fn key_and_hosts_lie_where_scripts_and_pipes_look_and_only_the_step_reads_them() {
        let place = tempfile::tempdir().expect("a directory");
        let directories = StepDirectories::create(&place.path().join("step")).expect("directories");
        let seen = SeenAs {
            ssh: "/agent/ssh".into(),
            ..SeenAs::itself(&directories)
        };
        let ssh = StepSsh {
            private_key: Some(Secret::new("-----BEGIN\nkey\n-----END")),
            known_hosts: "example.com ssh-ed25519 AAAA".to_owned(),
        };
        assert_eq!(variables(&directories, &seen), None);
        place_ssh(&ssh, &directories, &seen).expect("writes");
        let read = |path: &Path| std::fs::read_to_string(path).expect("reads");
        let key = directories.ssh.join("id_rsa");
        assert_eq!(read(&key), "-----BEGIN\nkey\n-----END\n");
        assert_eq!((mode(&key), mode(&directories.ssh)), (0o600, 0o700));
        let config = read(&directories.home.join(".ssh/config"));
        assert!(
            config.contains("IdentityFile \"/agent/ssh/id_rsa\""),
            "{config}"
        );
        let hosts = "example.com ssh-ed25519 AAAA\n";
        for path in ["home/.ssh/known_hosts", "ssh/known_hosts"] {
            assert_eq!(read(&place.path().join("step").join(path)), hosts);
        }
        let named = variables(&directories, &seen).expect("a variable");
        assert_eq!(named.1, "/agent/ssh/id_rsa");
        let (_, command) = git_command(&directories).expect("a command");
        assert!(command.contains("/home/.ssh/config'"), "{command}");
    }

    #[test]
    fn nothing_is_written_where_nothing_was_set() {
        let place = tempfile::tempdir().expect("a directory");
        let directories = StepDirectories::create(&place.path().join("step")).expect("directories");
        let seen = SeenAs::itself(&directories);
        place_ssh(&StepSsh::default(), &directories, &seen).expect("writes");
        assert!(!directories.home.join(".ssh").exists());
        assert_eq!(git_command(&directories), None);
    }
}
