//! A hostile step: whatever executor runs it, it gets nothing of the installation and outlives nothing.
//!
//! The installation is a directory with a key, a database, mirrors, another step's workspace and an agent's socket; beside it
//! runs a neighbour with a secret in its environment. The step prints a line for each thing that it got.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pipewright_core::build::AttemptOutcome;
use pipewright_runner::executor::{
    EitherExecutor, EngineExecutor, EngineOptions, Executor as _, HostExecutor, HostOptions,
    Isolation,
};
use pipewright_runner::testing::{IMAGE, TestEngine};
use tempfile::TempDir;

use crate::step::Bench;
use crate::support::step;

/// What is tried. `DATA`, `NEIGHBOUR`, `SERVER` and `MARK` are put in.
const ATTACK: &str = r#"
got() { echo "GOT $*"; }
for d in DATA; do
  cat $d/secret.key >/dev/null 2>&1 && got the key
  cat $d/pipewright.db >/dev/null 2>&1 && got the database
  ls $d/mirrors >/dev/null 2>&1 && got the list of mirrors
  ls $d/runner/attempts >/dev/null 2>&1 && got the list of attempts
  cat $d/runner/attempts/other/build/file >/dev/null 2>&1 && got the workspace of another step
  ( : > $d/mirrors/planted ) 2>/dev/null && got a file into the mirrors
  [ -S $d/agent.sock ] && got the socket of an agent
done
for p in /proc/[0-9]*; do
  tr '\0' '\n' 2>/dev/null < $p/environ | grep -q SECRET_OF_THE_NEIGHBOUR && got the environment of $p
  tr '\0' '\n' 2>/dev/null < $p/environ | grep -q CARGO_MANIFEST && got the environment of the server
done
for p in NEIGHBOUR SERVER; do
  kill -0 $p 2>/dev/null && got a signal to $p
  cat /proc/$p/cmdline >/dev/null 2>&1 && got the command line of $p
  ls /proc/$p/fd >/dev/null 2>&1 && got the files of $p
  ( exec 3<>/proc/$p/mem ) 2>/dev/null && got the memory of $p
  cat /proc/$p/root/etc/hostname >/dev/null 2>&1 && got the root of $p
  nsenter -t $p -m true 2>/dev/null && got into the namespaces of $p
done
cat /etc/shadow >/dev/null 2>&1 && got the password hashes
for f in /etc/ssh/ssh_host_*_key; do cat $f >/dev/null 2>&1 && got a host key; done
for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger; do ( : >> $f ) 2>/dev/null && got the switch $f; done
for d in / /usr /etc /usr/bin; do ( : > $d/planted-MARK ) 2>/dev/null && got a file into $d; done
for d in /home/* /root; do [ -e "$d" ] && got the home $d; done
find / -xdev -type s 2>/dev/null | grep . && got a socket
umount -l /etc/shadow 2>/dev/null && got a cover away
umount -l /proc 2>/dev/null && got proc away
mount -o remount,rw /usr 2>/dev/null && got usr writable
mkdir -p /tmp/p && mount -t proc proc /tmp/p 2>/dev/null && got another proc
unshare -Urm sh -c 'umount -l /etc/shadow; umount -l /proc; cat /etc/shadow DATA/secret.key' 2>/dev/null | grep . && got out by a nested namespace
chroot /proc/1/root true 2>/dev/null && ls DATA >/dev/null 2>&1 && got out by chroot
( setsid env -i sleep MARK1 & )
( ( env -i sleep MARK2 & ) & )
nohup sleep MARK3 >/dev/null 2>&1 &
echo tried
"#;

struct Installation {
    data: TempDir,
    _agent: UnixListener,
    neighbour: Child,
}

impl Installation {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = data.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, text).expect("a file");
        };
        write("secret.key", "0123");
        write("pipewright.db", "rows");
        write("mirrors/one/HEAD", "ref: refs/heads/main");
        write("runner/attempts/other/build/file", "theirs");
        let agent = UnixListener::bind(data.path().join("agent.sock")).expect("a socket");
        let neighbour = Command::new("/bin/sleep")
            .arg("600")
            .env("TOKEN", "SECRET_OF_THE_NEIGHBOUR")
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep starts");
        Self {
            data,
            _agent: agent,
            neighbour,
        }
    }

    fn attack(&self, mark: u32) -> String {
        ATTACK
            .replace("DATA", &self.data.path().display().to_string())
            .replace(
                "NEIGHBOUR SERVER",
                &format!("{} {}", self.neighbour.id(), std::process::id()),
            )
            .replace("MARK", &mark.to_string())
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // Ends with the test, whatever became of it.
        let _ = self.neighbour.kill();
        let _ = self.neighbour.wait();
    }
}

/// Command lines of living processes that sleep for these many seconds.
fn sleepers(mark: u32) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("processes");
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.starts_with(&format!("sleep {mark}")))
        .collect()
}

async fn attacked(executor: impl Into<EitherExecutor>, mark: u32) -> Vec<String> {
    let installation = Installation::new();
    let bench = Bench::of(executor);
    let attack = installation.attack(mark);
    let (end, log) = bench.watch(&step(&[&attack], &[]), |_| {}).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{log}");
    assert!(log.lines().any(|line| line == "tried"), "{log}");
    let mut got: Vec<String> = log
        .lines()
        .filter_map(|line| line.strip_prefix("GOT "))
        .map(str::to_owned)
        .collect();
    got.extend(
        sleepers(mark)
            .into_iter()
            .map(|line| format!("outlived: {line}")),
    );
    assert!(
        !Path::new(&format!("/usr/planted-{mark}")).exists(),
        "nothing is written to this machine"
    );
    got
}

#[tokio::test]
async fn a_hostile_step_gets_nothing() {
    for (number, executor) in [HostExecutor::default()].into_iter().enumerate() {
        let mark = 1_000_000 + 10 * std::process::id() + u32::try_from(number).expect("few");
        let got = attacked(executor, mark).await;
        assert!(got.is_empty(), "{got:#?}");
    }
}

#[tokio::test]
async fn a_hostile_step_in_a_container_gets_nothing_but_its_container() {
    let Some(engine) = TestEngine::find() else {
        return;
    };
    let options = EngineOptions {
        default_image: IMAGE.to_owned(),
        open_files: Some(1024),
        ..EngineOptions::new(engine.socket().to_owned(), "attacker")
    };
    let containers = EngineExecutor::new(options);
    let executor = EitherExecutor::new(HostExecutor::default(), Some(containers));
    let mark = 2_000_000 + 10 * std::process::id();
    let got = attacked(executor.clone(), mark).await;
    executor.leave().await;
    // Its own root and home are its image's; that nothing reaches this machine is looked at there.
    let of_others: Vec<_> = got
        .iter()
        .filter(|line| !line.starts_with("a file into") && *line != "the home /root")
        .collect();
    assert!(of_others.is_empty(), "{of_others:#?}");
}

#[tokio::test]
async fn the_same_step_gets_what_it_likes_without_a_sandbox() {
    // What the test above would see if there were no walls; nothing that would change this machine.
    let harmless = ATTACK
        .lines()
        .filter(|line| {
            ![
                "planted-MARK",
                "umount",
                "mount ",
                "proc/sys",
                "setsid",
                "find ",
                "sleep",
            ]
            .iter()
            .any(|word| line.contains(word))
        })
        .collect::<Vec<_>>()
        .join("\n");
    let installation = Installation::new();
    let attack = harmless
        .replace("DATA", &installation.data.path().display().to_string())
        .replace("NEIGHBOUR SERVER", &installation.neighbour.id().to_string());
    let bench = Bench::of(HostExecutor::new(HostOptions {
        isolation: Isolation::None,
        ..HostOptions::default()
    }));
    let (_, log) = bench.watch(&step(&[&attack], &[]), |_| {}).await;
    for thing in [
        "the key",
        "the database",
        "the list of mirrors",
        "a signal to",
        "the environment of",
    ] {
        assert!(log.contains(&format!("GOT {thing}")), "{thing} in {log}");
    }
}
