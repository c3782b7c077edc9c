//! What only time does to artifacts, done now.

use super::server::TestServer;

impl TestServer {
    /// Removes artifacts whose time is over. Answers how many there were, and how many files nobody knew.
    ///
    /// # Panics
    ///
    /// Where the database or the files cannot be read.
    pub async fn sweep_artifacts(&self) -> (usize, usize) {
        crate::artifacts::look(&self.app).await.expect("sweeps")
    }
}
