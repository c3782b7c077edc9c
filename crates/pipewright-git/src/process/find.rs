//! Where a program is, found once.
//!
//! A program that is named by its path is started by `posix_spawn`. One that must be searched along a `PATH` of its own is
//! started by `fork`, which copies the page tables of our whole process and has everything else fault on its next write:
//! for a server of 40 MB that costs more than a short git command itself.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The program's absolute path, found along `path`; as it was given where it is a path already or is not found.
pub(crate) fn find_program(program: &Path, path: &str) -> PathBuf {
    if program.as_os_str().as_encoded_bytes().contains(&b'/') {
        return program.to_owned();
    }
    let is_program = |file: &PathBuf| {
        file.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    directories
        .map(|directory| directory.join(program))
        .find(is_program)
        .unwrap_or_else(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::find_program;

    #[test]
    fn the_first_executable_file_of_that_name_is_taken() {
        let (first, second) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        let path = format!(
            "relative:{}:{}",
            first.path().display(),
            second.path().display()
        );
        assert_eq!(
            find_program(Path::new("tool"), &path),
            Path::new("tool"),
            "nobody has it"
        );
        std::fs::write(first.path().join("tool"), "no program").expect("a file");
        let tool = second.path().join("tool");
        std::fs::write(&tool, "#!/bin/sh\n").expect("a file");
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("allowed");
        assert_eq!(find_program(Path::new("tool"), &path), tool);
        assert_eq!(
            find_program(Path::new("./tool"), &path),
            Path::new("./tool"),
            "a path stays"
        );
    }
}
