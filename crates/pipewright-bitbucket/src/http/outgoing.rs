//! Where the server itself may connect to: the policy of outgoing addresses.
//!
//! A list of patterns says what is allowed: classes of addresses (`public`, `private`, `loopback`), ranges, hosts, and hosts
//! with a port. What a name resolves to is judged when the connection is made, so that a name which changes its mind between
//! a check and the connection gains nothing. Link-local addresses, where clouds keep their machines' credentials, are never
//! allowed, whatever the list says.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Of the internet.
    Public,
    /// Of a network of one's own (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// This machine.
    Loopback,
    /// Link-local, unspecified, multicast, or where clouds keep credentials of their machines: never connected to.
    Never,
}

impl AddressClass {
    /// The class of an address; one that carries an IPv4 address is of that one's class.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, third, _] = address.octets();
        // Alibaba's and Oracle's metadata services do not stand at a link-local address.
        let metadata = [
            Ipv4Addr::new(100, 100, 100, 200),
            Ipv4Addr::new(192, 0, 0, 192),
        ];
        if address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || first == 0
            || metadata.contains(&address)
        {
            Self::Never
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.is_private()
            || (first == 100 && (64..128).contains(&second))
            || (first == 198 && matches!(second, 18 | 19))
            || (first == 192 && second == 0 && third == 0)
            || first >= 240
        {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let carried = address.to_ipv4_mapped().or_else(|| nat64(address));
        if let Some(carried) = carried {
            return Self::of_v4(carried);
        }
        let first = address.segments()[0];
        let metadata = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
        if first & 0xffc0 == 0xfe80
            || address.is_multicast()
            || address.is_unspecified()
            || address == metadata
        {
            Self::Never
        } else if address.is_loopback() {
            Self::Loopback
        } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
            Self::Private
        } else {
            Self::Public
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Loopback => "an address of this machine",
            Self::Never => "a link-local or special address",
        }
    }
}

/// The IPv4 address behind a translator's prefix (RFC 6052).
fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let carried = (u32::from(segments[6]) << 16) | u32::from(segments[7]);
    (segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0]).then(|| Ipv4Addr::from(carried))
}

/// One thing that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Every address of a class.
    Class(AddressClass),
    /// Every address of a range, at one port or at all.
    Range(IpNet, Option<u16>),
    /// A host by its name, at one port or at all; a name that begins with a dot is every name that ends so.
    Host(String, Option<u16>),
}

/// The text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address that can be allowed; write a host, host:port, a range such as 10.20.0.0/16, or one of public, private and loopback"
)]
pub struct PatternError(pub String);

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError(text.chars().take(200).collect());
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "public" => return Ok(Self::Class(AddressClass::Public)),
            "private" => return Ok(Self::Class(AddressClass::Private)),
            "loopback" => return Ok(Self::Class(AddressClass::Loopback)),
            _ => {}
        }
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range.trunc(), None));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Range(IpNet::from(address), None));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Range(IpNet::from(address.ip()), Some(address.port())));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| error())?)),
            None => (text.as_str(), None),
        };
        let (wild, name) = match host.strip_prefix("*.") {
            Some(name) => (".", name),
            None => ("", host),
        };
        // The parser of addresses writes a name as it is asked for: in ASCII, whatever its letters were.
        match Host::parse(name) {
            Ok(Host::Domain(name)) if !name.is_empty() && port != Some(0) => {
                Ok(Self::Host(format!("{wild}{name}"), port))
            }
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(AddressClass::Public) => f.write_str("public"),
            Self::Class(AddressClass::Private) => f.write_str("private"),
            Self::Class(AddressClass::Loopback) => f.write_str("loopback"),
            Self::Class(AddressClass::Never) => f.write_str("never"),
            Self::Range(range, port) => {
                let single = range.prefix_len() == range.max_prefix_len();
                match (single, port) {
                    (true, Some(port)) => SocketAddr::new(range.addr(), *port).fmt(f),
                    (true, None) => range.addr().fmt(f),
                    (false, _) => range.fmt(f),
                }
            }
            Self::Host(name, port) => {
                if name.starts_with('.') {
                    f.write_str("*")?;
                }
                f.write_str(name)?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

/// The server may not connect there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The address is of a class that is never connected to.
    #[error("{}{} to which Pipewright never connects", at(host, address), AddressClass::Never.what())]
    Never {
        /// The host that was asked for.
        host: String,
        /// What it is, or resolves to.
        address: IpAddr,
    },
    /// The address is not on the list.
    #[error("{}{} that is not among the allowed outgoing addresses; an administrator can allow it on the page Installation, or with outgoing.allow", at(host, address), AddressClass::of(*address).what())]
    NotListed {
        /// The host that was asked for.
        host: String,
        /// What it is, or resolves to.
        address: IpAddr,
    },
    /// The host, or the host at this port, is not on the list.
    #[error(
        "{host} is not among the allowed outgoing addresses; an administrator can allow it on the page Installation, or with outgoing.allow"
    )]
    Host {
        /// Host and port.
        host: String,
    },
}

fn at(host: &str, address: &IpAddr) -> String {
    if host == address.to_string() {
        format!("{host} is ")
    } else {
        format!("{host} is at {address}, ")
    }
}

/// The policy, shared by everything that connects. A change holds from the next connection on.
#[derive(Debug)]
pub struct Outgoing {
    built_in: Vec<Pattern>,
    allowed: RwLock<Arc<Vec<Pattern>>>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Outgoing {
    /// Everything but what is never allowed. `built_in` stays allowed whatever the list becomes.
    pub fn new(built_in: Vec<Pattern>) -> Self {
        let all = [
            AddressClass::Public,
            AddressClass::Private,
            AddressClass::Loopback,
        ];
        Self {
            built_in,
            allowed: RwLock::new(Arc::new(all.map(Pattern::Class).to_vec())),
        }
    }

    /// Replaces the list.
    pub fn allow(&self, patterns: Vec<Pattern>) {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(patterns);
    }

    /// The patterns that hold now, those that always do last.
    fn patterns(&self) -> Vec<Pattern> {
        let allowed = Arc::clone(&self.allowed.read().unwrap_or_else(PoisonError::into_inner));
        allowed.iter().chain(&self.built_in).cloned().collect()
    }

    /// Judges an address as far as it can be judged before its name is resolved.
    pub fn judge_url(&self, url: &Url) -> Result<(), NotAllowed> {
        let port = url.port_or_known_default().unwrap_or_default();
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge_address(IpAddr::V4(address), port),
            Some(Host::Ipv6(address)) => self.judge_address(IpAddr::V6(address), port),
            Some(Host::Domain(name)) => self.judge_name(name, port),
            None => Err(NotAllowed::Host {
                host: url.as_str().chars().take(200).collect(),
            }),
        }
    }

    /// Judges an address that is given as such.
    fn judge_address(&self, address: IpAddr, port: u16) -> Result<(), NotAllowed> {
        let host = address.to_string();
        let class = AddressClass::of(address);
        if class == AddressClass::Never {
            return Err(NotAllowed::Never { host, address });
        }
        let fits = self.patterns().iter().any(|pattern| match pattern {
            Pattern::Class(allowed) => *allowed == class,
            Pattern::Range(range, at) => range.contains(&address) && at.is_none_or(|at| at == port),
            Pattern::Host(..) => false,
        });
        if fits {
            Ok(())
        } else {
            Err(NotAllowed::NotListed { host, address })
        }
    }

    /// Judges a name before it is resolved: one that is listed with other ports only, or that no class or range could allow.
    fn judge_name(&self, name: &str, port: u16) -> Result<(), NotAllowed> {
        let patterns = self.patterns();
        let listed: Vec<Option<u16>> = patterns
            .iter()
            .filter_map(|pattern| match pattern {
                Pattern::Host(host, at) if names(host, name) => Some(*at),
                _ => None,
            })
            .collect();
        let by_name = listed.iter().any(|at| at.is_none_or(|at| at == port));
        let by_address = listed.is_empty()
            && patterns
                .iter()
                .any(|pattern| !matches!(pattern, Pattern::Host(..)));
        if by_name || by_address {
            Ok(())
        } else {
            Err(NotAllowed::Host {
                host: format!("{name}:{port}"),
            })
        }
    }

    /// Judges one of the addresses that a name resolves to.
    fn judge_resolved(&self, name: &str, address: IpAddr) -> Result<(), NotAllowed> {
        let host = name.to_owned();
        let class = AddressClass::of(address);
        if class == AddressClass::Never {
            return Err(NotAllowed::Never { host, address });
        }
        let fits = self.patterns().iter().any(|pattern| match pattern {
            Pattern::Class(allowed) => *allowed == class,
            Pattern::Range(range, at) => at.is_none() && range.contains(&address),
            Pattern::Host(host, _) => names(host, name),
        });
        if fits {
            Ok(())
        } else {
            Err(NotAllowed::NotListed { host, address })
        }
    }

    /// Of the addresses that a name resolves to, those that may be connected to. The refusal of the first where none may.
    fn among(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotAllowed> {
        let mut refused = None;
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| match self.judge_resolved(name, address.ip()) {
                Ok(()) => true,
                Err(error) => {
                    refused.get_or_insert(error);
                    false
                }
            })
            .collect();
        match refused {
            Some(error) if allowed.is_empty() => Err(error),
            _ => Ok(allowed),
        }
    }

    /// Judges a host and port that something other than HTTP is going to connect to, by what the name resolves to now. A
    /// name that cannot be resolved passes: whoever connects says so better.
    pub async fn judge(&self, host: &str, port: u16) -> Result<(), NotAllowed> {
        self.admit(host, port).await.map(drop)
    }

    /// The addresses of a host that something other than HTTP may connect to, in the order of the system. Empty for a name
    /// that cannot be resolved.
    pub async fn admit(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, NotAllowed> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse() {
            return self.judge_address(address, port).map(|()| vec![address]);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        self.judge_name(&name, port)?;
        match tokio::net::lookup_host((name.as_str(), port)).await {
            Ok(found) => {
                let allowed = self.among(&name, found.collect())?;
                Ok(allowed.iter().map(SocketAddr::ip).collect())
            }
            Err(_) => Ok(Vec::new()),
        }
    }
}

/// True where a listed host is this name.
fn names(listed: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    match listed.strip_prefix('.') {
        Some(_) => name.len() > listed.len() && name.ends_with(listed),
        None => listed == name,
    }
}

/// Resolves names as the system does, and leaves out what may not be connected to.
#[derive(Debug)]
pub(crate) struct JudgingResolver(pub(crate) Arc<Outgoing>);

impl Resolve for JudgingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str().to_ascii_lowercase();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = policy.among(&name, found.collect())?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use url::Url;

    use super::{AddressClass, NotAllowed, Outgoing, Pattern};

    #[rstest]
    #[case("8.8.8.8", AddressClass::Public)]
    #[case("2001:4860:4860::8888", AddressClass::Public)]
    #[case("10.0.3.7", AddressClass::Private)]
    #[case("172.31.0.1", AddressClass::Private)]
    #[case("100.64.0.1", AddressClass::Private)]
    #[case("fd12::1", AddressClass::Private)]
    #[case("127.3.2.1", AddressClass::Loopback)]
    #[case("::1", AddressClass::Loopback)]
    #[case("::ffff:127.0.0.1", AddressClass::Loopback)]
    #[case("169.254.169.254", AddressClass::Never)]
    #[case("::ffff:169.254.169.254", AddressClass::Never)]
    #[case("64:ff9b::a9fe:a9fe", AddressClass::Never)]
    #[case("fe80::1", AddressClass::Never)]
    #[case("fd00:ec2::254", AddressClass::Never)]
    #[case("100.100.100.200", AddressClass::Never)]
    #[case("0.0.0.0", AddressClass::Never)]
    #[case("224.0.0.1", AddressClass::Never)]
    fn addresses_have_classes(#[case] address: &str, #[case] class: AddressClass) {
        assert_eq!(
            AddressClass::of(address.parse().expect("an address")),
            class
        );
    }

    #[rstest]
    #[case("Public", "public")]
    #[case("10.20.7.1/16", "10.20.0.0/16")]
    #[case("10.0.3.7", "10.0.3.7")]
    #[case("10.0.3.7:8080", "10.0.3.7:8080")]
    #[case("[fd12::1]:443", "[fd12::1]:443")]
    #[case("Git.Harbor.Example:7999", "git.harbor.example:7999")]
    #[case("*.harbor.example", "*.harbor.example")]
    #[case("bücher.example", "xn--bcher-kva.example")]
    fn patterns_read_back(#[case] text: &str, #[case] shown: &str) {
        let pattern: Pattern = text.parse().expect("a pattern");
        assert_eq!(pattern.to_string(), shown);
        assert_eq!(shown.parse(), Ok(pattern));
    }

    #[rstest]
    #[case("")]
    #[case("a b")]
    #[case("host:99999")]
    #[case("host:0")]
    #[case("https://host")]
    #[case("10.0.0.0/99")]
    fn what_is_no_pattern_is_refused(#[case] text: &str) {
        assert!(text.parse::<Pattern>().is_err(), "{text}");
    }

    fn policy(patterns: &[&str]) -> Outgoing {
        let policy = Outgoing::new(vec!["api.bitbucket.org:443".parse().expect("a pattern")]);
        policy.allow(
            patterns
                .iter()
                .map(|text| text.parse().expect("a pattern"))
                .collect(),
        );
        policy
    }

    fn passes(policy: &Outgoing, url: &str) -> bool {
        policy
            .judge_url(&Url::parse(url).expect("an address"))
            .is_ok()
    }

    #[test]
    fn link_local_is_refused_however_it_is_written_and_whatever_is_allowed() {
        let open = policy(&["public", "private", "loopback", "169.254.0.0/16"]);
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://0.0.0.0:7990/",
        ] {
            assert!(!passes(&open, url), "{url}");
        }
        assert!(passes(&open, "http://127.0.0.1:7990/"));
    }

    #[test]
    fn only_what_is_listed_is_allowed() {
        let narrow = policy(&["public", "10.20.0.0/16", "git.internal:443"]);
        assert!(passes(&narrow, "https://8.8.8.8/"));
        assert!(passes(&narrow, "https://10.20.1.2:9999/"));
        assert!(!passes(&narrow, "https://10.21.1.2/"));
        assert!(!passes(&narrow, "http://127.0.0.1:80/"));
        assert!(passes(&narrow, "https://git.internal/"));
        assert!(!passes(&narrow, "https://git.internal:8443/"));
        assert!(
            passes(&narrow, "https://other.example/"),
            "judged when resolved"
        );
        let names = policy(&["*.internal"]);
        assert!(passes(&names, "https://git.internal/"));
        assert!(!passes(&names, "https://internal/"));
        assert!(!passes(&names, "https://gitXinternal/"));
        assert!(passes(&names, "https://api.bitbucket.org/2.0"));
        assert!(!passes(&names, "https://api.bitbucket.org:8080/"));
    }

    #[tokio::test]
    async fn what_a_name_resolves_to_is_judged() {
        let narrow = policy(&["public"]);
        let refused = narrow
            .judge("localhost", 22)
            .await
            .expect_err("is this machine");
        assert!(matches!(refused, NotAllowed::NotListed { .. }), "{refused}");
        assert!(policy(&["loopback"]).judge("localhost", 22).await.is_ok());
        assert!(
            policy(&["localhost:22"])
                .judge("localhost", 22)
                .await
                .is_ok()
        );
        assert!(
            policy(&["localhost:22"])
                .judge("localhost", 23)
                .await
                .is_err()
        );
        assert!(narrow.judge("[::1]", 22).await.is_err());
        assert!(narrow.judge("169.254.1.1", 22).await.is_err());
    }
}
