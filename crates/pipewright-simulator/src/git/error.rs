//! How git work fails.

use std::io;

/// Git work that failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// `git` could not be started or spoken to.
    #[error(
        "could not run git {command}: {source}; is git installed and the data directory writable?"
    )]
    Start {
        /// The subcommand.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `git` said no.
    #[error("git {command} refused: {message}")]
    Refused {
        /// The subcommand.
        command: String,
        /// What it wrote to its error stream.
        message: String,
    },
    /// `git` answered in a form that is not understood.
    #[error("git {command} answered something unexpected: {answer:?}")]
    Answer {
        /// The subcommand.
        command: String,
        /// The start of the answer.
        answer: String,
    },
    /// The repository's directory could not be made.
    #[error("could not make the git directory {path}: {source}")]
    Create {
        /// The directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}
