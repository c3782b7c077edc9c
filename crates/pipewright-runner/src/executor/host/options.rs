//! What the host executor is told: how steps are kept apart, what they may read, what they may use.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What stands between a step and the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Isolation {
    /// A sandbox of its own for each step.
    #[default]
    Sandbox,
    /// Nothing. A step can do what the runner's user can do.
    None,
}

impl Isolation {
    /// The word of the setting `host.isolation`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::None => "none",
        }
    }

    /// What everybody must know of an installation whose steps have no sandbox.
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Sandbox => None,
            Self::None => Some(
                "Steps run without a sandbox (host.isolation=none): whoever can change a pipeline file can read every secret of this installation and act as its administrator.",
            ),
        }
    }
}

/// What one step may use; `None` where it may use what the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostLimits {
    /// Bytes of memory. Kept by the kernel where the runner may make control groups.
    pub memory: Option<u64>,
    /// Processes and threads at a time. Kept likewise.
    pub processes: Option<u32>,
    /// Processors, in hundredths. Kept likewise.
    pub cpu_percent: Option<u32>,
}

impl HostLimits {
    /// True where there is one.
    pub const fn is_any(&self) -> bool {
        self.memory.is_some() || self.processes.is_some() || self.cpu_percent.is_some()
    }
}

/// How the host executor works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostOptions {
    /// What stands between a step and the machine.
    pub isolation: Isolation,
    /// Absolute paths that steps may read beside the machine's programs.
    pub readable: Vec<PathBuf>,
    /// Absolute paths of the installation that no step may see, whatever it may read: the data directory, the
    /// configuration, the key.
    pub hidden: Vec<PathBuf>,
    /// What one step may use.
    pub limits: HostLimits,
}

/// Why a path may not be given to steps to read: the rest of a sentence that begins with it. `hidden` are the installation's
/// own paths.
pub fn refuse_readable(path: &Path, hidden: &[PathBuf]) -> Option<String> {
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Some("is not an absolute path without `..`".to_owned());
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for path in [path, &real] {
        for hidden in hidden {
            let real_hidden = hidden.canonicalize().unwrap_or_else(|_| hidden.clone());
            if [hidden, &real_hidden]
                .into_iter()
                .any(|hidden| path.starts_with(hidden) || hidden.starts_with(path))
            {
                return Some(format!(
                    "holds, or lies in, {}, which no step may see",
                    hidden.display()
                ));
            }
        }
        let parts: Vec<&str> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        let why = match parts.as_slice() {
            [] => Some("is the whole machine"),
            ["home" | "root" | "Users"] | ["home" | "Users", _] => {
                Some("is a whole home; name the directories in it that steps need")
            }
            ["proc" | "sys" | "dev" | "run" | "boot" | "tmp", ..] => {
                Some("is the machine's own; steps have theirs")
            }
            parts if parts.iter().any(|part| PRIVATE.contains(part)) => {
                Some("is where people keep their keys")
            }
            _ => None,
        };
        if let Some(why) = why {
            return Some(why.to_owned());
        }
    }
    None
}

/// Directories whose very name says that they hold keys.
const PRIVATE: &[&str] = &[".ssh", ".gnupg", ".aws", ".docker", ".kube"];

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::refuse_readable;

    #[test]
    fn what_holds_the_installation_or_a_home_is_refused() {
        let hidden = [
            PathBuf::from("/srv/pipewright/data"),
            PathBuf::from("/opt/pipewright.toml"),
        ];
        for good in [
            "/opt/android",
            "/root/.cargo",
            "/home/linuxbrew/.linuxbrew",
            "/srv/tools",
        ] {
            assert_eq!(refuse_readable(Path::new(good), &hidden), None, "{good}");
        }
        for bad in [
            "/",
            "/home",
            "/home/mara",
            "/root",
            "/srv",
            "/srv/pipewright",
            "/srv/pipewright/data",
            "/srv/pipewright/data/mirrors",
            "/opt",
            "/opt/pipewright.toml",
            "/proc",
            "/run/user/1000",
            "tools",
            "/opt/../root",
            "/root/.ssh",
        ] {
            refuse_readable(Path::new(bad), &hidden).expect(bad);
        }
    }
}
