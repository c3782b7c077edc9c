//! What only time does to artifacts and to everything else, done now.

use std::path::PathBuf;

use super::server::TestServer;
use crate::retention;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Builds.
    pub builds: usize,
    /// Logs of builds that stay.
    pub logs: usize,
    /// Bodies of deliveries that stay.
    pub bodies: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Statuses.
    pub statuses: u64,
}

impl TestServer {
    /// Removes artifacts whose time is over. Answers how many there were, and how many files nobody knew.
    ///
    /// # Panics
    ///
    /// Where the database or the files cannot be read.
    pub async fn sweep_artifacts(&self) -> (usize, usize) {
        crate::artifacts::look(&self.app).await.expect("sweeps")
    }

    /// Removes everything that was kept long enough, and measures what is left.
    ///
    /// # Panics
    ///
    /// Where the database or the files cannot be read.
    pub async fn sweep(&self) -> Swept {
        let retention::Swept {
            builds,
            logs,
            bodies,
            deliveries,
            statuses,
        } = retention::look(&self.app).await.expect("sweeps");
        Swept {
            builds,
            logs,
            bodies,
            deliveries,
            statuses,
        }
    }

    /// The files below a directory of the data directory, with their sizes.
    ///
    /// # Panics
    ///
    /// Where a directory cannot be read.
    pub fn files_below(&self, name: &str) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        let mut open = vec![self.app.config.data_directory.join(name)];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
                let about = entry.metadata().expect("a file");
                if about.is_dir() {
                    open.push(entry.path());
                } else {
                    found.push((entry.path(), about.len()));
                }
            }
        }
        found
    }

    /// What the application takes, as it was last measured.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read, or nothing was measured.
    pub async fn sizes(&self) -> pipewright_store::storage::Sizes {
        let all = pipewright_store::storage::of_account(&self.app.db, self.account())
            .await
            .expect("reads");
        all.first().expect("it was measured").sizes
    }
}
