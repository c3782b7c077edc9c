//! Work on files beside the async tasks, given up when nobody waits for it any more.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{ArchiveError, carried};

/// Tells whether the work is still wanted.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// An error once it is not.
    pub fn check(&self) -> Result<(), ArchiveError> {
        if self.0.load(Ordering::Relaxed) {
            Err(ArchiveError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// The same inside a reader or writer.
    pub(super) fn check_stream(&self) -> io::Result<()> {
        self.check().map_err(carried)
    }
}

/// Cancels when it is dropped.
struct Guard(Cancel);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs blocking work. Dropping the future asks the work to end.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&Cancel) -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    let cancel = Cancel::default();
    let _guard = Guard(cancel.clone());
    let done = tokio::task::spawn_blocking(move || work(&cancel)).await;
    done.unwrap_or_else(|error| Err(ArchiveError::Stream(io::Error::other(error))))
}
