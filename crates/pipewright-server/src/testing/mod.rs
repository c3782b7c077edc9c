//! A whole server in a test's process: the real router over a real port, every loop, SQLite in a directory of its own, and
//! the simulated Bitbucket beside it.
//!
//! Tests speak the words of the domain: push, expect a build, expect a status. What is expected is waited for by the
//! server's own news, with a limit; when it passes, the whole history is printed. A server can be killed, as by the
//! machine's power, and started again on the same data.

mod act;
mod artifacts;
mod connect;
mod expect;
mod history;
mod server;

pub use act::PIPELINE;
pub use artifacts::Swept;
pub use server::{TestOptions, TestServer};
