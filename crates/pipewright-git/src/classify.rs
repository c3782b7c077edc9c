//! Reads the last words of git, ssh and curl, which all run with `LC_ALL=C`, and says what they mean.
//!
//! The texts are those of git 2.31 to 2.53, OpenSSH 8.4 to 10 and both Bitbuckets' SSH and HTTP servers. Where two
//! match, the more exact one stands first. Nothing decides anything by these texts except the sentence shown, whether
//! a kept connection is replaced, and whether a mirror is made anew.

use pipewright_core::wire::CloneCredential;

use super::error::GitError;
use super::network::Network;
use crate::known_hosts::HostKeys;

/// At most this many characters of git's own words go into an error.
const DETAIL_LIMIT: usize = 600;

/// The error of a failed network command.
pub(super) fn classify(operation: &'static str, stderr: &[u8], network: &Network<'_>) -> GitError {
    let text = String::from_utf8_lossy(stderr);
    let host = network.url.host();
    // First: a machine that can open no more files cannot resolve names either.
    if let Some(error) = classify_machine(&text) {
        return error;
    }
    if let Some(error) = classify_ssh(&text, &host, network.credential) {
        return error;
    }
    classify_local(&text)
        .unwrap_or_else(|| classify_http(operation, &text, &host, network.url.as_str()))
}

/// What ssh says before any git is spoken; `None` where it says nothing known.
fn classify_ssh(text: &str, host: &str, credential: &CloneCredential) -> Option<GitError> {
    let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let host_owned = || host.to_owned();
    Some(
        if any(&[
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            "Host key verification failed",
            "host key is known for",
        ]) {
            let pinned = match credential {
                CloneCredential::Ssh { known_hosts, .. } => HostKeys::parse(known_hosts)
                    .fingerprints()
                    .into_iter()
                    .next(),
                _ => None,
            };
            GitError::HostKeyChanged {
                host: host_owned(),
                expected: pinned,
                got: fingerprint_in(text),
            }
        } else if any(&["Permission denied (", "Too many authentication failures"]) {
            GitError::PermissionDenied { host: host_owned() }
        } else if any(&[
            "Could not resolve host",
            "Name or service not known",
            "Temporary failure in name resolution",
        ]) {
            GitError::HostUnknown { host: host_owned() }
        } else if any(&[
            "Connection refused",
            "Couldn't connect to server",
            "Could not connect to server",
            "No route to host",
            "Network is unreachable",
        ]) {
            GitError::ConnectionRefused { host: host_owned() }
        } else {
            return None;
        },
    )
}

/// The error of a connection that could not be made.
pub(crate) fn classify_connect(
    text: &str,
    host: &str,
    credential: &CloneCredential,
    limit: std::time::Duration,
) -> GitError {
    classify_ssh(text, host, credential).unwrap_or_else(|| {
        if text.contains("timed out") {
            GitError::Timeout {
                operation: "connect",
                limit,
                limit_name: "git.connect_seconds",
            }
        } else {
            GitError::Other {
                operation: "connect",
                detail: tail(text),
            }
        }
    })
}

/// What git says of this machine's room; `None` where it says nothing known.
fn classify_machine(text: &str) -> Option<GitError> {
    let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if any(&["No space left on device", "Disk quota exceeded"]) {
        return Some(GitError::DiskFull);
    }
    let refusals = [
        "Too many open files",
        "Cannot allocate memory",
        "Out of memory",
        "out of memory",
        "Read-only file system",
        "Resource temporarily unavailable",
        "Input/output error",
    ];
    any(&refusals).then(|| GitError::Machine { detail: tail(text) })
}

/// What git says of this machine; `None` where it says nothing known.
pub(super) fn classify_local(text: &str) -> Option<GitError> {
    let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if let Some(error) = classify_machine(text) {
        return Some(error);
    }
    if text.contains("fsck error") {
        return Some(GitError::BadObject { detail: tail(text) });
    }
    let damage = [
        "is corrupt",
        "is empty\nfatal",
        "object file is empty",
        "bad object refs",
        "unable to read tree",
        "unable to read sha1 file",
        "cannot be accessed",
        "inflate: data stream error",
        "index file",
        "not a git repository",
        "unable to find alternate",
        "unable to normalize alternate",
        "garbage at end of",
        "failed to read object",
        "missing blob",
        "missing tree",
    ];
    any(&damage).then(|| GitError::Damaged { detail: tail(text) })
}

fn classify_http(operation: &'static str, text: &str, host: &str, url: &str) -> GitError {
    let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let host = host.to_owned();
    if any(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "returned error: 401",
        "returned error: 403",
        "terminal prompts disabled",
    ]) {
        GitError::AuthenticationFailed { host }
    } else if any(&[
        "SSL certificate",
        "server certificate verification failed",
        "certificate verify failed",
        "SSL peer certificate",
        "CAfile",
    ]) {
        GitError::Certificate {
            host,
            detail: tail(text),
        }
    } else if any(&[
        "repository does not exist",
        "Repository not found",
        "does not appear to be a git repository",
        "returned error: 404",
        "may not have access to this repository",
        "does not exist",
    ]) || (text.contains("repository '") && text.contains("' not found"))
    {
        GitError::RepositoryNotFound {
            url: url.to_owned(),
        }
    } else if any(&["timed out", "Operation too slow"]) {
        GitError::Timeout {
            operation,
            limit: std::time::Duration::from_mins(1),
            limit_name: "git.connect_seconds",
        }
    } else {
        GitError::Other {
            operation,
            detail: tail(text),
        }
    }
}

/// The end of git's own words on one line, without its progress lines.
pub(super) fn tail(text: &str) -> String {
    let lines = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let words: Vec<_> = lines
        .filter(|line| {
            !line.ends_with('%')
                && !line.contains("% (")
                && !line.starts_with("remote: Enumerating")
        })
        .collect();
    let joined = words.join("; ");
    let cut = joined
        .char_indices()
        .rev()
        .nth(DETAIL_LIMIT)
        .map_or(0, |(place, _)| place);
    if joined.is_empty() {
        "it gave no reason".to_owned()
    } else {
        joined[cut..].to_owned()
    }
}

/// The first `SHA256:…` in ssh's words: the key that the host showed.
pub(crate) fn fingerprint_in(text: &str) -> Option<String> {
    let start = text.find("SHA256:")?;
    let word = text[start..]
        .split(|c: char| c.is_whitespace() || c == '.')
        .next()?;
    (word.len() > 20).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use pipewright_core::wire::CloneCredential;

    use super::{Network, classify, tail};
    use crate::{GitError, RemoteUrl};

    fn read(text: &str) -> GitError {
        let url: RemoteUrl = "ssh://git@host:7999/p/r.git".parse().expect("a URL");
        classify(
            "fetch",
            text.as_bytes(),
            &Network {
                url: &url,
                credential: &CloneCredential::None,
            },
        )
    }

    #[test]
    fn each_way_to_fail_has_its_own_error() {
        let changed = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG.\n";
        let GitError::HostKeyChanged { got: Some(got), .. } = read(changed) else {
            panic!("a changed key")
        };
        assert_eq!(got, "SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
        assert!(matches!(
            read(
                "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository."
            ),
            GitError::PermissionDenied { .. }
        ));
        assert!(matches!(
            read("ssh: Could not resolve hostname host: Name or service not known"),
            GitError::HostUnknown { .. }
        ));
        for machine in [
            "error: cannot create pipe for ssh: Too many open files",
            "fatal: cannot create thread: Resource temporarily unavailable\nCould not resolve host",
            "error: unable to write file x: Read-only file system",
            "fatal: write error: No space left on device",
        ] {
            assert!(read(machine).is_of_machine(), "{machine}");
        }
        assert!(!read("conq: repository does not exist.").is_of_machine());
        assert!(matches!(
            read("ssh: connect to host 127.0.0.1 port 1: Connection refused"),
            GitError::ConnectionRefused { .. }
        ));
        assert!(matches!(
            read(
                "fatal: unable to access 'http://h/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server"
            ),
            GitError::ConnectionRefused { .. }
        ));
        assert!(matches!(
            read("conq: repository does not exist.\nfatal: Could not read from remote repository."),
            GitError::RepositoryNotFound { .. }
        ));
        assert!(matches!(
            read("fatal: repository 'https://h/x.git/' not found"),
            GitError::RepositoryNotFound { .. }
        ));
        assert!(matches!(
            read("fatal: could not read Username for 'https://h': terminal prompts disabled"),
            GitError::AuthenticationFailed { .. }
        ));
        assert!(matches!(
            read("fatal: unable to access 'https://h/': The requested URL returned error: 403"),
            GitError::AuthenticationFailed { .. }
        ));
        assert!(matches!(
            read(
                "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate"
            ),
            GitError::Certificate { .. }
        ));
        assert!(matches!(
            read("error: file write error: No space left on device\nfatal: unable to write"),
            GitError::DiskFull
        ));
        assert!(matches!(
            read("fatal: something new"),
            GitError::Other { .. }
        ));
    }

    #[test]
    fn every_error_ends_with_what_to_do() {
        for text in [
            "Permission denied (publickey)",
            "Connection refused",
            "Could not resolve host: x",
            "returned error: 404",
            "No space left on device",
            "x",
        ] {
            let sentence = read(text).to_string();
            assert!(
                sentence.contains([';', ':']) && sentence.len() > 40,
                "{sentence}"
            );
        }
    }

    #[test]
    fn progress_is_not_part_of_the_tail() {
        assert_eq!(
            tail(
                "Receiving objects:  50% (1/2)\rReceiving objects: 100% (2/2), done.\nfatal: early EOF\n"
            ),
            "fatal: early EOF"
        );
    }
}
