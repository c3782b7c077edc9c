//! Which symbolic links may be in an archive.

use std::path::{Component, Path};

/// True where a link at `at` (relative to the directory) with this target leads to a place inside of the directory.
///
/// Only leading `..` are allowed: they climb from the link's own directory, which is a real one, while a `..` behind a
/// name would climb from wherever that name leads. So no chain of links that each stay inside leads out.
pub fn stays_inside(at: &Path, target: &Path) -> bool {
    let mut depth = at.components().count().saturating_sub(1);
    let mut named = false;
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => named = true,
            Component::ParentDir if named || depth == 0 => return false,
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::stays_inside;

    #[test]
    fn links_climb_no_higher_than_their_directory() {
        for (at, target, expected) in [
            ("bin/tool", "../lib/tool.js", true),
            ("tool", "lib/tool.js", true),
            ("a/b/c", "./x", true),
            ("a/b/c", "../../x", true),
            ("tool", "../x", false),
            ("a/b/c", "../../../x", false),
            ("tool", "/etc/passwd", false),
            ("a/b/c/d", "x/../../y", false),
            ("a", ".", false),
            ("a/b", "..", false),
            ("a", "", false),
        ] {
            assert_eq!(
                stays_inside(Path::new(at), Path::new(target)),
                expected,
                "{at} -> {target}"
            );
        }
    }
}
