//! A clock that the server sees and nobody else: a library in front of the C library's own, which adds what a file says. It is
//! made with the C compiler that the product needs to be built.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the file that holds the seconds to add, as a native 64-bit number.
const VARIABLE: &str = "CHAOS_CLOCK";

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile long long *added;
__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *added, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) added = shared;
    close(file);
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int) syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && added) time->tv_sec += *added;
    return result;
}
"#;

/// See the module.
#[derive(Debug)]
pub(crate) struct Clock {
    library: PathBuf,
    path: PathBuf,
    file: std::fs::File,
}

impl Clock {
    /// Makes the library in this directory; none where there is no C compiler.
    pub(crate) fn make(directory: &Path) -> std::io::Result<Option<Self>> {
        let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
        std::fs::write(&source, SOURCE)?;
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let path = directory.join("clock");
        let file = std::fs::File::create(&path)?;
        let clock = Self {
            library,
            path,
            file,
        };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// From now on the server sees this many seconds more than there are.
    pub(crate) fn set(&self, seconds: i64) -> std::io::Result<()> {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0)
    }

    /// Has a program see this clock.
    pub(crate) fn show(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env(VARIABLE, &self.path);
    }
}
