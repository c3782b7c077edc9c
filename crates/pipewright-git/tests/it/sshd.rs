//! Debian's OpenSSH server on a port of its own, with a host key and a list of admitted keys.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use pipewright_git::ssh::{SshKeyPair, SshTarget};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/sshd";

/// A running server; dropping it ends it and its connections.
pub(crate) struct Sshd {
    directory: TempDir,
    child: Child,
    port: u16,
    log: Arc<Mutex<String>>,
}

impl Sshd {
    /// Starts a server that admits nobody; `None`, with a printed line, where there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: there is no {PROGRAM} here");
            }
            return None;
        }
        // The server wants this directory where it runs as root, and makes it nowhere else than in its service file.
        let _ = std::fs::create_dir_all("/run/sshd");
        let directory = tempfile::tempdir().expect("a directory");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let (child, log) = launch(
            directory.path(),
            port,
            &SshKeyPair::generate("host").expect("a key"),
        );
        Some(Self {
            directory,
            child,
            port,
            log,
        })
    }

    pub(crate) fn target(&self) -> SshTarget {
        SshTarget {
            user: user(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
        }
    }

    pub(crate) fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", user(), self.port, path.display())
    }

    /// Admits a key from now on.
    pub(crate) fn admit(&self, key: &SshKeyPair) {
        std::fs::write(
            self.directory.path().join("authorized_keys"),
            format!("{}\n", key.public_line),
        )
        .expect("a file");
    }

    /// Drops the connection of the next command in the middle of it, as a firewall or a restarting server does.
    pub(crate) fn drop_next_command(&self) {
        std::fs::write(self.directory.path().join("drop"), "").expect("a file");
    }

    /// How many times a key was accepted: the number of handshakes.
    pub(crate) fn handshakes(&self) -> usize {
        self.log
            .lock()
            .expect("no panic")
            .matches("Accepted publickey")
            .count()
    }

    /// Ends the server with all its connections and starts it again on its port, with the same or a new host key.
    pub(crate) fn restart(&mut self, new_host_key: bool) {
        self.end();
        let key = if new_host_key {
            Some(SshKeyPair::generate("host").expect("a key"))
        } else {
            None
        };
        let (child, log) = relaunch(self.directory.path(), self.port, key.as_ref());
        (self.child, self.log) = (child, log);
    }

    fn end(&mut self) {
        for process in descendants(self.child.id()) {
            let _ = Command::new("/bin/kill")
                .args(["-KILL", &process.to_string()])
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.end();
    }
}

/// A process and all below it, parents first: a server's connections have sessions of their own.
fn descendants(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))
        .unwrap_or_default();
    let below = children
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .flat_map(descendants);
    std::iter::once(process).chain(below).collect()
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn launch(directory: &Path, port: u16, host_key: &SshKeyPair) -> (Child, Arc<Mutex<String>>) {
    std::fs::write(directory.join("authorized_keys"), "").expect("a file");
    relaunch(directory, port, Some(host_key))
}

fn relaunch(
    directory: &Path,
    port: u16,
    host_key: Option<&SshKeyPair>,
) -> (Child, Arc<Mutex<String>>) {
    let key_file: PathBuf = directory.join("host_key");
    if let Some(key) = host_key {
        std::fs::write(&key_file, key.private_key.expose()).expect("a file");
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600))
            .expect("rights");
    }
    let (command, flag) = (directory.join("command"), directory.join("drop"));
    let text = format!(
        "#!/bin/sh\nif [ -e {0} ]; then rm {0}; kill -KILL $PPID; fi\neval \"exec ${{SSH_ORIGINAL_COMMAND:-true}}\"\n",
        flag.display()
    );
    std::fs::write(&command, text).expect("a file");
    std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o755)).expect("rights");
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\nUseDNS no\nLogLevel INFO\nForceCommand {}\n",
        key_file.display(),
        directory.join("authorized_keys").display(),
        command.display(),
    );
    std::fs::write(directory.join("sshd.conf"), config).expect("a file");
    let mut child = Command::new(PROGRAM)
        .args(["-D", "-e", "-f"])
        .arg(directory.join("sshd.conf"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    let mut log = String::new();
    for line in lines.by_ref() {
        log.push_str(&line);
        if line.contains("Server listening") {
            break;
        }
    }
    assert!(log.contains("Server listening"), "{log}");
    let log = Arc::new(Mutex::new(log));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        lines.for_each(|line| kept.lock().expect("no panic").extend([line.as_str(), "\n"]));
    });
    (child, log)
}
