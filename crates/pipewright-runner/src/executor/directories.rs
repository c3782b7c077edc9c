//! The directories of one step.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where a step works and keeps what is its own. The siblings follow Bitbucket's own
/// `/opt/atlassian/pipelines/agent/{build,scripts,ssh,tmp}` (bitbucket-pipelines-yml.md §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDirectories {
    /// The workspace: where scripts begin, and what `BITBUCKET_CLONE_DIR` says.
    pub build: PathBuf,
    /// `HOME`: empty at first, so that no step finds what another left.
    pub home: PathBuf,
    /// `TMPDIR`.
    pub tmp: PathBuf,
    /// Script files; only our user may look inside.
    pub scripts: PathBuf,
    /// The key that the step's `ssh` signs in with, where there is one: see [`place_ssh`](super::place_ssh). A step reads it,
    /// and does not write there. Empty in what an older version noted of a step, which had no such directory.
    #[serde(default)]
    pub ssh: PathBuf,
    /// What a step in a sandbox finds as `/tmp`: on the disk, so that large files there cost no memory.
    pub scratch: PathBuf,
    /// Whether a step's root is its own: then directories outside of these may be cached, below [`OUTSIDE`] in its home.
    #[serde(default)]
    pub has_own_root: bool,
    /// Directories of others that the workspace needs: the git objects that it borrows.
    pub lent: Vec<Lent>,
}

/// The directory in a step's home that holds its caches of directories elsewhere.
pub(crate) const OUTSIDE: &str = ".outside";

/// A directory that a step may read, at another path than its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lent {
    /// Where it is.
    pub directory: PathBuf,
    /// Where a step in a sandbox finds it.
    pub seen_at: PathBuf,
}

impl StepDirectories {
    /// Makes all of them under a new directory, which must not exist. Only our user may enter it.
    pub fn create(root: &Path) -> io::Result<Self> {
        make(root)?;
        let directories = Self {
            build: root.join("build"),
            home: root.join("home"),
            tmp: root.join("tmp"),
            scripts: root.join("scripts"),
            ssh: root.join("ssh"),
            scratch: root.join("scratch"),
            has_own_root: false,
            lent: Vec::new(),
        };
        make(&directories.build)?;
        directories.make_private()?;
        Ok(directories)
    }

    /// Uses an existing workspace, a checkout on a laptop for one, and makes the others under a new directory.
    pub fn around(workspace: PathBuf, private: &Path) -> io::Result<Self> {
        make(private)?;
        let directories = Self {
            build: workspace,
            home: private.join("home"),
            tmp: private.join("tmp"),
            scripts: private.join("scripts"),
            ssh: private.join("ssh"),
            scratch: private.join("scratch"),
            has_own_root: false,
            lent: Vec::new(),
        };
        directories.make_private()?;
        Ok(directories)
    }

    /// Lends git objects that are seen at `seen_at`, and those that they borrow themselves (`git-repository-layout(5)`,
    /// `objects/info/alternates`).
    pub fn lend_objects(&mut self, objects: &Path, seen_at: &Path) {
        let mut todo = vec![(objects.to_owned(), seen_at.to_owned())];
        while let Some((directory, seen_at)) = todo.pop() {
            // A circle of repositories that borrow from each other ends where one is known already.
            if self.lent.iter().any(|lent| lent.seen_at == seen_at) || self.lent.len() > MOST_LENT {
                continue;
            }
            let alternates = std::fs::read_to_string(directory.join("info/alternates"));
            let borrowed = alternates.unwrap_or_default();
            let lines = borrowed
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            todo.extend(lines.map(|line| (directory.join(line), normal(&seen_at.join(line)))));
            self.lent.push(Lent { directory, seen_at });
        }
    }

    fn make_private(&self) -> io::Result<()> {
        let private = [
            &self.home,
            &self.tmp,
            &self.scripts,
            &self.ssh,
            &self.scratch,
        ];
        private
            .into_iter()
            .try_for_each(|directory| make(directory))
    }
}

/// git itself follows at most five in a row.
const MOST_LENT: usize = 50;

/// The path without `..`, as text alone: what it names inside of a sandbox need not exist here.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

fn make(directory: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::StepDirectories;

    #[test]
    fn borrowed_objects_are_lent_with_what_they_borrow() {
        let directory = tempfile::tempdir().expect("a directory");
        let of = |name: &str| directory.path().join(name);
        for name in ["a", "b", "c"] {
            std::fs::create_dir_all(of(name).join("info")).expect("a directory");
        }
        let write = |name: &str, text: String| {
            std::fs::write(of(name).join("info/alternates"), text).expect("a file");
        };
        write("a", format!("# ours\n../b\n{}\n", of("c").display()));
        write("c", format!("{}\n", of("c").display()));
        let mut directories = StepDirectories::create(&of("step")).expect("directories");
        directories.lend_objects(&of("a"), Path::new("/agent/objects"));
        let mut seen: Vec<PathBuf> = directories
            .lent
            .into_iter()
            .map(|lent| lent.seen_at)
            .collect();
        seen.sort();
        let mut expected = [
            PathBuf::from("/agent/b"),
            PathBuf::from("/agent/objects"),
            of("c"),
        ];
        expected.sort();
        assert_eq!(seen, expected);
    }
}
