//! Where reports are, as Bitbucket looks for them, and opening one.
//!
//! A step writes what is found here, and may write links. None is followed: neither while looking, nor by the kernel when a
//! file is opened, whatever becomes of its path in between.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::archive::{ArchiveError, Cancel};

/// Directories whose XML files are looked at.
const NAMES: [&str; 5] = [
    "surefire-reports",
    "failsafe-reports",
    "test-results",
    "test-reports",
    "TestResults",
];

/// How deep below the clone directory such a directory may be: `module/target/surefire-reports` is 3 deep.
const DEPTH: usize = 3;

/// How deep below such a directory files are found.
const DEPTH_INSIDE: usize = 16;

/// The most directories that are looked at.
const MOST_DIRECTORIES: usize = 50_000;

/// The most files that are read.
pub(super) const MOST_FILES: usize = 5000;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Paths below the clone directory, in the order of their names.
    pub(super) files: Vec<PathBuf>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
}

/// Finds reports by Bitbucket's rules, without those that were there before the step: an artifact or a cache keeps the times of
/// its files, and what an earlier step's tests said is told there. Blocking.
pub(super) fn find(root: &Path, cancel: &Cancel) -> Result<Found, ArchiveError> {
    let begun = root.metadata().and_then(|about| about.created()).ok();
    let mut found = Found::default();
    let mut todo = vec![(PathBuf::new(), 0, false)];
    let mut looked = 0;
    while let Some((directory, depth, is_inside)) = todo.pop() {
        cancel.check()?;
        looked += 1;
        if looked > MOST_DIRECTORIES {
            found.is_cut = true;
            break;
        }
        // What cannot be looked into has no report for us.
        let Ok(entries) = std::fs::read_dir(root.join(&directory)) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = entry.file_name();
            let path = directory.join(&name);
            if kind.is_dir() {
                let enters = is_inside || NAMES.iter().any(|known| name == *known);
                let deepest = match (is_inside, enters) {
                    (true, _) => DEPTH_INSIDE,
                    (false, true) => DEPTH,
                    // One that is only on the way.
                    (false, false) => DEPTH - 1,
                };
                if depth < deepest && name != ".git" {
                    let below = if enters && !is_inside { 0 } else { depth + 1 };
                    todo.push((path, below, enters));
                }
            } else if is_inside && kind.is_file() && is_xml(&path) && is_of_step(&entry, begun) {
                found.files.push(path);
            }
        }
    }
    found.files.sort();
    if found.files.len() > MOST_FILES {
        found.files.truncate(MOST_FILES);
        found.is_cut = true;
    }
    Ok(found)
}

/// True for a name that ends in `.xml`.
pub(super) fn is_xml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("xml"))
}

fn is_of_step(entry: &std::fs::DirEntry, begun: Option<SystemTime>) -> bool {
    let written = entry.metadata().and_then(|about| about.modified());
    match (written, begun) {
        (Ok(written), Some(begun)) => written >= begun,
        _ => true,
    }
}

/// Reads a file of the clone directory, at most so many bytes; none where it is longer.
pub(super) fn read(root: &File, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(openat2(root, path, flags, Mode::empty(), inside)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file any more"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, SystemTime};

    use super::{find, read};
    use crate::archive::Cancel;

    fn put(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, "<testsuite/>").expect("a file");
    }

    fn names(root: &Path) -> Vec<String> {
        let found = find(root, &Cancel::default()).expect("looks");
        assert!(!found.is_cut);
        let name = |path: &PathBuf| path.to_string_lossy().into_owned();
        found.files.iter().map(name).collect()
    }

    #[test]
    fn reports_are_where_bitbucket_looks_for_them() {
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().join("build");
        fs::create_dir(&root).expect("a directory");
        let found = [
            "TestResults/a.xml",
            "app/build/test-results/testDebug/TEST-x.xml",
            "module/target/failsafe-reports/TEST-y.XML",
            "module/target/surefire-reports/TEST-z.xml",
            "test-reports/deep/er/b.xml",
            "test-results/junit.xml",
        ];
        let not = [
            "junit.xml",
            "reports/junit.xml",
            "a/b/c/test-results/junit.xml",
            "test-results/junit.json",
            "test-results/xml",
            "testresults/junit.xml",
            ".git/test-results/junit.xml",
        ];
        for path in found.iter().chain(&not) {
            put(&root, path);
        }
        assert_eq!(names(&root), found);
    }

    #[test]
    fn no_link_is_followed_out_of_the_workspace() {
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().join("build");
        put(place.path(), "outside/test-results/secret.xml");
        put(&root, "test-results/own.xml");
        symlink("../outside", root.join("linked")).expect("a link");
        symlink("../outside/test-results", root.join("test-reports")).expect("a link");
        let secret = place.path().join("outside/test-results/secret.xml");
        symlink(&secret, root.join("test-results/there.xml")).expect("a link");
        assert_eq!(names(&root), ["test-results/own.xml"]);
        let opened = File::open(&root).expect("opens");
        for path in [
            "test-results/there.xml",
            "test-reports/secret.xml",
            "linked/test-results/secret.xml",
            "../outside/test-results/secret.xml",
        ] {
            read(&opened, Path::new(path), 100).expect_err(path);
        }
        read(&opened, &secret, 100).expect_err("an absolute path");
        let own = Path::new("test-results/own.xml");
        let bytes = read(&opened, own, 100).expect("reads").expect("short");
        assert_eq!(bytes, b"<testsuite/>");
        assert_eq!(read(&opened, own, 11).expect("reads"), None);
        // Opening a pipe waits for nobody.
        rustix::fs::mkfifoat(&opened, "test-results/pipe.xml", rustix::fs::Mode::RWXU)
            .expect("a pipe");
        read(&opened, Path::new("test-results/pipe.xml"), 100).expect_err("a pipe");
    }

    #[test]
    fn what_an_earlier_step_left_is_told_there() {
        let place = tempfile::tempdir().expect("a directory");
        put(place.path(), "test-results/now.xml");
        put(place.path(), "test-results/before.xml");
        if place
            .path()
            .metadata()
            .and_then(|about| about.created())
            .is_err()
        {
            // A file system that does not know since when a directory is there.
            return;
        }
        let before = SystemTime::now() - Duration::from_secs(60);
        File::options()
            .write(true)
            .open(place.path().join("test-results/before.xml"))
            .and_then(|file| file.set_modified(before))
            .expect("is set back");
        assert_eq!(names(place.path()), ["test-results/now.xml"]);
    }
}
