//! Turning texts into values, all of them before anything is started. Paths become absolute here, once: what is started later in
//! other directories, git above all, is given the same places.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use pipewright_runner::executor::{
    EngineOptions, HostLimits, HostOptions, Isolation, Pull, Share, find_socket, refuse_readable,
};
use pipewright_server::{CloudAddresses, Floors, Retention, ServerConfig};
use pipewright_spec::USUAL_LABELS;
use pipewright_store::Database;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::gather::Gathered;
use super::mistake::{Mistake, Mistakes};

/// Host keys of Bitbucket Cloud, as Atlassian publishes them at <https://bitbucket.org/site/ssh>.
const CLOUD_KNOWN_HOSTS: &str = "\
bitbucket.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO
bitbucket.org ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPIQmuzMBuKdWeF4+a2sjSSpBK0iqitSQ+5BM9KhpexuGt20JpTVM7u5BDZngncgrqDMbWdxMWWOGtZ9UgbqgZE=
";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How long git may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GitLimits {
    /// One fetch.
    pub(crate) fetch: Duration,
    /// What needs no network.
    pub(crate) local: Duration,
    /// Making an SSH connection.
    pub(crate) connect: Duration,
}

/// Which container engine runs steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineAddress {
    /// One of this machine that answers, if there is one.
    Auto,
    /// None.
    None,
    /// The one behind this socket; steps wait until it answers.
    Socket(PathBuf),
}

impl EngineAddress {
    /// What may stand there.
    pub(crate) const WORDS: &str = "auto, none or unix:// with the absolute path of a socket, such as unix:///run/podman/podman.sock";

    /// From its text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "none" => Some(Self::None),
            text => text
                .strip_prefix("unix://")
                .filter(|path| path.starts_with('/'))
                .map(|path| Self::Socket(path.into())),
        }
    }

    /// The engine, with how steps use it; looks for one where the address says so.
    pub(crate) fn find(&self, options: EngineOptions) -> Option<EngineOptions> {
        let socket = match self {
            Self::None => None,
            Self::Socket(socket) => Some(socket.clone()),
            Self::Auto => find_socket(
                std::env::var("DOCKER_HOST").ok().as_deref(),
                std::env::var_os("XDG_RUNTIME_DIR")
                    .as_deref()
                    .map(Path::new),
            ),
        };
        socket.map(|socket| EngineOptions { socket, ..options })
    }
}

/// The whole configuration, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// What the server needs.
    pub(crate) server: ServerConfig,
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// False where the public address is the one listened on, which is known for sure once the port is open.
    pub(crate) public_url_is_given: bool,
    /// How long git may take.
    pub(crate) git: GitLimits,
    /// Where the database is.
    pub(crate) database: Database,
    /// Connections to PostgreSQL.
    pub(crate) connections: u32,
    /// True where the schema is brought to this version although no copy can be made before.
    pub(crate) migrate_without_copy: bool,
    /// The file of the key that seals secrets.
    pub(crate) key_file: PathBuf,
    /// Which container engine runs steps.
    pub(crate) engine_address: EngineAddress,
    /// How, its socket and owner left out.
    pub(crate) engine: EngineOptions,
    /// What is logged.
    pub(crate) log_filter: String,
    /// How it looks.
    pub(crate) log_format: LogFormat,
}

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// The address to open in a browser for one that is listened on: an unspecified host is this machine.
pub(crate) fn address_of(listen: SocketAddr) -> Url {
    let host = if listen.ip().is_unspecified() {
        std::net::IpAddr::from([127, 0, 0, 1])
    } else {
        listen.ip()
    };
    Url::parse(&format!("http://{}", SocketAddr::new(host, listen.port())))
        .expect("cannot fail because a socket address is a URL's host and port")
}

/// Checks everything and tells every mistake.
pub(crate) fn check(gathered: &Gathered) -> Result<Config, Mistakes> {
    let mut reader = Reader {
        gathered,
        mistakes: Vec::new(),
    };
    let data_directory = reader.path("data.directory");
    let listen = reader.parsed(
        "server.listen",
        "an address and port such as 127.0.0.1:8080",
    );
    let public_url_is_given = !reader.text("server.public_url").is_empty();
    let public_url = if public_url_is_given {
        reader.http_url("server.public_url")
    } else {
        address_of(listen.unwrap_or(DEFAULT_LISTEN))
    };
    let (ssh_host, ssh_port) = reader.host_and_port("bitbucket.cloud_ssh");
    let known_hosts = reader.file("bitbucket.cloud_known_hosts_file");
    let is_atlassian = ssh_host == "bitbucket.org" && ssh_port == 22;
    let cloud = CloudAddresses {
        web: reader.http_url("bitbucket.cloud_web"),
        api: reader.http_url("bitbucket.cloud_api"),
        ssh_host,
        ssh_port,
        known_hosts: known_hosts.unwrap_or_else(|| {
            if is_atlassian {
                CLOUD_KNOWN_HOSTS.to_owned()
            } else {
                String::new()
            }
        }),
    };
    let database_url = reader.text("database.url").to_owned();
    let database = if database_url.is_empty() {
        Database::Sqlite(data_directory.join("pipewright.db"))
    } else {
        reader.database("database.url")
    };
    let key_file = match reader.text("secrets.key_file") {
        "" => data_directory.join("secret.key"),
        _ => reader.path("secrets.key_file"),
    };
    let host = reader.host(&data_directory, &key_file, &database);
    let (engine_address, engine) = reader.engine();
    let server = ServerConfig {
        public_url,
        data_directory,
        cloud,
        webhooks_reach_us: reader.parsed_or("server.webhooks_reach_us", "true or false", true),
        compare_refs_every: reader.seconds("comparison.every_seconds"),
        poll_refs_every: reader.seconds("comparison.polling_every_seconds"),
        runner_slots: reader.parsed_or("runner.slots", "a whole number, 0 or more", 0),
        runner_labels: reader.labels("runner.labels"),
        session_lifetime: Duration::from_secs(86_400)
            * reader.number("server.session_days", 1, 3650),
        session_longest: Duration::from_secs(86_400)
            * reader.number("server.session_longest_days", 1, 3650),
        trusted_proxies: reader.list(
            "server.trusted_proxies",
            "addresses or ranges such as 10.0.0.7 or 10.0.0.0/8",
            |text| {
                text.parse::<ipnet::IpNet>()
                    .or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
                    .ok()
            },
        ),
        outgoing: reader.list(
            "outgoing.allow",
            "public, private, loopback, hosts, host:port or ranges",
            |text| text.parse().ok(),
        ),
        extra_ca_pem: reader.file("bitbucket.extra_ca_file"),
        delivery_body_limit: 1024
            * reader.number("server.delivery_limit_kb", 16, 1_048_576) as usize,
        log_bytes: 1_000_000 * u64::from(reader.number("runner.log_mb", 1, 1_000_000)),
        cache_bytes: 1_000_000_000 * u64::from(reader.number("runner.cache_gb", 0, 1_000_000)),
        artifact_keep: Duration::from_secs(86_400) * reader.number("artifacts.keep_days", 1, 3650),
        retention: Retention {
            builds_days: reader.number("retention.builds_days", 1, 36_500),
            builds_per_ref: reader.number("retention.builds_per_ref", 1, 1_000_000),
            logs_days: reader.number("retention.logs_days", 1, 36_500),
            bodies_days: reader.number("retention.bodies_days", 1, 36_500),
            statuses_days: reader.number("retention.statuses_days", 1, 36_500),
        },
        host,
        engine: None,
        workspace_bytes: match reader.number("host.workspace_gb", 0, 1_000_000) {
            0 => None,
            gigabytes => Some(1_000_000_000 * u64::from(gigabytes)),
        },
        stop_grace: Duration::from_secs(u64::from(reader.number(
            "runner.stop_grace_seconds",
            0,
            3600,
        ))),
        unattended: match reader.number("runner.unattended_minutes", 0, 10_080) {
            0 => None,
            minutes => Some(Duration::from_mins(u64::from(minutes))),
        },
        drain: Duration::from_secs(u64::from(reader.number("server.drain_seconds", 0, 86_400))),
        connections: reader.number("server.connections", 8, 1_000_000) as usize,
        floors: Floors {
            disk_bytes: 1_000_000
                * u64::from(reader.number("runner.min_free_disk_mb", 0, 1_000_000)),
            inodes: u64::from(reader.number("runner.min_free_inodes", 0, u32::MAX)),
            memory_bytes: 1_000_000
                * u64::from(reader.number("runner.min_free_memory_mb", 0, 1_000_000)),
            descriptors: u64::from(reader.number("runner.min_free_descriptors", 0, 1_000_000)),
        },
    };
    let git = GitLimits {
        fetch: reader.seconds("git.fetch_seconds"),
        local: reader.seconds("git.local_seconds"),
        connect: reader.seconds("git.connect_seconds"),
    };
    let log_format = match reader.text("log.format") {
        "json" => LogFormat::Json,
        "text" => LogFormat::Text,
        _ => {
            reader.mistake("log.format", "text or json");
            LogFormat::Text
        }
    };
    let log_filter = reader.text("log.filter").to_owned();
    if let Err(error) = EnvFilter::try_new(&log_filter) {
        reader.mistake(
            "log.filter",
            &format!("error, warn, info, debug, trace or module=level pairs ({error})"),
        );
    }
    let config = Config {
        server,
        listen: listen.unwrap_or(DEFAULT_LISTEN),
        public_url_is_given,
        git,
        database,
        connections: reader.number("database.connections", 2, 1000),
        migrate_without_copy: reader.parsed_or(
            "database.migrate_without_copy",
            "true or false",
            false,
        ),
        key_file,
        engine_address,
        engine,
        log_filter,
        log_format,
    };
    if reader.mistakes.is_empty() {
        Ok(config)
    } else {
        Err(Mistakes(reader.mistakes))
    }
}

/// A path that may not be there, without a way to mean another one later.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

struct Reader<'a> {
    gathered: &'a Gathered,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    /// How steps are kept apart. No step may see where the installation has its data, its key and its settings.
    fn host(&mut self, data: &Path, key_file: &Path, database: &Database) -> HostOptions {
        let isolation = match self.text("host.isolation") {
            "sandbox" => Isolation::Sandbox,
            "none" => Isolation::None,
            _ => {
                self.mistake("host.isolation", "sandbox or none");
                Isolation::Sandbox
            }
        };
        let mut hidden = vec![absolute(data), absolute(key_file)];
        hidden.extend(self.gathered.files().map(absolute));
        if let Database::Sqlite(path) = database
            && !path.as_os_str().is_empty()
        {
            for beside in ["", "-wal", "-shm"] {
                let mut name = absolute(path).into_os_string();
                name.push(beside);
                hidden.push(name.into());
            }
        }
        let paths = self.text("host.readable").split(',').map(str::trim);
        let readable: Vec<PathBuf> = paths
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .collect();
        for path in &readable {
            let why = refuse_readable(path, &hidden)
                .or_else(|| (!path.exists()).then(|| "is not there".to_owned()));
            if let Some(why) = why {
                let (_, origin) = self.gathered.get("host.readable");
                self.mistakes.push(Mistake {
                    place: origin.to_string(),
                    sentence: format!("host.readable: {} {why}", path.display()),
                });
            }
        }
        let limits = HostLimits {
            memory: match self.number("host.memory_mb", 0, 100_000_000) {
                0 => None,
                megabytes => Some(1_000_000 * u64::from(megabytes)),
            },
            processes: match self.number("host.processes", 0, 4_000_000) {
                0 => None,
                processes => Some(processes),
            },
            cpu_percent: self.hundredths("host.cpus"),
        };
        HostOptions {
            isolation,
            readable,
            hidden,
            limits,
        }
    }

    /// Which container engine runs steps, and how.
    fn engine(&mut self) -> (EngineAddress, EngineOptions) {
        let address = EngineAddress::parse(self.text("engine.address")).unwrap_or_else(|| {
            self.mistake("engine.address", EngineAddress::WORDS);
            EngineAddress::None
        });
        let mut options = EngineOptions::new(PathBuf::new(), "");
        self.text("engine.default_image")
            .clone_into(&mut options.default_image);
        if options.default_image.is_empty() {
            self.mistake("engine.default_image", "the name of an image");
        }
        match Pull::parse(self.text("engine.pull")) {
            Some(pull) => options.pull = pull,
            None => self.mistake("engine.pull", Pull::WORDS),
        }
        options.share = Share {
            memory: match self.number("engine.memory_mb", 0, 100_000_000) {
                0 => None,
                megabytes => Some(u64::from(megabytes) << 20),
            },
            cpu_percent: self.hundredths("engine.cpus"),
            processes: match self.number("engine.processes", 0, 4_000_000) {
                0 => None,
                processes => Some(processes),
            },
        };
        options.open_files = match self.number("engine.open_files", 0, 1_000_000_000) {
            0 => None,
            files => Some(files),
        };
        options.docker_service =
            Some(self.text("engine.docker_service").to_owned()).filter(|image| !image.is_empty());
        (address, options)
    }

    /// A number with at most two digits behind its point, in hundredths; `None` for zero.
    fn hundredths(&mut self, key: &str) -> Option<u32> {
        let number: Option<f64> = self.text(key).parse().ok();
        let Some(number) = number.filter(|number| (0.0..=10_000.0).contains(number)) else {
            self.mistake(key, "a number from 0 to 10000, such as 2 or 0.5");
            return None;
        };
        Some((number * 100.0).round() as u32).filter(|number| *number > 0)
    }

    /// Words between commas. On an ARM machine Bitbucket's label for it comes to them.
    fn labels(&mut self, key: &str) -> Vec<String> {
        let mut labels: Vec<String> = self
            .text(key)
            .split(',')
            .map(|label| label.trim().to_owned())
            .filter(|label| !label.is_empty())
            .collect();
        if labels.iter().any(|label| label.chars().count() > 50) {
            self.mistake(
                key,
                "labels of at most 50 characters, with commas between them",
            );
        }
        for label in USUAL_LABELS.iter().filter(|label| label.ends_with("arm64")) {
            if !labels.iter().any(|known| known == label) {
                labels.push((*label).to_owned());
            }
        }
        labels
    }

    /// Things between commas, each read by `parse`; empty for none.
    fn list<T>(&mut self, key: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let parts: Vec<Option<T>> = self
            .text(key)
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(parse)
            .collect();
        if parts.iter().any(Option::is_none) {
            self.mistake(key, wanted);
        }
        parts.into_iter().flatten().collect()
    }

    fn text(&self, key: &str) -> &'a str {
        self.gathered.get(key).0.trim()
    }

    fn mistake(&mut self, key: &str, wanted: &str) {
        let (text, origin) = self.gathered.get(key);
        // A database URL may hold a password.
        let shown = if key == "database.url" {
            "the value".to_owned()
        } else {
            format!("{text:?}")
        };
        self.mistakes.push(Mistake {
            place: origin.to_string(),
            sentence: format!("{key}: {shown} is not {wanted}"),
        });
    }

    /// Where the setting points to, seen from the working directory.
    fn path(&mut self, key: &str) -> PathBuf {
        let path = Path::new(self.text(key));
        std::path::absolute(path).unwrap_or_else(|error| {
            self.mistake(key, &format!("a path ({error})"));
            path.to_owned()
        })
    }

    fn database(&mut self, key: &str) -> Database {
        let wanted = "sqlite:PATH or postgres://…";
        match self.text(key).parse() {
            Ok(Database::Sqlite(path)) => match std::path::absolute(&path) {
                Ok(path) => return Database::Sqlite(path),
                Err(_) => self.mistake(key, wanted),
            },
            Ok(database) => return database,
            Err(_) => self.mistake(key, wanted),
        }
        Database::Sqlite(PathBuf::new())
    }

    fn parsed<T: FromStr>(&mut self, key: &str, wanted: &str) -> Option<T> {
        let parsed = self.text(key).parse().ok();
        if parsed.is_none() {
            self.mistake(key, wanted);
        }
        parsed
    }

    fn parsed_or<T: FromStr>(&mut self, key: &str, wanted: &str, otherwise: T) -> T {
        self.parsed(key, wanted).unwrap_or(otherwise)
    }

    fn number(&mut self, key: &str, least: u32, most: u32) -> u32 {
        match self.text(key).parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.mistake(key, &format!("a whole number from {least} to {most}"));
                least
            }
        }
    }

    fn seconds(&mut self, key: &str) -> Duration {
        Duration::from_secs(u64::from(self.number(key, 1, 86_400)))
    }

    fn http_url(&mut self, key: &str) -> Url {
        let url = Url::parse(self.text(key).trim_end_matches('/')).ok();
        let usable = url.filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        usable.unwrap_or_else(|| {
            self.mistake(key, "an http:// or https:// address without `?` and `#`");
            Url::parse("http://127.0.0.1").expect("cannot fail because the text is constant")
        })
    }

    fn host_and_port(&mut self, key: &str) -> (String, u16) {
        let split = self
            .text(key)
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        split
            .filter(|(host, _): &(String, u16)| !host.is_empty())
            .unwrap_or_else(|| {
                self.mistake(key, "HOST:PORT");
                (String::new(), 0)
            })
    }

    /// The contents of the file a setting names; `None` where it names none.
    fn file(&mut self, key: &str) -> Option<String> {
        let path = self.text(key);
        if path.is_empty() {
            return None;
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                self.mistake(key, &format!("a file that can be read ({error})"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::gather;
    use super::super::mistake::Mistakes;
    use super::{Config, Database, check};

    fn load(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Config, Mistakes> {
        let mut written = tempfile::NamedTempFile::new().expect("a file");
        written.write_all(file.as_bytes()).expect("writes");
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        gather(Some(written.path()), variables, &flags, Vec::new())
            .and_then(|gathered| check(&gathered))
    }

    #[test]
    fn later_layers_win() {
        let file = "[runner]\nslots = 3\n[server]\nlisten = \"127.0.0.1:1\"\n";
        let config = load(
            file,
            &[("PIPEWRIGHT_SERVER_LISTEN", "127.0.0.1:2")],
            &["server.listen=127.0.0.1:3"],
        )
        .expect("is right");
        assert_eq!((config.listen.port(), config.server.runner_slots), (3, 3));
        let config =
            load(file, &[("PIPEWRIGHT_SERVER_LISTEN", "127.0.0.1:2")], &[]).expect("is right");
        assert_eq!(config.listen.port(), 2);
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest_known_one() {
        let mistakes = load(
            "[server]\nlistne = \"x\"\n",
            &[("PIPEWRIGHT_RUNER_SLOTS", "1")],
            &["database.uri=x"],
        )
        .expect_err("three are wrong");
        let text = mistakes.to_string();
        for expected in [
            ":2:1: there is no setting server.listne; did you mean server.listen?",
            "PIPEWRIGHT_RUNNER_SLOTS",
            "database.url",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    #[test]
    fn every_wrong_value_is_told_with_its_place() {
        let file = "[server]\nlisten = \"here\"\npublic_url = \"ftp://x\"\n[runner]\nslots = -1\n[log]\nformat = \"xml\"\n";
        let mistakes =
            load(file, &[], &["bitbucket.cloud_ssh=nowhere"]).expect_err("all are wrong");
        assert_eq!(mistakes.0.len(), 5, "{mistakes}");
        assert!(
            mistakes
                .to_string()
                .contains(":5:1: runner.slots: \"-1\" is not a whole number")
        );
    }

    #[test]
    fn a_database_password_is_not_repeated() {
        let mistakes = load("", &[], &["database.url=mysql://root:hunter2@db"])
            .expect_err("MySQL is not supported");
        assert!(!mistakes.to_string().contains("hunter2"));
    }

    #[test]
    fn steps_may_not_be_shown_the_installation() {
        let set = |value: &str| format!("host.readable={value}");
        let file = "[data]\ndirectory = \"/srv/pipewright\"\n";
        let config = load(file, &[], &[&set("/usr/share, /usr/lib")]).expect("is right");
        assert_eq!(config.server.host.readable.len(), 2);
        assert!(config.server.host.hidden.len() >= 3, "data, key, file");
        for wrong in [
            "/srv",
            "/srv/pipewright/mirrors",
            "/home",
            "relative",
            "/not/there",
        ] {
            let mistakes = load(file, &[], &[&set(wrong)]).expect_err(wrong);
            assert!(
                mistakes.to_string().contains("host.readable: "),
                "{mistakes}"
            );
        }
        let flags = ["host.isolation=no", "host.cpus=many", "host.memory_mb=-1"];
        assert_eq!(load("", &[], &flags).expect_err("all wrong").0.len(), 3);
        let flags = [
            "host.isolation=none",
            "host.cpus=1.5",
            "host.memory_mb=2000",
        ];
        let host = load("", &[], &flags).expect("is right").server.host;
        assert_eq!(host.limits.cpu_percent, Some(150));
        assert_eq!(host.limits.memory, Some(2_000_000_000));
    }

    #[test]
    fn paths_are_absolute_whoever_gives_them() {
        let here = std::env::current_dir().expect("a working directory");
        let config = load("", &[], &[]).expect("the defaults");
        let data = here.join("pipewright-data");
        assert_eq!(config.server.data_directory, data);
        assert_eq!(config.key_file, data.join("secret.key"));
        assert_eq!(
            config.database,
            Database::Sqlite(data.join("pipewright.db"))
        );
        let flags = [
            "data.directory=./x",
            "secrets.key_file=keys/a",
            "database.url=sqlite:y.db",
        ];
        let config = load("", &[], &flags).expect("relative paths");
        assert_eq!(config.server.data_directory, here.join("x"));
        assert_eq!(config.key_file, here.join("keys/a"));
        assert_eq!(config.database, Database::Sqlite(here.join("y.db")));
        let nowhere = ["data.directory=", "database.url=sqlite:"];
        let mistakes = load("", &[], &nowhere).expect_err("no paths");
        assert_eq!(mistakes.0.len(), 2, "{mistakes}");
    }

    #[test]
    fn the_defaults_are_right() {
        let config = load("", &[], &[]).expect("the defaults");
        assert!(config.server.cloud.known_hosts.contains("ssh-ed25519"));
        assert_eq!(
            config.server.public("/hooks/x"),
            "http://127.0.0.1:8080/hooks/x"
        );
    }
}
