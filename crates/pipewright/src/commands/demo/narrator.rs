//! What the demonstration says, on standard output.

use std::io::Write;

/// Says lines.
#[derive(Debug)]
pub(super) struct Narrator;

impl Narrator {
    /// One thing that happened.
    pub(super) fn line(&self, text: &str) {
        self.raw(format!("› {text}\n").as_bytes());
    }

    /// One thing to try.
    pub(super) fn point(&self, text: &str) {
        self.raw(format!("    · {text}\n").as_bytes());
    }

    /// An empty line.
    pub(super) fn blank(&self) {
        self.raw(b"\n");
    }

    /// Text as it is. Where nobody listens any more there is nobody to tell.
    pub(super) fn raw(&self, text: &[u8]) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text).and_then(|()| out.flush());
    }
}
