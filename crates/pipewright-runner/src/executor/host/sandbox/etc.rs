//! What is covered of the directories that every step may read.
//!
//! Of `/etc` a step sees what every user of the machine may see: what only the runner's user, its groups or root may read is
//! covered, so that a server that runs as root shows no password hashes and no host keys. The installation's own paths are
//! covered wherever they lie.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::options::HostOptions;

/// One thing that a step must not see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cover {
    pub(super) path: PathBuf,
    pub(super) is_directory: bool,
}

/// The most that is looked at; no `/etc` has so much.
const MOST_ENTRIES: usize = 200_000;

pub(super) fn covers(options: &HostOptions) -> Vec<Cover> {
    let mut covers = BTreeSet::new();
    let mut left = MOST_ENTRIES;
    private_below(Path::new("/etc"), &mut covers, &mut left);
    for hidden in &options.hidden {
        let real = hidden.canonicalize().unwrap_or_else(|_| hidden.clone());
        let is_directory = real.is_dir();
        if real.exists() {
            covers.insert(Cover {
                path: real,
                is_directory,
            });
        }
    }
    covers.retain(|cover| is_shown(&cover.path, &options.readable));
    outermost(covers)
}

/// Without what lies below a covered directory: it is not there to be covered, and bubblewrap, which cannot make a place for
/// it in a covered directory, would run no step at all.
fn outermost(covers: BTreeSet<Cover>) -> Vec<Cover> {
    let mut outermost: Vec<Cover> = Vec::new();
    // A directory comes before what lies in it.
    for cover in covers {
        let is_inside = outermost
            .iter()
            .any(|outer| outer.is_directory && cover.path.starts_with(&outer.path));
        if !is_inside {
            outermost.push(cover);
        }
    }
    outermost
}

/// True where a path lies below something that steps are shown.
fn is_shown(path: &Path, readable: &[PathBuf]) -> bool {
    let real = readable
        .iter()
        .filter_map(|readable| readable.canonicalize().ok());
    super::arguments::SHOWN
        .iter()
        .map(PathBuf::from)
        .chain(readable.iter().cloned())
        .chain(real)
        .any(|shown| path.starts_with(shown))
}

fn private_below(directory: &Path, covers: &mut BTreeSet<Cover>, left: &mut usize) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        // Links are followed by the kernel inside: what they lead to is judged where it lies.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        let mode = about.permissions().mode();
        let path = entry.path();
        if about.is_dir() {
            if mode & 0o005 == 0o005 {
                private_below(&path, covers, left);
            } else {
                covers.insert(Cover {
                    path,
                    is_directory: true,
                });
            }
        } else if !about.is_symlink() && mode & 0o004 == 0 {
            covers.insert(Cover {
                path,
                is_directory: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::super::super::options::HostOptions;
    use super::{MOST_ENTRIES, covers, private_below};

    #[test]
    fn what_not_everybody_may_read_is_covered() {
        let directory = tempfile::tempdir().expect("a directory");
        let make = |name: &str, mode: u32| {
            let path = directory.path().join(name);
            std::fs::write(&path, "x").expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        };
        std::fs::create_dir_all(directory.path().join("open")).expect("a directory");
        std::fs::create_dir_all(directory.path().join("closed")).expect("a directory");
        for (name, mode) in [
            ("passwd", 0o644),
            ("shadow", 0o640),
            ("open/key", 0o600),
            ("open/config", 0o444),
            ("closed/key", 0o644),
        ] {
            make(name, mode);
        }
        let closed = directory.path().join("closed");
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o711)).expect("a mode");
        let mut found = BTreeSet::new();
        private_below(directory.path(), &mut found, &mut MOST_ENTRIES.clone());
        let names: Vec<_> = found
            .iter()
            .map(|cover| {
                let name = cover.path.strip_prefix(directory.path()).expect("inside");
                (name.to_owned(), cover.is_directory)
            })
            .collect();
        let expected = [("closed", true), ("open/key", false), ("shadow", false)]
            .map(|(name, is_directory)| (PathBuf::from(name), is_directory));
        assert_eq!(names, expected);
    }

    #[test]
    fn nothing_is_covered_inside_of_what_is_covered() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("shown/data");
        std::fs::create_dir_all(&data).expect("a directory");
        let files = [data.join("pipewright.db"), data.join("secret.key")];
        for file in &files {
            std::fs::write(file, "x").expect("a file");
        }
        let beside = directory.path().join("shown/data.toml");
        std::fs::write(&beside, "x").expect("a file");
        let options = HostOptions {
            readable: vec![directory.path().join("shown")],
            hidden: [files[0].clone(), data.clone(), files[1].clone(), beside].to_vec(),
            ..HostOptions::default()
        };
        let found: Vec<_> = covers(&options)
            .into_iter()
            .filter_map(|cover| Some(cover.path.file_name()?.to_owned()))
            .filter(|name| {
                name.to_string_lossy().starts_with("data")
                    || name == "secret.key"
                    || name == "pipewright.db"
            })
            .collect();
        assert_eq!(found, ["data", "data.toml"]);
    }

    #[test]
    fn the_installations_own_are_covered_only_where_steps_see_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let inside = directory.path().join("tools/data");
        std::fs::create_dir_all(&inside).expect("a directory");
        let options = |readable: &[&str]| HostOptions {
            readable: readable
                .iter()
                .map(|name| directory.path().join(name))
                .collect(),
            hidden: vec![inside.clone()],
            ..HostOptions::default()
        };
        let has = |options: &HostOptions| {
            covers(options)
                .iter()
                .any(|cover| cover.is_directory && cover.path.ends_with("tools/data"))
        };
        assert!(has(&options(&["tools"])) && !has(&options(&["other"])) && !has(&options(&[])));
    }
}
