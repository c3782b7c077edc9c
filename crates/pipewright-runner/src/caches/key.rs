//! The version of a cache: a hash of the contents of the files that its key names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pipewright_core::plan::{ArtifactPlan, CachePlan, CaptureOn};
use sha2::{Digest as _, Sha256};

use crate::archive::{ArchiveError, Cancel, Entry};
use crate::artifacts::find;

/// What a cache without a key has in its place.
const NO_KEY: &str = "unversioned";

/// The version of this cache for the files as they are now: patterns in their order, each one's files by name. `None`
/// where no file matches. Blocking.
pub(super) fn version(
    root: &Path,
    plan: &CachePlan,
    cancel: &Cancel,
) -> Result<Option<String>, ArchiveError> {
    if plan.key_files.is_empty() {
        return Ok(Some(NO_KEY.to_owned()));
    }
    let mut hash = Sha256::new();
    let mut any = false;
    for pattern in &plan.key_files {
        // The same globs as those of artifacts.
        let globs = ArtifactPlan {
            name: String::new(),
            paths: vec![pattern.clone()],
            ignore_paths: Vec::new(),
            shared: true,
            test_reports: false,
            depth: None,
            capture_on: CaptureOn::Always,
        };
        for entry in find(root, &globs, cancel)?.entries {
            let Entry::File(path) = entry else { continue };
            let full = root.join(&path);
            let wrong = |source: io::Error| ArchiveError::File {
                action: "read",
                path: path.clone(),
                source,
            };
            let mut file = File::open(&full).map_err(wrong)?;
            let mut buffer = vec![0; 128 << 10];
            loop {
                cancel.check()?;
                match file.read(&mut buffer).map_err(wrong)? {
                    0 => break,
                    count => hash.update(&buffer[..count]),
                }
            }
            any = true;
        }
    }
    Ok(any.then(|| {
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }))
}

#[cfg(test)]
mod tests {
    use pipewright_core::plan::CachePlan;

    use super::version;
    use crate::archive::Cancel;

    #[test]
    fn a_version_follows_the_contents() {
        let place = tempfile::tempdir().expect("a directory");
        let of = |files: &[&str]| {
            let plan = CachePlan {
                name: "n".to_owned(),
                path: "p".to_owned(),
                key_files: files.iter().map(|file| (*file).to_owned()).collect(),
            };
            version(place.path(), &plan, &Cancel::default()).expect("reads")
        };
        assert_eq!(of(&[]).as_deref(), Some("unversioned"));
        assert_eq!(of(&["*.lock"]), None, "no file matches");
        std::fs::write(place.path().join("a.lock"), "one").expect("a file");
        let one = of(&["*.lock"]).expect("a version");
        assert_eq!(of(&["a.lock"]), Some(one.clone()), "only contents count");
        std::fs::write(place.path().join("a.lock"), "two").expect("a file");
        assert_ne!(of(&["*.lock"]), Some(one));
    }
}
