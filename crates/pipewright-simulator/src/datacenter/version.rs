//! What the configured product version changes.
//!
//! Every question that the rest of the module asks about a version is a method here, with the source of the answer.
//! Where a first version is not known, the oldest capture that shows the behaviour decides, rounded to a line that
//! customers ran (7.21, 8.9, 8.19, 9.4, 10.x).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A Bitbucket Data Center version such as `9.4.24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a version; write it like 9.4.24")]
pub struct VersionError(String);

impl Default for Version {
    /// The long-term support release that most customers run.
    fn default() -> Self {
        Self::new(9, 4, 24)
    }
}

impl Version {
    /// A version from its three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    fn at_least(self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// `buildNumber` of application-properties.
    pub(super) fn build_number(self) -> String {
        format!("{}{:03}{:03}", self.major, self.minor, self.patch)
    }

    /// 10.0 refuses Basic authentication unless the administrator allows it.
    pub(super) fn refuses_basic(self) -> bool {
        self.at_least(10, 0)
    }

    /// 7.4 brought statuses that belong to a repository.
    pub(super) fn has_rich_statuses(self) -> bool {
        self.at_least(7, 4)
    }

    /// 7.14 brought reading one rich status back.
    pub(super) fn reads_rich_status(self) -> bool {
        self.at_least(7, 14)
    }

    /// `cancelledStatus`: absent from the 7.x capture, present in the 9.4 document.
    pub(super) fn has_cancelled(self) -> bool {
        self.at_least(8, 0)
    }

    /// 9.x tells project and repository in the answer of a rich status.
    pub(super) fn names_repository_in_status(self) -> bool {
        self.at_least(9, 0)
    }

    /// 8.0 brought `archived`.
    pub(super) fn has_archived(self) -> bool {
        self.at_least(8, 0)
    }

    /// `hierarchyId` is missing in the captures of 2019 and there in those of 2020.
    pub(super) fn has_hierarchy(self) -> bool {
        self.at_least(7, 0)
    }

    /// Draft pull requests; sources name 8.5 and 8.18.
    pub(super) fn has_drafts(self) -> bool {
        self.at_least(8, 18)
    }

    /// 5.x payloads carry no `links`.
    pub(super) fn links_in_payloads(self) -> bool {
        self.at_least(6, 0)
    }

    /// `commits` and `toCommit` of a push are in the captures from 2024 on, never in those of 7.x.
    pub(super) fn commits_in_pushes(self) -> bool {
        self.at_least(8, 0)
    }

    /// `fromRef.type` is missing in the 7.x capture and there in those of 2025.
    pub(super) fn types_pull_request_refs(self) -> bool {
        self.at_least(8, 0)
    }

    /// 10.x payloads carry ISO-8601 strings for the dates of commits and pull requests.
    pub(super) fn iso_dates_in_payloads(self) -> bool {
        self.at_least(10, 0)
    }

    /// Webhooks of projects are documented from 8.10 on.
    pub(super) fn has_project_webhooks(self) -> bool {
        self.at_least(8, 10)
    }

    /// 7.0 brought the event of new commits on a pull request.
    pub(super) fn has_from_ref_updated(self) -> bool {
        self.at_least(7, 0)
    }

    /// `GET {repository}/default-branch`; older servers know `branches/default` only.
    pub(super) fn has_default_branch_resource(self) -> bool {
        self.at_least(7, 5)
    }

    /// How HTTP access tokens begin. Present ones carry a prefix; the first version that did is not known, so 9.0 stands for it.
    pub(super) fn token_prefix(self) -> &'static str {
        if self.at_least(9, 0) { "BBDC-" } else { "" }
    }

    /// 8.8 shows algorithm, fingerprint and dates of a key.
    pub(super) fn describes_keys(self) -> bool {
        self.at_least(8, 8)
    }

    /// From 9.x the content type names its character set.
    pub(super) fn content_type(self) -> &'static str {
        if self.at_least(9, 0) {
            "application/json;charset=UTF-8"
        } else {
            "application/json"
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || VersionError(text.to_owned());
        let mut numbers = text
            .split('.')
            .map(|part| part.parse::<u32>().map_err(|_| refuse()));
        let major = numbers.next().ok_or_else(refuse)??;
        let minor = numbers.next().transpose()?.unwrap_or(0);
        let patch = numbers.next().transpose()?.unwrap_or(0);
        if numbers.next().is_some() {
            Err(refuse())
        } else {
            Ok(Self {
                major,
                minor,
                patch,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_versions() {
        assert_eq!("9.4.24".parse(), Ok(Version::default()));
        assert_eq!(
            "10.2".parse::<Version>().map(|version| version.to_string()),
            Ok("10.2.0".to_owned())
        );
        for wrong in ["", "nine", "9.x", "1.2.3.4"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
        assert_eq!(Version::new(9, 4, 24).build_number(), "9004024");
    }

    #[test]
    fn compares_lines_not_digits() {
        assert!(Version::new(10, 2, 6).refuses_basic());
        assert!(!Version::new(9, 6, 0).refuses_basic());
        assert!(!Version::new(7, 3, 9).has_rich_statuses());
    }
}
