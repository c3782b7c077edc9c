//! What tests may switch about the simulated Cloud while it runs.

/// Switches of the simulated Cloud.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct CloudSettings {
    /// Refuse webhook addresses on loopback and private networks, as the real Bitbucket does. Off, because here
    /// everything is on the loopback.
    pub refuse_private_hook_urls: bool,
    /// Let OAuth tokens with `account:write` add SSH keys to an account. Whether the real one does is not proven.
    pub ssh_keys_by_oauth: bool,
}

impl Default for CloudSettings {
    fn default() -> Self {
        Self {
            refuse_private_hook_urls: false,
            ssh_keys_by_oauth: true,
        }
    }
}
