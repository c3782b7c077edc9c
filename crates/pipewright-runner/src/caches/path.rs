//! Where a cache's directory is on this machine.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::executor::{OUTSIDE, StepDirectories};

/// A directory below one of the step's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachePath {
    /// The step's directory.
    pub(super) base: PathBuf,
    /// Below it; never empty, without `..`.
    pub(super) relative: PathBuf,
}

impl CachePath {
    /// The whole path.
    pub(super) fn full(&self) -> PathBuf {
        self.base.join(&self.relative)
    }

    /// True where it is a directory, and no link leads to it.
    pub(super) fn is_real_directory(&self) -> bool {
        let mut path = self.base.clone();
        self.relative.components().all(|part| {
            path.push(part);
            path.symlink_metadata().is_ok_and(|about| about.is_dir())
        })
    }
}

/// Resolves a path as the pipeline file writes it. An error is the rest of a sentence.
///
/// Paths are relative to the clone directory or begin with the home directory, which is the step's own, or are Bitbucket's own
/// absolute paths of these two. Others would be shared by every step of the machine, and replaced below the feet of those that run: they are not cached here.
pub(super) fn resolve(
    text: &str,
    directories: &StepDirectories,
) -> Result<CachePath, &'static str> {
    const NOT_HERE: &str =
        "its path is outside of the step's own directories, which the host executor does not cache";
    let bases = [
        ("~", &directories.home),
        ("$HOME", &directories.home),
        ("${HOME}", &directories.home),
        ("$BITBUCKET_CLONE_DIR", &directories.build),
        ("${BITBUCKET_CLONE_DIR}", &directories.build),
        ("/opt/atlassian/pipelines/agent/build", &directories.build),
        ("/opt/atlassian/pipelines/agent/home", &directories.home),
    ];
    let named = bases.into_iter().find_map(|(prefix, base)| {
        let rest = text.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| (base, rest.trim_start_matches('/')))
    });
    let elsewhere = text
        .strip_prefix('/')
        .filter(|_| named.is_none() && directories.has_own_root);
    let (base, rest) = match elsewhere {
        Some(rest) => (&directories.home, rest),
        None => named.unwrap_or((&directories.build, text)),
    };
    let mut relative = PathBuf::new();
    for part in Path::new(rest).components() {
        match part {
            Component::Normal(name) => relative.push(name),
            Component::CurDir => {}
            _ => return Err(NOT_HERE),
        }
    }
    if relative.as_os_str().is_empty() {
        return Err("its path is a whole directory of the step; name a directory inside it");
    }
    if rest.contains('$') || rest.starts_with('~') {
        return Err("its path holds a variable or a `~` that is not at its beginning");
    }
    if elsewhere.is_some() {
        relative = Path::new(OUTSIDE).join(relative);
    }
    if base == &directories.build && relative.starts_with(".git") {
        return Err("its path is the repository itself");
    }
    Ok(CachePath {
        base: base.clone(),
        relative,
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::resolve;
    use crate::executor::StepDirectories;

    #[test]
    fn paths_stay_in_the_steps_own_directories() {
        let of = |name: &str| PathBuf::from("/step").join(name);
        let directories = StepDirectories {
            build: of("build"),
            home: of("home"),
            tmp: of("tmp"),
            scripts: of("scripts"),
            ssh: of("ssh"),
            scratch: of("scratch"),
            has_own_root: false,
            lent: Vec::new(),
        };
        for (text, expected) in [
            ("node_modules", Some("/step/build/node_modules")),
            ("./a/b/", Some("/step/build/a/b")),
            ("~/.cache/pip", Some("/step/home/.cache/pip")),
            ("$HOME/.m2/repository", Some("/step/home/.m2/repository")),
            ("${HOME}/x", Some("/step/home/x")),
            ("$BITBUCKET_CLONE_DIR/x", Some("/step/build/x")),
            (
                "/opt/atlassian/pipelines/agent/build/x/y",
                Some("/step/build/x/y"),
            ),
            ("/opt/atlassian/pipelines/agent/builds/x", None),
            ("/root/.cache", None),
            ("/step/home/x", None),
            ("../other", None),
            ("~/../build/x", None),
            ("~", None),
            (".", None),
            ("", None),
            ("~user/x", None),
            ("$OTHER/x", None),
            (".git/hooks", None),
        ] {
            let resolved = resolve(text, &directories).map(|path| path.full());
            assert_eq!(resolved.ok().as_deref(), expected.map(Path::new), "{text}");
        }
        let in_a_container = StepDirectories {
            has_own_root: true,
            ..directories
        };
        for (text, expected) in [
            ("/root/.cache", Some("/step/home/.outside/root/.cache")),
            (
                "/usr/local/bundle/",
                Some("/step/home/.outside/usr/local/bundle"),
            ),
            ("/usr/../etc", None),
            ("/", None),
            (
                "/opt/atlassian/pipelines/agent/build/x",
                Some("/step/build/x"),
            ),
            ("node_modules", Some("/step/build/node_modules")),
        ] {
            let resolved = resolve(text, &in_a_container).map(|path| path.full());
            assert_eq!(resolved.ok().as_deref(), expected.map(Path::new), "{text}");
        }
    }
}
