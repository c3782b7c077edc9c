//! Where an imported pipeline comes from, as a value.

use std::fmt;

/// Where an imported pipeline comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportSource {
    /// A file of the same repository and commit.
    File {
        /// Its path.
        path: String,
    },
    /// The pipeline file, or another one, of a repository of the same workspace or project.
    Repository {
        /// Its slug or UUID.
        repository: String,
        /// Branch or tag.
        reference: String,
        /// The file, where it is not `bitbucket-pipelines.yml`.
        path: Option<String>,
    },
}

impl ImportSource {
    /// The file's path in its repository.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path }
            | Self::Repository {
                path: Some(path), ..
            } => path,
            Self::Repository { path: None, .. } => "bitbucket-pipelines.yml",
        }
    }
}

/// As `definitions.imports` writes it, which is how problems in the file name it.
impl fmt::Display for ImportSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => f.write_str(path),
            Self::Repository {
                repository,
                reference,
                path: None,
            } => write!(f, "{repository}:{reference}"),
            Self::Repository {
                repository,
                reference,
                path: Some(path),
            } => write!(f, "{repository}:{reference}:{path}"),
        }
    }
}
