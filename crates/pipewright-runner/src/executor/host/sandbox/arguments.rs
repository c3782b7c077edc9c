//! What bubblewrap is told: what the step sees, and where.
//!
//! Only options of version 0.4 are used, which is what the oldest supported distributions have. They go through a pipe and
//! never onto a command line: among them is the whole environment of the step, which must reach neither bubblewrap itself
//! (`LD_PRELOAD`) nor anybody who lists processes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::super::super::contract::StartError;
use super::super::super::directories::StepDirectories;
use super::super::super::environment::bytes_of;
use super::AGENT;
use super::etc::Cover;

/// What of the machine every step may read, where it exists.
pub(super) const SHOWN: &[&str] = &[
    "/usr",
    "/etc",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// Of a new `/proc`, what root could change the machine with.
const PROC_READ_ONLY: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/mtrr",
    "/proc/scsi",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Of a new `/proc`, what tells root of others.
const PROC_COVERED: &[&str] = &[
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/timer_list",
];

/// Arguments, each followed by a zero byte.
#[derive(Debug)]
pub(super) struct Arguments(Vec<u8>);

impl Arguments {
    /// Everything but the step's own directories and its command.
    pub(super) fn of_machine(readable: &[PathBuf], covers: &[Cover]) -> Self {
        let mut arguments = Self(Vec::with_capacity(8 << 10));
        arguments.push_all(&[
            "--unshare-user",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
        ]);
        for shown in SHOWN {
            arguments.show(Path::new(shown));
        }
        arguments.push_all(&["--dev", "/dev", "--proc", "/proc"]);
        // As root the owner of the machine's switches is the step's own user, with or without capabilities.
        if geteuid().is_root() {
            for path in PROC_READ_ONLY {
                if Path::new(path).exists() {
                    arguments.push_all(&["--ro-bind", path, path]);
                }
            }
            for path in PROC_COVERED {
                if Path::new(path).exists() {
                    arguments.push_all(&["--ro-bind", "/dev/null", path]);
                }
            }
        }
        arguments.push_all(&["--tmpfs", "/run", "--dir", "/var"]);
        arguments.push_all(&["--symlink", "../tmp", "/var/tmp"]);
        arguments.push_all(&["--symlink", "../run", "/var/run"]);
        arguments.resolver();
        for path in readable {
            arguments.show(path);
        }
        for cover in covers {
            arguments.cover(cover);
        }
        arguments
    }

    /// The step's own directories, at Bitbucket's paths.
    pub(super) fn directories(&mut self, directories: &StepDirectories) {
        let at = |name: &str| Path::new(AGENT).join(name);
        self.bind("--bind", &directories.scratch, Path::new("/tmp"));
        for (directory, name) in [
            (&directories.build, "build"),
            (&directories.home, "home"),
            (&directories.tmp, "tmp"),
        ] {
            self.bind("--bind", directory, &at(name));
        }
        for (directory, name) in [(&directories.scripts, "scripts"), (&directories.ssh, "ssh")] {
            self.bind("--ro-bind", directory, &at(name));
        }
        let users = directories.scripts.join(super::passwd::FILE);
        if users.exists() {
            self.bind("--ro-bind", &users, Path::new(super::passwd::USERS));
        }
        for lent in &directories.lent {
            self.bind("--ro-bind", &lent.directory, &lent.seen_at);
        }
    }

    /// The environment. Later ones win.
    pub(super) fn environment(
        &mut self,
        environment: &[(String, String)],
    ) -> Result<(), StartError> {
        for (name, value) in environment {
            bytes_of(name, value)?;
            self.push_all(&["--setenv", name, value]);
        }
        Ok(())
    }

    /// What is run inside, after everything else. The rest of the step's root becomes read-only.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.push_all(&["--remount-ro", "/", "--chdir"]);
        self.push(Path::new(AGENT).join("build").as_os_str());
        self.0
    }

    /// Shows a path of the machine: a directory or file read-only, a link as the link that it is.
    fn show(&mut self, path: &Path) {
        match path.symlink_metadata() {
            Ok(about) if about.is_symlink() => match std::fs::read_link(path) {
                Ok(target) if path.parent() == Some(Path::new("/")) => {
                    self.push_all(&["--symlink"]);
                    self.push(target.as_os_str());
                    self.push(path.as_os_str());
                }
                // What a person names is shown whole.
                Ok(_) => self.bind("--ro-bind", path, path),
                Err(_) => {}
            },
            Ok(_) => self.bind("--ro-bind", path, path),
            Err(_) => {}
        }
    }

    /// Name resolution: `/etc/resolv.conf` is often a link into `/run`, where a step has nothing.
    fn resolver(&mut self) {
        let path = Path::new("/etc/resolv.conf");
        let (Ok(target), Ok(real)) = (std::fs::read_link(path), path.canonicalize()) else {
            return;
        };
        let target = Path::new("/etc").join(target);
        let first = super::super::super::directories::normal(&target);
        if !SHOWN.iter().any(|shown| first.starts_with(shown)) {
            self.bind("--ro-bind", &real, &first);
        }
    }

    fn cover(&mut self, cover: &Cover) {
        if cover.is_directory {
            self.push_all(&["--tmpfs"]);
            self.push(cover.path.as_os_str());
            self.push_all(&["--remount-ro"]);
            self.push(cover.path.as_os_str());
        } else {
            self.bind("--ro-bind", Path::new("/dev/null"), &cover.path);
        }
    }

    fn bind(&mut self, how: &str, from: &Path, to: &Path) {
        // bubblewrap works in a directory of its own.
        let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
        self.push_all(&[how]);
        self.push(from.as_os_str());
        self.push(to.as_os_str());
    }

    fn push_all(&mut self, arguments: &[&str]) {
        for argument in arguments {
            self.push(OsStr::new(argument));
        }
    }

    fn push(&mut self, argument: &OsStr) {
        self.0.extend_from_slice(argument.as_bytes());
        self.0.push(0);
    }
}
