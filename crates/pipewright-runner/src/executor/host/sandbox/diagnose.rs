//! Why there is no sandbox on this machine, and how to get one.

use std::path::Path;

use super::super::super::contract::NotReady;

/// What every sentence ends with.
const OTHERWISE: &str = "Until then no step is run. (docs/isolation.md says more, also what host.isolation=none means.)";

/// The program is not there.
pub(super) fn not_installed() -> NotReady {
    NotReady(format!(
        "Steps run in a sandbox made by bubblewrap, which is not installed on this machine: apt install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (RHEL, Fedora) or apk add bubblewrap (Alpine). {OTHERWISE}"
    ))
}

/// The kernel does not list children.
pub(super) fn no_children() -> NotReady {
    NotReady(format!(
        "Steps run in a sandbox, and this kernel does not say which processes it holds (/proc/PID/task/PID/children, CONFIG_PROC_CHILDREN). {OTHERWISE}"
    ))
}

/// The kernel has no handles of processes.
pub(super) fn old_kernel() -> NotReady {
    NotReady(format!(
        "Steps run in a sandbox, which needs Linux 5.3 or newer (pidfd_open). {OTHERWISE}"
    ))
}

/// A trial has no place.
pub(super) fn no_directory(error: &std::io::Error) -> NotReady {
    NotReady(format!(
        "The sandbox of steps cannot be tried: no directory can be made in {}: {error}. {OTHERWISE}",
        std::env::temp_dir().display()
    ))
}

/// bubblewrap is there and failed with these words.
pub(super) fn refused(words: &str) -> NotReady {
    NotReady(explain(words, &|path| {
        std::fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    }))
}

/// The sentences for bubblewrap's words; `read` gives the text of a file of the machine.
fn explain(words: &str, read: &dyn Fn(&Path) -> Option<String>) -> String {
    let words = words.trim().trim_end_matches('.');
    let is = |path: &str, value: &str| read(Path::new(path)).as_deref() == Some(value);
    let cure = if is("/proc/sys/user/max_user_namespaces", "0") {
        "User namespaces are switched off: sysctl -w user.max_user_namespaces=15000 (and a line in /etc/sysctl.d for the next start)."
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "User namespaces are for root only: sysctl -w kernel.unprivileged_userns_clone=1 (and a line in /etc/sysctl.d for the next start)."
    } else if is(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        "AppArmor lets no program make user namespaces without a profile (Ubuntu 23.10 and newer): put the profile for /usr/bin/bwrap from docs/isolation.md into /etc/apparmor.d/bwrap, and run systemctl reload apparmor."
    } else if words.contains("mount proc") {
        "This looks like a container whose /proc is masked: start it with --security-opt systempaths=unconfined, or run the server outside of it."
    } else if words.contains("namespace") || words.contains("Operation not permitted") {
        "User namespaces are not allowed here. In a container, start it with a seccomp profile that allows them; in a systemd unit, remove RestrictNamespaces= and PrivateUsers=."
    } else {
        "Try it by hand: bwrap --unshare-user --unshare-pid --ro-bind / / --proc /proc true."
    };
    format!("Steps run in a sandbox, and bubblewrap cannot make one: {words}. {cure} {OTHERWISE}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::explain;

    #[test]
    fn each_obstacle_has_its_cure() {
        let namespace = "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.";
        let map = "bwrap: setting up uid map: Permission denied";
        for (words, file, value, cure) in [
            (
                namespace,
                "/proc/sys/user/max_user_namespaces",
                "0",
                "max_user_namespaces=15000",
            ),
            (
                namespace,
                "/proc/sys/kernel/unprivileged_userns_clone",
                "0",
                "userns_clone=1",
            ),
            (
                map,
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
                "/etc/apparmor.d/bwrap",
            ),
            (namespace, "/none", "", "seccomp"),
            (
                "bwrap: Can't mount proc on /newroot/proc: Operation not permitted",
                "/none",
                "",
                "systempaths",
            ),
            (
                "bwrap: execvp /bin/sh: No such file or directory",
                "/none",
                "",
                "by hand",
            ),
        ] {
            let text = explain(words, &|path: &Path| {
                (path == Path::new(file)).then(|| value.to_owned())
            });
            assert!(text.contains(cure) && text.contains("bwrap:"), "{text}");
        }
    }
}
