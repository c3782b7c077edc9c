//! Rights of the installation: who may make accounts, and who may connect a Bitbucket. Both let a person run programs on the
//! machines of the installation, so an administrator gives them: to everybody by a rule, or to one user.

use pipewright_core::Timestamp;
use pipewright_store::sessions::SessionUser;
use pipewright_store::users::User;
use pipewright_store::{Db, StoreError, Tx, settings};

/// The setting of who may make accounts.
const ACCOUNTS: &str = "installation.accounts";
/// The setting of who may connect a Bitbucket.
const CONNECTIONS: &str = "installation.connections";

/// To whom a right is given without being given to them by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rule {
    /// Administrators, and whoever was given it.
    #[default]
    Administrators,
    /// Everybody: every user may make accounts; whoever is owner or admin of an account may connect it.
    Everybody,
}

impl Rule {
    /// The word that is stored and that forms send.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::Everybody => "everybody",
        }
    }

    /// The rule of a word; what is none is the careful one.
    pub(crate) fn parse(word: &[u8]) -> Self {
        if word == Self::Everybody.as_str().as_bytes() {
            Self::Everybody
        } else {
            Self::Administrators
        }
    }
}

/// The installation's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rules {
    /// Who may make accounts.
    pub(crate) accounts: Rule,
    /// Who may connect a Bitbucket.
    pub(crate) connections: Rule,
}

impl Rules {
    /// The rules as they are stored.
    pub(crate) async fn load(db: &Db) -> Result<Self, StoreError> {
        Ok(Self::of(
            settings::get(db, ACCOUNTS).await?.as_deref(),
            settings::get(db, CONNECTIONS).await?.as_deref(),
        ))
    }

    fn of(accounts: Option<&[u8]>, connections: Option<&[u8]>) -> Self {
        Self {
            accounts: accounts.map(Rule::parse).unwrap_or_default(),
            connections: connections.map(Rule::parse).unwrap_or_default(),
        }
    }

    /// Stores the rules.
    pub(crate) async fn save(self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        settings::put(tx, ACCOUNTS, self.accounts.as_str().as_bytes(), now).await?;
        settings::put(tx, CONNECTIONS, self.connections.as_str().as_bytes(), now).await
    }
}

/// What a user may do in the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InstallationRights {
    /// Make accounts.
    pub(crate) make_accounts: bool,
    /// Connect a Bitbucket, in accounts where their role allows it.
    pub(crate) connect: bool,
}

impl InstallationRights {
    /// Of this user, under these rules.
    pub(crate) fn of(user: &User, rules: Rules) -> Self {
        Self {
            make_accounts: user.is_administrator
                || user.may_make_accounts
                || rules.accounts == Rule::Everybody,
            connect: user.is_administrator
                || user.may_connect
                || rules.connections == Rule::Everybody,
        }
    }

    /// Of whoever a session belongs to.
    pub(crate) fn of_session(found: &SessionUser) -> Self {
        let rules = Rules::of(
            found.accounts_rule.as_deref(),
            found.connections_rule.as_deref(),
        );
        Self::of(&found.user, rules)
    }
}

/// The sentence for whoever may not make accounts.
pub(crate) const NO_ACCOUNTS: &str = "Only administrators of this installation, and users whom they allowed to, may make accounts. Ask an administrator.";

/// The sentence for whoever may not connect a Bitbucket.
pub(crate) const NO_CONNECTIONS: &str = "Only administrators of this installation, and users whom they allowed to, may connect a Bitbucket. Ask an administrator.";
