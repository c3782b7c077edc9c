//! What an administrator of the simulated server has set, and tests may change while it runs.

use std::sync::{Mutex, MutexGuard};

use super::version::Version;

/// Whether a password (or anything else after `Basic `) is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum BasicAuthentication {
    /// As the version does it out of the box: 10.x refuses.
    #[default]
    ByVersion,
    /// Allowed, whatever the version.
    Allowed,
    /// Refused, whatever the version.
    Refused,
}

/// The rate limit: a token bucket per user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Requests that may come at once.
    pub(super) capacity: u32,
    /// Requests given back per second.
    pub(super) fill_rate: u32,
}

/// The values themselves.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) version: Version,
    pub(super) display_name: String,
    pub(super) basic: BasicAuthentication,
    /// Users whose Basic authentication passes although it is refused otherwise.
    pub(super) basic_allowed_users: Vec<String>,
    /// Failed passwords after which a CAPTCHA is asked for; 0 switches it off.
    pub(super) captcha_after: u32,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) access_keys_enabled: bool,
    pub(super) ssh_enabled: bool,
    /// Whether an HTTP access token may add a user's SSH key; not known of the real product.
    pub(super) tokens_add_user_keys: bool,
    /// Whether answers name the signed-in user in a header; a proxy in front may remove it.
    pub(super) names_users: bool,
    /// Most rows of one page.
    pub(super) page_max: usize,
    /// Most changed files that are ever told; there is no way to the rest.
    pub(super) changes_max: usize,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            version: Version::default(),
            display_name: "Bitbucket".to_owned(),
            basic: BasicAuthentication::ByVersion,
            basic_allowed_users: Vec::new(),
            captcha_after: 5,
            rate_limit: None,
            access_keys_enabled: true,
            ssh_enabled: true,
            tokens_add_user_keys: false,
            names_users: true,
            page_max: 1000,
            changes_max: 1000,
        }
    }
}

impl Values {
    /// Whether `Basic` is refused for everybody but the allowed users.
    pub(super) fn refuses_basic(&self) -> bool {
        match self.basic {
            BasicAuthentication::ByVersion => self.version.refuses_basic(),
            BasicAuthentication::Allowed => false,
            BasicAuthentication::Refused => true,
        }
    }
}

/// The settings of one server, shared by its routes and its webhooks.
#[derive(Debug, Default)]
pub(crate) struct Settings(Mutex<Values>);

impl Settings {
    pub(crate) fn with_version(version: Version) -> Self {
        Self(Mutex::new(Values {
            version,
            ..Values::default()
        }))
    }

    /// Locks the values for a few lines.
    pub(super) fn values(&self) -> MutexGuard<'_, Values> {
        self.0.lock().expect("cannot fail because no holder panics")
    }

    pub(super) fn version(&self) -> Version {
        self.values().version
    }
}
