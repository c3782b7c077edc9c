//! The directories of one step.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Where a step works and keeps what is its own. The siblings follow Bitbucket's own
/// `/opt/atlassian/pipelines/agent/{build,scripts,tmp}` (bitbucket-pipelines-yml.md §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDirectories {
    /// The workspace: where scripts begin, and what `BITBUCKET_CLONE_DIR` says.
    pub build: PathBuf,
    /// `HOME`: empty at first, so that no step finds what another left.
    pub home: PathBuf,
    /// `TMPDIR`.
    pub tmp: PathBuf,
    /// Script files; only our user may look inside.
    pub scripts: PathBuf,
}

impl StepDirectories {
    /// Makes all four under a new directory, which must not exist. Only our user may enter it.
    pub fn create(root: &Path) -> io::Result<Self> {
        make(root)?;
        let directories = Self {
            build: root.join("build"),
            home: root.join("home"),
            tmp: root.join("tmp"),
            scripts: root.join("scripts"),
        };
        make(&directories.build)?;
        directories.make_private()?;
        Ok(directories)
    }

    /// Uses an existing workspace, a checkout on a laptop for one, and makes the other three under a new directory.
    pub fn around(workspace: PathBuf, private: &Path) -> io::Result<Self> {
        make(private)?;
        let directories = Self {
            build: workspace,
            home: private.join("home"),
            tmp: private.join("tmp"),
            scripts: private.join("scripts"),
        };
        directories.make_private()?;
        Ok(directories)
    }

    fn make_private(&self) -> io::Result<()> {
        [&self.home, &self.tmp, &self.scripts]
            .into_iter()
            .try_for_each(|directory| make(directory))
    }
}

fn make(directory: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}
