//! The built `pipewright serve`, started in a directory of its own and killed with the test.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use pipewright_simulator::Simulator;

/// What only the server's own environment holds.
pub(crate) const CANARY: &str = "canary-of-the-server";

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Its address, without a slash at its end.
    pub(crate) url: String,
    /// The one-time link of a first run.
    pub(crate) setup_link: Option<String>,
    data: tempfile::TempDir,
}

impl Server {
    /// Starts on a fresh data directory, with the simulated Cloud in place of Atlassian's.
    pub(crate) fn start(simulator: &Simulator) -> Self {
        Self::start_with(simulator, &[])
    }

    /// The same with these settings, `key=value`.
    pub(crate) fn start_with(simulator: &Simulator, settings: &[&str]) -> Self {
        Self::start_in(
            tempfile::tempdir().expect("a directory"),
            simulator,
            &free_address(),
            settings,
        )
    }

    /// Starts on this data directory.
    pub(crate) fn start_in(
        data: tempfile::TempDir,
        simulator: &Simulator,
        listen: &str,
        settings: &[&str],
    ) -> Self {
        let mut command = serve(data.path(), listen);
        command
            .args(addresses(simulator))
            .args(settings.iter().flat_map(|setting| ["--set", *setting]))
            .env("CANARY", CANARY);
        Self::spawn(command, data)
    }

    /// Runs a command that becomes a server, until that says where it listens. `data` goes with the server.
    pub(crate) fn spawn(mut command: Command, data: tempfile::TempDir) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("it is piped");
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Shown with the test's own output if it fails; the reader goes on so that the server never blocks.
                #[expect(clippy::print_stderr, reason = "the test's output")]
                {
                    eprintln!("server: {line}");
                }
                let _ = send.send(line);
            }
        });
        let mut server = Self {
            child,
            url: String::new(),
            setup_link: None,
            data,
        };
        while let Ok(line) = receive.recv_timeout(START) {
            if let Some((_, url)) = line.split_once("listens on ") {
                url.trim().clone_into(&mut server.url);
            } else if line.contains("/setup/") {
                server.setup_link = Some(line.trim().to_owned());
                return server;
            } else if line.starts_with("Open ") {
                return server;
            }
        }
        panic!("the server did not say within {START:?} where it listens");
    }

    /// Kills the server as `kill -9` would, and starts it again on the same data and port.
    pub(crate) fn kill_and_restart(mut self, simulator: &Simulator) -> Self {
        self.child.kill().expect("is killed");
        self.child.wait().expect("is gone");
        let listen = self.url.trim_start_matches("http://").to_owned();
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().expect("a directory"));
        Self::start_in(data, simulator, &listen, &[])
    }

    /// Kills the server as `kill -9` would; the data directory stays.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().expect("is killed");
        self.child.wait().expect("is gone");
        std::mem::replace(&mut self.data, tempfile::tempdir().expect("a directory"))
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }
}

/// `pipewright serve` on this data directory and address, with nothing else set but how often refs are compared.
pub(crate) fn serve(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    command
        .arg("serve")
        .args(["--set", &format!("server.listen={listen}")])
        .args(["--set", &format!("data.directory={}", data.display())])
        .args(["--set", "comparison.every_seconds=2"])
        .env("PIPEWRIGHT_ENGINE_ADDRESS", "none")
        .env_remove("PIPEWRIGHT_CONFIG");
    command
}

/// The settings that put the simulated Cloud in place of Atlassian's.
pub(crate) fn addresses(simulator: &Simulator) -> Vec<String> {
    let (ssh_host, ssh_port) = simulator.cloud_ssh();
    [
        format!("bitbucket.cloud_web={}", simulator.cloud_web_url()),
        format!("bitbucket.cloud_api={}", simulator.cloud_api_url()),
        format!("bitbucket.cloud_ssh={ssh_host}:{ssh_port}"),
    ]
    .into_iter()
    .flat_map(|setting| ["--set".to_owned(), setting])
    .collect()
}

/// A local address that is free.
pub(crate) fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// What a server that does not start says, and its exit code.
pub(crate) fn refusal(mut command: Command) -> (String, Option<i32>) {
    let output = command.output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it started, and ended: {said}");
    (said, output.status.code())
}

/// A free port below those that the system gives to outgoing connections: while the server is dead, a webhook sent to such
/// a port could be given that very port as its own, and keep it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
