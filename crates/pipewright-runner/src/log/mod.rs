//! What an attempt prints, on its way out: masked, gathered into chunks, bounded.
//!
//! Bytes come from one pipe that holds standard output and standard error in their order, and leave through a bounded
//! channel. A reader that is slower than the script slows the script down; nothing is kept in memory beyond a few
//! named constants, and nothing is cut except at the log limit, which says so.

mod forms;
mod marks;
mod mask;
mod writer;

pub use mask::{MaskStream, Masker};
pub(crate) use writer::CHUNK_BYTES;
pub use writer::{DEFAULT_LIMIT, LogWriter, QUEUE_CHUNKS};
