//! The options every `ssh` of ours is given: nothing of the user's own configuration, no prompt, one key, one pinned host.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Which files an `ssh` works with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    /// The public key that selects the agent's key.
    pub(super) public_key: &'a Path,
    /// The agent's socket.
    pub(super) agent: &'a Path,
    /// The pinned hosts.
    pub(super) known_hosts: &'a Path,
}

/// The common options. `strict` is ssh's `StrictHostKeyChecking`: `yes`, or `accept-new` at the first contact.
pub(super) fn options(files: Files<'_>, strict: &str, connect_timeout: Duration) -> Vec<OsString> {
    let timeout = format!("ConnectTimeout={}", connect_timeout.as_secs().max(1));
    let strict = format!("StrictHostKeyChecking={strict}");
    let fixed = [
        "BatchMode=yes",
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        "HashKnownHosts=no",
        "CheckHostIP=no",
        "VerifyHostKeyDNS=no",
        "IdentitiesOnly=yes",
        "PreferredAuthentications=publickey",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "CanonicalizeHostname=no",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=2",
        &strict,
        &timeout,
    ];
    let mut words: Vec<OsString> = vec!["-F".into(), "/dev/null".into(), "-x".into()];
    for option in fixed {
        words.extend(["-o".into(), option.into()]);
    }
    for (name, path) in [
        ("UserKnownHostsFile", files.known_hosts),
        ("IdentityFile", files.public_key),
        ("IdentityAgent", files.agent),
    ] {
        words.extend(["-o".into(), path_option(name, path)]);
    }
    words
}

/// `Name="path"`: ssh reads an option's value with its own quotes and percent signs.
pub(super) fn path_option(name: &str, path: &Path) -> OsString {
    let path = path.to_string_lossy().replace('%', "%%");
    format!("{name}=\"{path}\"").into()
}

/// The words as one shell command, for `GIT_SSH_COMMAND`, which git gives to a shell. The words are our own options
/// and paths under our own directory; no name from outside is among them.
pub(super) fn shell_command(words: &[OsString]) -> OsString {
    let quote = |word: &OsString| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
    words.iter().map(quote).collect::<Vec<_>>().join(" ").into()
}
