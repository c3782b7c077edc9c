//! From what was given on the command line to bytes: files, directories, standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

/// The one name that Bitbucket reads.
pub(crate) const FILE_NAME: &str = "bitbucket-pipelines.yml";

/// Files over this size are not read whole: more than any pipeline file, less than what would hurt. The check then says
/// that the file is too large.
const READ_LIMIT: u64 = 16 * 1024 * 1024;

/// Directories below this depth are not looked into.
const DEPTH_LIMIT: usize = 16;

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Standard,
    File(PathBuf),
}

/// A source and what to call it; the source is an error where there is nothing to read.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) place: Result<Source, String>,
}

/// What an argument stands for: itself, standard input, or the pipeline files below a directory.
pub(crate) fn expand(path: &Path) -> Vec<Named> {
    if path == Path::new("-") {
        return vec![Named {
            name: "stdin".to_owned(),
            place: Ok(Source::Standard),
        }];
    }
    if !path.is_dir() {
        return vec![Named {
            name: path.display().to_string(),
            place: Ok(Source::File(path.to_owned())),
        }];
    }
    let mut found = Vec::new();
    collect(path, 0, &mut found);
    if found.is_empty() {
        let other = path.join("bitbucket-pipelines.yaml");
        let hint = if other.exists() {
            "; bitbucket-pipelines.yaml is not read by Bitbucket, rename it to end in .yml"
        } else {
            ""
        };
        let place = Err(format!(
            "no {FILE_NAME} in this directory or below it{hint}"
        ));
        return vec![Named {
            name: path.display().to_string(),
            place,
        }];
    }
    found.sort();
    found
        .into_iter()
        .map(|path| Named {
            name: shown(&path),
            place: Ok(Source::File(path)),
        })
        .collect()
}

/// `./x` is `x` to people and to tools that look files up by name.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// Pipeline files below a directory. Hidden directories and installed packages hold other people's files; symbolic links
/// are not followed.
fn collect(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory
            && depth < DEPTH_LIMIT
            && !name.as_encoded_bytes().starts_with(b".")
            && name != "node_modules"
        {
            collect(&entry.path(), depth + 1, found);
        } else if !is_directory && name == FILE_NAME {
            found.push(entry.path());
        }
    }
}

/// Reads up to the limit; the error fits after the file's name and a colon.
pub(crate) fn read(source: &Source) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = match source {
        Source::Standard => std::io::stdin()
            .lock()
            .take(READ_LIMIT)
            .read_to_end(&mut bytes),
        Source::File(path) => {
            std::fs::File::open(path).and_then(|file| file.take(READ_LIMIT).read_to_end(&mut bytes))
        }
    };
    read.map(|_length| bytes)
        .map_err(|error| format!("cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Source, expand};

    #[test]
    fn a_directory_stands_for_the_pipeline_files_in_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        for path in [
            "b/bitbucket-pipelines.yml",
            "bitbucket-pipelines.yml",
            ".git/bitbucket-pipelines.yml",
            "node_modules/p/bitbucket-pipelines.yml",
            "a/other.yml",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, "").expect("a file");
        }
        let found: Vec<_> = expand(root)
            .into_iter()
            .map(|named| named.place.expect("a file"))
            .collect();
        let file = |path: &str| Source::File(root.join(path));
        assert_eq!(
            found,
            [
                file("b/bitbucket-pipelines.yml"),
                file("bitbucket-pipelines.yml")
            ]
        );
    }

    #[test]
    fn a_directory_without_one_says_so() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("bitbucket-pipelines.yaml"), "").expect("a file");
        let problem = expand(directory.path())
            .remove(0)
            .place
            .expect_err("nothing to read");
        assert!(problem.contains("rename it"), "{problem}");
    }
}
