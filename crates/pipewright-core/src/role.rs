//! Who may do what in an account: the roles of its members and the rights each role carries.
//!
//! Connecting, building, deploying and seeing secrets are rights of their own, so that none comes along by accident.
//! Whether somebody is a member at all is the caller's question; to a non-member nothing of an account exists.

use serde::{Deserialize, Serialize};

/// What a member is in an account; each role may do what the roles after it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, also making and removing other owners.
    Owner,
    /// Everything but changing owners.
    Admin,
    /// Builds and deploys what is set up.
    Developer,
    /// Looks on.
    Viewer,
}

/// One thing that a member may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Connect and disconnect a Bitbucket, and change how it is reached.
    Connect,
    /// Make, change and delete applications, and repair their webhooks.
    ManageApplications,
    /// Start, stop and rerun builds, and redeliver deliveries.
    Build,
    /// Start deployments and roll them back.
    Deploy,
    /// Read and change secret values.
    SeeSecrets,
    /// Invite and remove members and change their roles, and read the audit log.
    ManageMembers,
    /// See the account's pages.
    View,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role; use owner, admin, developer or viewer")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: &'static [Self] = &[Self::Owner, Self::Admin, Self::Developer, Self::Viewer];

    /// The word kept in the database and shown by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Viewer => "viewer",
        }
    }

    /// The role from its word.
    pub fn parse(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| UnknownRole(word.chars().take(40).collect()))
    }

    /// True where this role carries the right.
    pub const fn may(self, right: Right) -> bool {
        match self {
            Self::Owner | Self::Admin => true,
            Self::Developer => matches!(right, Right::Build | Right::Deploy | Right::View),
            Self::Viewer => matches!(right, Right::View),
        }
    }

    /// True where a member of this role may give, change or take away `other`: only owners decide about owners.
    pub fn may_grant(self, other: Self) -> bool {
        self.may(Right::ManageMembers) && (self == Self::Owner || other != Self::Owner)
    }
}

impl Right {
    /// Every right.
    pub const ALL: &'static [Self] = &[
        Self::Connect,
        Self::ManageApplications,
        Self::Build,
        Self::Deploy,
        Self::SeeSecrets,
        Self::ManageMembers,
        Self::View,
    ];

    /// What the right allows, as a fragment that fits after "may": `connect this account to a Bitbucket`.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Connect => "connect this account to a Bitbucket or disconnect it",
            Self::ManageApplications => "make, change or delete applications",
            Self::Build => "start, stop or rerun builds",
            Self::Deploy => "deploy",
            Self::SeeSecrets => "see or change secrets",
            Self::ManageMembers => "manage members or read the audit log",
            Self::View => "see this account",
        }
    }

    /// The roles that carry the right, the mightiest first.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| role.may(self))
    }
}

impl TryFrom<String> for Role {
    type Error = UnknownRole;

    fn try_from(word: String) -> Result<Self, UnknownRole> {
        Self::parse(&word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Right, Role};

    /// Rows are rights, columns are owner, admin, developer, viewer.
    const TABLE: &[(Right, [bool; 4])] = &[
        (Right::Connect, [true, true, false, false]),
        (Right::ManageApplications, [true, true, false, false]),
        (Right::Build, [true, true, true, false]),
        (Right::Deploy, [true, true, true, false]),
        (Right::SeeSecrets, [true, true, false, false]),
        (Right::ManageMembers, [true, true, false, false]),
        (Right::View, [true, true, true, true]),
    ];

    #[test]
    fn every_role_carries_exactly_its_rights() {
        assert_eq!(TABLE.len(), Right::ALL.len(), "every right has its row");
        for (right, row) in TABLE {
            for (role, expected) in Role::ALL.iter().zip(row) {
                assert_eq!(role.may(*right), *expected, "{} × {right:?}", role.as_str());
            }
        }
    }

    #[test]
    fn only_owners_decide_about_owners() {
        assert!(Role::Owner.may_grant(Role::Owner));
        assert!(!Role::Admin.may_grant(Role::Owner));
        assert!(Role::Admin.may_grant(Role::Admin));
        assert!(!Role::Developer.may_grant(Role::Viewer));
    }

    #[test]
    fn every_role_reads_back_from_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(*role));
        }
        assert!(Role::parse("root").is_err());
    }
}
