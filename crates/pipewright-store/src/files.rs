//! Files that are there whole or not at all: written beside, synced, renamed, and their directory synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces a file, or makes it, readable by this user only. After a crash at any moment the old content is there whole, or
/// the new one. One writer at a time: what another began beside it is written over.
pub fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(beside)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| std::fs::rename(beside, path)) {
        // What is half there helps nobody, and on a full disk its space is missed.
        let _ = std::fs::remove_file(beside);
        return Err(error);
    }
    sync_directory(parent(path))
}

/// A new name lasts once its directory is flushed.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The directory a file stands in.
pub fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_whole_and_for_this_user_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        for content in ["first", "second"] {
            super::write_durably(&path, content.as_bytes()).expect("writes");
            assert_eq!(std::fs::read_to_string(&path).expect("reads"), content);
        }
        let mode = path.metadata().expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let names = std::fs::read_dir(directory.path())
            .expect("a directory")
            .count();
        assert_eq!(names, 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_renamed_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        std::fs::create_dir_all(path.join("in the way")).expect("a directory");
        super::write_durably(&path, b"x").expect_err("a directory stands there");
        assert!(!directory.path().join("key.part").exists());
    }
}
