//! The Rust files of the workspace, read once for all checks.

use std::path::Path;

/// One Rust file.
pub(crate) struct SourceFile {
    /// From the workspace's root, with forward slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl SourceFile {
    /// True for code that only tests run.
    pub(crate) fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts[2..].iter().any(|part| {
            matches!(
                *part,
                "tests" | "testing" | "benches" | "examples" | "tests.rs" | "testing.rs"
            )
        })
    }

    /// Lines up to the tests that stand at the file's end.
    pub(crate) fn production_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let whole = self.is_test();
        self.text
            .lines()
            .enumerate()
            .take_while(move |(_, line)| whole || !line.starts_with("#[cfg(test)]"))
            .map(|(index, line)| (index + 1, line))
    }
}

/// Reads every Rust file under `crates/`.
pub(crate) fn read_all(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root)?
                    .to_string_lossy()
                    .replace('\\', "/");
                files.push(SourceFile {
                    path: name,
                    text: std::fs::read_to_string(&path)?,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
