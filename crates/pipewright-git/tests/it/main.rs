//! Mirrors, checkouts and connections with real git and real OpenSSH.

mod bitbucket;
mod changes;
mod checkout;
mod gate;
mod history;
mod local;
mod mirror;
mod ssh;
mod sshd;

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
