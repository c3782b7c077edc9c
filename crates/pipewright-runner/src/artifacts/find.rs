//! Which files an artifact's globs mean.
//!
//! Globs are those of the rest of the language, relative to the clone directory. Files are found without following any
//! link, so that nothing outside of the clone directory is reached whatever the globs say; a link is kept as a link where
//! it leads to a place inside. The repository itself (`.git`) is never collected: it may hold credentials, and the next
//! step has its own.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pipewright_core::RefPattern;
use pipewright_core::plan::ArtifactPlan;

use crate::archive::{ArchiveError, Cancel, Entry, stays_inside};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Files and links, in the order of their names.
    pub entries: Vec<Entry>,
    /// Bytes of each of them; 0 for links.
    pub sizes: Vec<u64>,
    /// How many links were left out because they lead out of the clone directory.
    pub links_out: usize,
    /// Patterns that cannot be used, with what is wrong.
    pub problems: Vec<String>,
}

/// Finds an artifact's files below the clone directory. Blocking.
pub fn find(root: &Path, plan: &ArtifactPlan, cancel: &Cancel) -> Result<Found, ArchiveError> {
    let mut found = Found::default();
    let mut compiled = |texts: &[String]| {
        let parsed: Vec<RefPattern> = texts
            .iter()
            .filter_map(|text| {
                text.parse()
                    .map_err(|error: pipewright_core::pattern::PatternError| {
                        found.problems.push(error.to_string());
                    })
                    .ok()
            })
            .collect();
        parsed
    };
    let (includes, ignores) = (compiled(&plan.paths), compiled(&plan.ignore_paths));
    let depth = plan.depth.map_or(usize::MAX, |depth| depth as usize);
    let mut search = Search {
        root,
        includes: &includes,
        ignores: &ignores,
        depth,
        files: BTreeMap::new(),
        links_out: 0,
        cancel,
    };
    for (start, levels) in starts(&includes) {
        if is_real_directory(root, &start) {
            search.directory(&start, levels)?;
        }
    }
    found.links_out = search.links_out;
    (found.entries, found.sizes) = search.files.into_values().unzip();
    Ok(found)
}

/// Where to look, and how many levels below: for each pattern the directory before its first wildcard.
fn starts(patterns: &[RefPattern]) -> BTreeMap<PathBuf, usize> {
    let mut starts: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for pattern in patterns {
        let text = pattern.as_str();
        let wild = text.find(['*', '?', '{']).unwrap_or(text.len());
        let (before, rest) = text[..wild]
            .rfind('/')
            .map_or(("", text), |slash| (&text[..slash], &text[slash + 1..]));
        // Alternatives may hold slashes of their own.
        let levels = if rest.contains("**") || rest.contains('{') {
            usize::MAX
        } else {
            rest.matches('/').count()
        };
        let known = starts.entry(PathBuf::from(before)).or_default();
        *known = levels.max(*known);
    }
    starts
}

/// True for a directory below the root that no link leads to, and whose name neither is absolute nor climbs.
fn is_real_directory(root: &Path, relative: &Path) -> bool {
    let mut path = root.to_owned();
    relative.components().all(|part| {
        path.push(part);
        matches!(part, std::path::Component::Normal(name) if name != ".git")
            && path.symlink_metadata().is_ok_and(|about| about.is_dir())
    })
}

struct Search<'a> {
    root: &'a Path,
    includes: &'a [RefPattern],
    ignores: &'a [RefPattern],
    depth: usize,
    files: BTreeMap<PathBuf, (Entry, u64)>,
    links_out: usize,
    cancel: &'a Cancel,
}

impl Search<'_> {
    fn directory(&mut self, relative: &Path, levels: usize) -> Result<(), ArchiveError> {
        self.cancel.check()?;
        let full = self.root.join(relative);
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            // Gone, or ours no more: it has no files for us.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Ok(());
            }
            Err(source) => {
                return Err(ArchiveError::File {
                    action: "read",
                    path: full,
                    source,
                });
            }
        };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = relative.join(entry.file_name());
            if kind.is_dir() {
                if levels > 0 && entry.file_name() != ".git" {
                    self.directory(&path, levels.saturating_sub(1))?;
                }
            } else if (kind.is_file() || kind.is_symlink()) && self.wants(&path) {
                self.take(path, kind.is_symlink(), &entry);
            }
        }
        Ok(())
    }

    fn wants(&self, path: &Path) -> bool {
        let name = path.to_string_lossy();
        let matches =
            |patterns: &[RefPattern]| patterns.iter().any(|pattern| pattern.matches(&name));
        // The directories above the file.
        path.components().count() - 1 <= self.depth
            && matches(self.includes)
            && !matches(self.ignores)
    }

    fn take(&mut self, path: PathBuf, is_link: bool, entry: &std::fs::DirEntry) {
        if self.files.contains_key(&path) {
            return;
        }
        if !is_link {
            let size = entry
                .metadata()
                .map(|about| about.len())
                .unwrap_or_default();
            self.files.insert(path.clone(), (Entry::File(path), size));
            return;
        }
        match std::fs::read_link(entry.path()) {
            Ok(target) if stays_inside(&path, &target) => {
                self.files
                    .insert(path.clone(), (Entry::Link(path, target), 0));
            }
            _ => self.links_out += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use pipewright_core::plan::{ArtifactPlan, CaptureOn};

    use super::find;
    use crate::archive::{Cancel, Entry};

    fn plan(paths: &[&str]) -> ArtifactPlan {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ArtifactPlan {
            name: String::new(),
            paths: owned(paths),
            ignore_paths: Vec::new(),
            shared: true,
            test_reports: false,
            depth: None,
            capture_on: CaptureOn::Always,
        }
    }

    fn tree() -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a directory");
        let outside = place.path().join("outside");
        let root = place.path().join("clone");
        for file in [
            "dist/a.js",
            "dist/css/b.css",
            "dist/css/.hidden",
            "report.txt",
            "deep/x/y/z.xml",
            ".git/config",
            "sub/.git/config",
            "größe (1).txt",
        ] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, file).expect("a file");
        }
        std::fs::create_dir_all(root.join("empty")).expect("a directory");
        std::fs::create_dir(&outside).expect("a directory");
        std::fs::write(outside.join("secret"), "precious").expect("a file");
        for (link, target) in [
            ("dist/latest", "a.js"),
            ("out", "../outside"),
            ("dist/etc", "/etc"),
            ("dist/up", "../report.txt"),
        ] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("a link");
        }
        place
    }

    fn names(root: &Path, plan: &ArtifactPlan) -> Vec<String> {
        let found = find(&root.join("clone"), plan, &Cancel::default()).expect("looks");
        let name = |path: &PathBuf| path.to_string_lossy().into_owned();
        found
            .entries
            .iter()
            .map(|entry| match entry {
                Entry::File(path) | Entry::Link(path, _) | Entry::Directory(path) => name(path),
            })
            .collect()
    }

    #[test]
    fn globs_mean_files_below_the_clone_directory() {
        let tree = tree();
        let all = [
            "dist/a.js",
            "dist/css/.hidden",
            "dist/css/b.css",
            "dist/latest",
            "dist/up",
        ];
        let cases: &[(&[&str], &[&str])] = &[
            (&["dist/**"], &all),
            (&["dist/*"], &["dist/a.js", "dist/latest", "dist/up"]),
            (&["**/*.css"], &["dist/css/b.css"]),
            (&["**.xml"], &["deep/x/y/z.xml"]),
            (&["deep/**/z.xml", "deep/x/y/*"], &["deep/x/y/z.xml"]),
            (&["report.txt"], &["report.txt"]),
            (&["**/report.txt"], &["report.txt"]),
            (
                &["{report.txt,dist/{a.js,css/b.css}}"],
                &["dist/a.js", "dist/css/b.css", "report.txt"],
            ),
            (&["größe (1).*"], &["größe (1).txt"]),
            // A bare directory, an empty one, one behind a link, other places, and nonsense collect nothing.
            (&["dist"], &[]),
            (&["empty/**"], &[]),
            (&["out/**", "out/secret", "dist/etc/passwd"], &[]),
            (
                &[
                    "../outside/**",
                    "/etc/passwd",
                    "./report.txt",
                    "dist/../report.txt",
                    "~/x",
                ],
                &[],
            ),
            (&[".git/**", "sub/**", ".git/config"], &[]),
            (&["{", "nothing/**"], &[]),
        ];
        for (paths, expected) in cases {
            assert_eq!(names(tree.path(), &plan(paths)), *expected, "{paths:?}");
        }
        let everything = find(
            &tree.path().join("clone"),
            &plan(&["**", "{"]),
            &Cancel::default(),
        )
        .expect("looks");
        assert_eq!(
            (
                everything.entries.len(),
                everything.links_out,
                everything.problems.len()
            ),
            (8, 2, 1)
        );
    }

    #[test]
    fn what_is_ignored_or_too_deep_is_left_out() {
        let tree = tree();
        let ignoring = ArtifactPlan {
            ignore_paths: vec!["**/*.css".to_owned(), "dist/l*".to_owned()],
            ..plan(&["dist/**"])
        };
        assert_eq!(
            names(tree.path(), &ignoring),
            ["dist/a.js", "dist/css/.hidden", "dist/up"]
        );
        let shallow = ArtifactPlan {
            depth: Some(1),
            ..plan(&["**"])
        };
        assert_eq!(
            names(tree.path(), &shallow),
            [
                "dist/a.js",
                "dist/latest",
                "dist/up",
                "größe (1).txt",
                "report.txt"
            ]
        );
    }
}
