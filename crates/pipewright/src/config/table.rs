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
        about: "The most connections that may be open at the same time. Fewer where the limit of open files is lower.",
    },
    Setting {
        key: "server.drain_seconds",
        default: "30",
        about: "Seconds for which running steps may go on after the server was asked to stop, where they end with it (runner.unattended_minutes = 0); then they are ended, and run again after the next start.",
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
        key: "database.migrate_without_copy",
        default: "false",
        about: "Whether a new version may bring the database to its schema where no copy can be made before: PostgreSQL, and SQLite without space. true says that there is a backup.",
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
        key: "runner.unattended_minutes",
        default: "10",
        about: "Minutes for which a running step goes on while the server is away: stopped, killed or being upgraded. The next start continues it; without one it is ended, and runs again. 0 ends steps with the server.",
    },
    Setting {
        key: "runner.cache_gb",
        default: "20",
        about: "GB of all caches that the embedded runner keeps; what was not used for the longest time goes first.",
    },
    Setting {
        key: "engine.address",
        default: "auto",
        about: "Docker or Podman, in whose containers steps run: unix:///run/podman/podman.sock, for one; auto for Docker's of this machine, where it answers when the server starts; none to run every step with the programs of this machine.",
    },
    Setting {
        key: "engine.default_image",
        default: "atlassian/default-image:5",
        about: "Image of steps that name none.",
    },
    Setting {
        key: "engine.pull",
        default: "if-not-present",
        about: "When images are pulled: always, if-not-present or never.",
    },
    Setting {
        key: "engine.memory_mb",
        default: "4096",
        about: "MB of memory (of 1,048,576 bytes) that a container step of the size 1x and its services may use together; larger sizes have as many times more; 0 for no limit.",
    },
    Setting {
        key: "engine.cpus",
        default: "0",
        about: "Processors that a container step of the size 1x may use, such as 2 or 0.5; larger sizes have as many times more; 0 for no limit.",
    },
    Setting {
        key: "engine.processes",
        default: "8192",
        about: "Processes and threads that each container of a step may have; 0 for no limit.",
    },
    Setting {
        key: "engine.open_files",
        default: "0",
        about: "Open files that each process in a container may have, for an engine that may not raise limits (then engine.processes is a limit of its users too); 0 for the engine's own limit.",
    },
    Setting {
        key: "engine.docker_service",
        default: "",
        about: "Image of the Docker engine that steps get which ask for the service docker, such as docker:28-dind. It has all rights on this machine, and so has whoever can change a pipeline file. Empty to give none.",
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
        key: "runner.log_mb",
        default: "1000",
        about: "MB of an attempt's log that are kept.",
    },
    Setting {
        key: "git.fetch_seconds",
        default: "1200",
        about: "Seconds that one fetch may take; the first one of a large repository needs minutes.",
    },
    Setting {
        key: "git.local_seconds",
        default: "120",
        about: "Seconds that git may take where it needs no network, such as a checkout.",
    },
    Setting {
        key: "git.connect_seconds",
        default: "15",
        about: "Seconds that connecting to Bitbucket over SSH may take.",
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
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::{SETTINGS, Setting};

    /// What begins like a setting and is none.
    const OTHERS: &[&str] = &["bitbucket.org", "retention.changed", "secrets.check"];

    /// How names of files end.
    const FILES: &[&str] = &[
        "db", "html", "js", "json", "jsonl", "key", "lock", "md", "rs", "toml", "yml",
    ];

    /// Sources and templates that people's words come from; tests may say what they want.
    fn sources() -> Vec<PathBuf> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace");
        let mut left = vec![crates.to_owned()];
        let mut found = Vec::new();
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.unwrap_or_default();
                let is_test = name.starts_with("test") || name == "xtask" || name == "snapshots";
                if path.is_dir() && !is_test {
                    left.push(path);
                } else if matches!(
                    path.extension().and_then(|extension| extension.to_str()),
                    Some("rs" | "html")
                ) && !is_test
                {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The parts of a line that stand between quotes; of a template those outside of expressions.
    fn spoken(line: &str, is_template: bool) -> Vec<&str> {
        let line = line.trim_start();
        if is_template {
            return line
                .split("{%")
                .filter_map(|part| part.rsplit("%}").next())
                .flat_map(|part| part.split("{{"))
                .filter_map(|part| part.rsplit("}}").next())
                .collect();
        }
        if line.starts_with("//") {
            return Vec::new();
        }
        line.split('"').skip(1).step_by(2).collect()
    }

    /// Every `topic.name` of a text whose topic has settings.
    fn named<'a>(text: &'a str, topics: &BTreeSet<&str>) -> Vec<&'a str> {
        let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_' || letter == '.';
        text.split(|letter: char| !is_part(letter))
            .map(|word| word.trim_matches('.'))
            .filter(|word| {
                word.split_once('.').is_some_and(|(topic, name)| {
                    topics.contains(topic)
                        && !name.is_empty()
                        && !name.contains('.')
                        && !FILES.contains(&name)
                })
            })
            .collect()
    }

    #[test]
    fn every_setting_that_a_message_names_is_there() {
        let topics: BTreeSet<&str> = SETTINGS
            .iter()
            .filter_map(|setting| setting.key.split_once('.'))
            .map(|(topic, _)| topic)
            .collect();
        let names: BTreeSet<&str> = SETTINGS
            .iter()
            .filter_map(|setting| setting.key.split_once('.'))
            .map(|(_, name)| name)
            .collect();
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for path in sources() {
            let text = std::fs::read_to_string(&path).expect("a source");
            let is_template = path
                .extension()
                .is_some_and(|extension| extension == "html");
            let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            for (number, line) in text.lines().enumerate() {
                for part in spoken(line, is_template) {
                    for word in named(part, &topics) {
                        if Setting::find(word).is_some() {
                            seen.insert(word.to_owned());
                        } else if !OTHERS.contains(&word) {
                            wrong.push(format!("{}:{}: {word}", path.display(), number + 1));
                        }
                    }
                    // A name without its topic is one that cannot be searched for.
                    for word in part.split('`').skip(1).step_by(2) {
                        let is_half = names.contains(word) && word.contains('_');
                        let is_setting =
                            is_half || word.ends_with("_timeout") || word.ends_with("_limit");
                        if is_setting && !is_template {
                            wrong.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "no such settings:\n{}", wrong.join("\n"));
        assert_eq!(
            seen.len(),
            SETTINGS.len(),
            "every setting is in the sources"
        );
    }

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
