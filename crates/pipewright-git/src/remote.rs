//! The URL of a repository, taken apart once.
//!
//! A parsed URL has one of four transports, a host that cannot be read as an option, no user secret, and no control
//! character. Everything later (header scope, SSH connection, protocol allow-list) reads the parts, never the text.

use std::fmt;
use std::str::FromStr;

/// The text is not a URL we fetch from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not an address git can fetch from: {reason}; connect the repository again")]
pub struct RemoteUrlError {
    /// What was given, without anything before an `@`, cut to 200 characters.
    pub url: String,
    /// Which rule it breaks.
    pub reason: &'static str,
}

/// How to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// OpenSSH.
    Ssh {
        /// The user to sign in as; `git` on Bitbucket Cloud, set by the administrator on Data Center.
        user: String,
        /// Host name or address, an IPv6 address without its brackets.
        host: String,
        /// The port; 22 where the URL names none.
        port: u16,
    },
    /// HTTP or HTTPS.
    Http {
        /// `scheme://host[:port]/`, the scope of a credential's header.
        origin: String,
        /// `host` or `host:port`.
        host: String,
    },
    /// A directory on this machine.
    File,
}

/// A checked repository URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    text: String,
    transport: Transport,
}

impl RemoteUrl {
    /// The URL as git takes it; it holds no secret.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How to get there.
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Host and port to connect to, an IPv6 address without its brackets; none for a directory.
    pub(crate) fn place(&self) -> Option<(&str, u16)> {
        match &self.transport {
            Transport::Ssh { host, port, .. } => Some((host, *port)),
            Transport::Http { origin, host } => {
                let usual = if origin.starts_with("https:") {
                    443
                } else {
                    80
                };
                // What was parsed once is parsed alike.
                let (host, port) = split_port(host).ok()?;
                Some((host.trim_matches(['[', ']']), port.unwrap_or(usual)))
            }
            Transport::File => None,
        }
    }

    /// Host and port for people; the URL itself for a directory.
    pub fn host(&self) -> String {
        match &self.transport {
            Transport::Ssh { host, port, .. } => format!("{host}:{port}"),
            Transport::Http { host, .. } => host.clone(),
            Transport::File => self.text.clone(),
        }
    }
}

impl FromStr for RemoteUrl {
    type Err = RemoteUrlError;

    fn from_str(text: &str) -> Result<Self, RemoteUrlError> {
        let shown: String = text
            .rsplit('@')
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        parse(text)
            .map(|transport| Self {
                text: text.to_owned(),
                transport,
            })
            .map_err(|reason| RemoteUrlError { url: shown, reason })
    }
}

fn parse(text: &str) -> Result<Transport, &'static str> {
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err("it contains a space or a control character");
    }
    if text.starts_with('/') {
        return Ok(Transport::File);
    }
    let (scheme, rest) = text
        .split_once("://")
        .ok_or("it does not begin with ssh://, https:// or http://")?;
    if scheme == "file" {
        return if rest.starts_with('/') {
            Ok(Transport::File)
        } else {
            Err("a file:// address needs an absolute path")
        };
    }
    let (authority, path) = rest
        .split_once('/')
        .ok_or("it names no repository after the host")?;
    if path.is_empty() {
        return Err("it names no repository after the host");
    }
    let (user, host_port) = match authority.rsplit_once('@') {
        Some((user, host_port)) => (Some(user), host_port),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err("it contains a password");
    }
    let (host, port) = split_port(host_port)?;
    match scheme {
        "ssh" => {
            let user = user.unwrap_or("git");
            if user.is_empty()
                || user.starts_with('-')
                || !user
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
            {
                return Err("its user name has an unusual character");
            }
            Ok(Transport::Ssh {
                user: user.to_owned(),
                host: host.trim_matches(['[', ']']).to_owned(),
                port: port.unwrap_or(22),
            })
        }
        "https" | "http" if user.is_some() => Err("an HTTP address must not contain a user"),
        "https" | "http" => Ok(Transport::Http {
            origin: format!("{scheme}://{host_port}/"),
            host: host_port.to_owned(),
        }),
        _ => Err("it does not begin with ssh://, https:// or http://"),
    }
}

/// Splits `host[:port]` or `[v6]:port` and checks both.
fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let end = if text.starts_with('[') {
        text.find(']').ok_or("its bracket is not closed")? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(end);
    let plain = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let right = match plain {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.starts_with('-') && host.chars().all(allowed),
    };
    if !right {
        return Err("its host is not a host name or address");
    }
    let port = match rest.strip_prefix(':') {
        None | Some("") => None,
        Some(digits) => Some(
            digits
                .parse()
                .map_err(|_| "its port is not a number from 1 to 65535")?,
        ),
    };
    if port == Some(0) {
        Err("its port is not a number from 1 to 65535")
    } else {
        Ok((host, port))
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{RemoteUrl, Transport};

    fn parsed(text: &str) -> Transport {
        text.parse::<RemoteUrl>()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .transport()
            .clone()
    }

    #[test]
    fn the_forms_bitbucket_gives_are_taken_apart() {
        let ssh = |user: &str, host: &str, port| Transport::Ssh {
            user: user.to_owned(),
            host: host.to_owned(),
            port,
        };
        assert_eq!(
            parsed("ssh://git@bitbucket.org/team/repo.git"),
            ssh("git", "bitbucket.org", 22)
        );
        assert_eq!(
            parsed("ssh://git@127.0.0.1:7999/~mia/repo.git"),
            ssh("git", "127.0.0.1", 7999)
        );
        assert_eq!(
            parsed("ssh://stash@[::1]:7999/p/r.git"),
            ssh("stash", "::1", 7999)
        );
        let http = Transport::Http {
            origin: "https://host:8443/".to_owned(),
            host: "host:8443".to_owned(),
        };
        assert_eq!(parsed("https://host:8443/context/scm/p/r.git"), http);
        for (url, place) in [
            ("https://host:8443/scm/p/r.git", Some(("host", 8443))),
            ("https://host/p/r.git", Some(("host", 443))),
            ("http://[::1]/p/r.git", Some(("::1", 80))),
            ("ssh://git@host/p/r.git", Some(("host", 22))),
            ("/tmp/r.git", None),
        ] {
            let parsed: RemoteUrl = url.parse().expect("a URL");
            assert_eq!(parsed.place(), place, "{url}");
        }
        assert_eq!(parsed("file:///tmp/r.git"), Transport::File);
    }

    #[test]
    fn what_could_become_an_option_or_leak_is_refused() {
        for wrong in [
            "ssh://-oProxyCommand=x/r.git",
            "ssh://git@-oX/r.git",
            "ssh://-x@host/r.git",
            "https://u:p@host/r.git",
            "https://u@host/r.git",
            "ext::sh -c x",
            "git://host/r.git",
            "ssh://host",
            "https://host/",
            "ssh://host:0/r",
            "ssh://host:99999/r",
            "ssh://[::1/r",
            "https://ho st/r",
            "-x",
            "",
            "host:r.git",
        ] {
            assert!(wrong.parse::<RemoteUrl>().is_err(), "{wrong:?} is refused");
        }
        let error = "https://user:hunter2@host/r.git"
            .parse::<RemoteUrl>()
            .expect_err("a password is refused");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
