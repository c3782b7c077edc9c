//! What a process holds in memory, as the kernel counts it.

use anyhow::Context;

/// Of one process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// Of that, what is not a file's: heap and stacks.
    pub(crate) anonymous: u64,
    /// The most that was resident since it began or since [`forget_peak`].
    pub(crate) peak: u64,
}

/// Reads `/proc/<process>/status`; `self` is this process.
pub(crate) fn of(process: &str) -> anyhow::Result<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))
        .with_context(|| format!("process {process} is not there"))?;
    let field = |name: &str| -> Option<u64> {
        text.lines()
            .find_map(|line| line.strip_prefix(name))?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    };
    let kilobytes = |name: &str| {
        field(name)
            .map(|count| count * 1024)
            .with_context(|| format!("the kernel does not say {name}"))
    };
    Ok(Memory {
        resident: kilobytes("VmRSS:")?,
        anonymous: kilobytes("RssAnon:")?,
        peak: kilobytes("VmHWM:")?,
    })
}

/// Has the kernel count this process's peak from here on (proc(5), clear_refs).
pub(crate) fn forget_peak() -> anyhow::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("the peak cannot be reset")
}

/// For tables.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
