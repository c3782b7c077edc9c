//! Every setting there is.

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// `topic.name`, as in the file.
    pub(crate) key: &'static str,
    /// Its value where nobody says otherwise; empty for "none".
    pub(crate) default: &'static str,
    /// One sentence for people.
    pub(crate) about: &'static str,
}

impl Setting {
    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!(
            "PIPEWRIGHT_{}",
            self.key.replace('.', "_").to_ascii_uppercase()
        )
    }

    /// The setting of this key.
    pub(crate) fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// All settings, in the order they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.listen",
        default: "127.0.0.1:8080",
        about: "Address and port to listen on.",
    },
    Setting {
        key: "server.public_url",
        default: "",
        about: "Address under which people and Bitbucket reach this server; may have a path; empty for the address it listens on. Behind a proxy this is the proxy's.",
    },
    Setting {
        key: "server.webhooks_reach_us",
        default: "true",
        about: "Whether Bitbucket can reach the public address. If not, refs are compared instead and no webhook is made.",
    },
    Setting {
        key: "server.session_days",
        default: "14",
        about: "Days without a click after which a person must sign in again.",
    },
    Setting {
        key: "server.session_longest_days",
        default: "90",
        about: "Days after which a person must sign in again in any case.",
    },
    Setting {
        key: "server.trusted_proxies",
        default: "",
        about: "Addresses or ranges of proxies, with commas between them, whose X-Forwarded-For is believed; empty for none.",
    },
    Setting {
        key: "server.delivery_limit_kb",
        default: "5120",
        about: "Largest webhook body that is accepted, in KiB.",
    },
    Setting {
        key: "server.connections",
        default: "4096",
        about: "Connections that are open at the same time at most. Fewer where the limit of open files leaves no more.",
    },
    Setting {
        key: "server.drain_seconds",
        default: "30",
        about: "Seconds for which running steps may go on after the server was asked to stop; then they are ended, and run again after the next start.",
    },
    Setting {
        key: "data.directory",
        default: "pipewright-data",
        about: "Where the database, logs, mirrors and workspaces are.",
    },
    Setting {
        key: "database.url",
        default: "",
        about: "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME; empty for SQLite in the data directory.",
    },
    Setting {
        key: "database.connections",
        default: "8",
        about: "Connections to PostgreSQL.",
    },
    Setting {
        key: "secrets.key_file",
        default: "",
        about: "File with the key that seals stored secrets (64 hexadecimal digits); empty for secret.key in the data directory, made at the first start.",
    },
    Setting {
        key: "runner.slots",
        default: "2",
        about: "Steps the embedded runner works on at a time; 0 switches it off.",
    },
    Setting {
        key: "runner.labels",
        default: "self.hosted, linux, linux.shell",
        about: "Labels of the embedded runner, with commas between them: steps whose `runs-on` has another are refused. On an ARM machine `linux.arm64` comes to them.",
    },
    Setting {
        key: "runner.stop_grace_seconds",
        default: "10",
        about: "Seconds between asking a stopped step to end and killing it.",
    },
    Setting {
        key: "runner.cache_gb",
        default: "20",
        about: "GB of all caches that the embedded runner keeps; what was not used for the longest time goes first.",
    },
    Setting {
        key: "host.isolation",
        default: "sandbox",
        about: "What keeps steps apart from this machine: sandbox (needs bubblewrap), or none, for one account whose people may act as this server's administrator.",
    },
    Setting {
        key: "host.readable",
        default: "",
        about: "Absolute paths, with commas between them, that steps may read beside the machine's programs, such as /opt/android.",
    },
    Setting {
        key: "host.memory_mb",
        default: "0",
        about: "MB of memory that one step may use; 0 for no limit. Needs control groups (docs/isolation.md).",
    },
    Setting {
        key: "host.processes",
        default: "0",
        about: "Processes and threads that one step may have at a time; 0 for no limit. Needs control groups.",
    },
    Setting {
        key: "host.cpus",
        default: "0",
        about: "Processors that one step may use, such as 2 or 0.5; 0 for no limit. Needs control groups.",
    },
    Setting {
        key: "host.workspace_gb",
        default: "50",
        about: "GB of the disk that one step's files may take before it is ended; 0 for no limit.",
    },
    Setting {
        key: "runner.min_free_disk_mb",
        default: "256",
        about: "MB that the disk of the data directory must have left for a step to begin; where a twentieth of the disk is less, that is enough.",
    },
    Setting {
        key: "runner.min_free_inodes",
        default: "2000",
        about: "Files that may still be made on the disk of the data directory for a step to begin, or a twentieth of all.",
    },
    Setting {
        key: "runner.min_free_memory_mb",
        default: "64",
        about: "MB of memory that the machine must have left for a step to begin, or a twentieth of all.",
    },
    Setting {
        key: "runner.min_free_descriptors",
        default: "64",
        about: "Files that the server may still open for a step to begin, or a twentieth of its limit.",
    },
    Setting {
        key: "artifacts.keep_days",
        default: "14",
        about: "Days that artifacts of steps are kept.",
    },
    Setting {
        key: "retention.builds_days",
        default: "365",
        about: "Days that builds are kept, with their logs, artifacts and statuses; the newest of each branch and tag for ever. An account may say otherwise, also of the following.",
    },
    Setting {
        key: "retention.builds_per_ref",
        default: "500",
        about: "Builds of each branch and tag that are kept, the newest.",
    },
    Setting {
        key: "retention.logs_days",
        default: "180",
        about: "Days that logs are kept.",
    },
    Setting {
        key: "retention.bodies_days",
        default: "30",
        about: "Days that the bodies of webhook deliveries are kept; without its body a delivery cannot be delivered again.",
    },
    Setting {
        key: "retention.statuses_days",
        default: "30",
        about: "Days that statuses are kept once Bitbucket was told.",
    },
    Setting {
        key: "comparison.every_seconds",
        default: "300",
        about: "How often refs are compared with what was decided, in case a webhook was lost.",
    },
    Setting {
        key: "comparison.polling_every_seconds",
        default: "60",
        about: "The same for applications that no webhook reaches.",
    },
    Setting {
        key: "bitbucket.cloud_web",
        default: "https://bitbucket.org",
        about: "Bitbucket Cloud's pages, OAuth and git over HTTPS.",
    },
    Setting {
        key: "bitbucket.cloud_api",
        default: "https://api.bitbucket.org/2.0",
        about: "Bitbucket Cloud's REST API.",
    },
    Setting {
        key: "bitbucket.cloud_ssh",
        default: "bitbucket.org:22",
        about: "Bitbucket Cloud's git over SSH.",
    },
    Setting {
        key: "bitbucket.cloud_known_hosts_file",
        default: "",
        about: "known_hosts lines for Bitbucket Cloud; empty for the lines Atlassian publishes, which are built in.",
    },
    Setting {
        key: "bitbucket.extra_ca_file",
        default: "",
        about: "PEM file of certificate authorities to trust beside the public ones.",
    },
    Setting {
        key: "outgoing.allow",
        default: "",
        about: "Where the server itself may connect to beside Bitbucket Cloud, with commas between them: public, private, loopback, hosts, host:port, ranges; empty for the list on the page Installation, which begins with all three words.",
    },
    Setting {
        key: "log.filter",
        default: "info",
        about: "What is logged: error, warn, info, debug, or module=level pairs.",
    },
    Setting {
        key: "log.format",
        default: "text",
        about: "text or json.",
    },
];

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn every_setting_is_in_the_documentation_with_its_default() {
        let page = include_str!("../../../../docs/install.md");
        for setting in SETTINGS {
            let default = if setting.default.is_empty() {
                String::new()
            } else {
                format!("`{}`", setting.default)
            };
            let row = format!("| `{}` | {default} | {} |", setting.key, setting.about);
            assert!(page.contains(&row), "docs/install.md lacks: {row}");
        }
    }
}
