//! Which addresses Bitbucket Cloud takes in a status.

use url::{Host, Url};

/// Longest address that either product takes.
const MAX_URL: usize = 450;

/// Why a status cannot carry our address, in a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusUrlProblem {
    /// Cloud wants a dot in the host name, or an IP address.
    #[error(
        "Bitbucket Cloud refuses links to {0:?}, because the name has no dot; set server.public_url to a full host name or an IP address"
    )]
    HostWithoutDot(String),
    /// Only web addresses can be shown.
    #[error("Bitbucket shows only http and https links; set server.public_url to one")]
    NotHttp,
    /// Too long.
    #[error(
        "the link is longer than the {MAX_URL} characters that Bitbucket accepts; choose a shorter public address for Pipewright"
    )]
    TooLong,
}

/// What Cloud would object to, if anything.
pub(crate) fn cloud_url_problem(url: &Url) -> Option<StatusUrlProblem> {
    match url.host() {
        _ if !matches!(url.scheme(), "http" | "https") => Some(StatusUrlProblem::NotHttp),
        _ if url.as_str().len() > MAX_URL => Some(StatusUrlProblem::TooLong),
        Some(Host::Domain(name)) if !name.trim_end_matches('.').contains('.') => {
            Some(StatusUrlProblem::HostWithoutDot(name.to_owned()))
        }
        _ => None,
    }
}

/// What Data Center would object to, if anything: it takes any host.
pub(crate) fn datacenter_url_problem(url: &Url) -> Option<StatusUrlProblem> {
    cloud_url_problem(url).filter(|problem| !matches!(problem, StatusUrlProblem::HostWithoutDot(_)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{StatusUrlProblem, cloud_url_problem, datacenter_url_problem};

    #[rstest]
    #[case("https://ci.example.com/builds/1", true)]
    #[case("http://10.1.2.3:8080/builds/1", true)]
    #[case("http://[::1]:8080/builds/1", true)]
    #[case("http://localhost:8080/builds/1", false)]
    #[case("https://ci/builds/1", false)]
    #[case("https://ci./builds/1", false)]
    #[case("ftp://ci.example.com/", false)]
    fn cloud_takes_full_names_and_addresses_only(#[case] url: &str, #[case] taken: bool) {
        assert_eq!(
            cloud_url_problem(&url.parse().expect("an address")).is_none(),
            taken
        );
    }

    #[test]
    fn data_center_takes_any_host_but_no_endless_link() {
        assert_eq!(
            datacenter_url_problem(&"http://ci/builds/1".parse().expect("an address")),
            None
        );
        let long = format!("http://ci/{}", "x".repeat(450))
            .parse()
            .expect("an address");
        assert_eq!(
            datacenter_url_problem(&long),
            Some(StatusUrlProblem::TooLong)
        );
    }
}
