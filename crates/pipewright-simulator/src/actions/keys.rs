//! SSH keys that people register by hand.

use std::collections::BTreeMap;

use super::ActionError;
use crate::installation::Installation;
use crate::state::{KeyHolder, KeyId, ParsedKey, Permission, SshKey};

impl Installation {
    /// Adds a public key to a user's account, as pasted on the settings page.
    pub fn add_user_ssh_key(
        &self,
        user: &str,
        text: &str,
        label: &str,
    ) -> Result<KeyId, ActionError> {
        let holder = KeyHolder::User(self.user_id(user)?);
        self.add_key(text, label, holder)
    }

    /// Adds a public key to a repository: a deploy key, or an access key with a permission. A key that is an access key
    /// elsewhere serves this repository as well.
    pub fn add_access_key(
        &self,
        repository: &str,
        text: &str,
        label: &str,
        permission: Permission,
    ) -> Result<KeyId, ActionError> {
        let id = self.repository_id(repository)?;
        self.add_key(
            text,
            label,
            KeyHolder::Access {
                repositories: BTreeMap::from([(id, permission)]),
                spaces: BTreeMap::new(),
            },
        )
    }

    /// Adds a public key to a whole workspace or project.
    pub fn add_space_access_key(
        &self,
        space: &str,
        text: &str,
        label: &str,
        permission: Permission,
    ) -> Result<KeyId, ActionError> {
        let id = self.space_id(space)?;
        self.add_key(
            text,
            label,
            KeyHolder::Access {
                repositories: BTreeMap::new(),
                spaces: BTreeMap::from([(id, permission)]),
            },
        )
    }

    fn add_key(&self, text: &str, label: &str, holder: KeyHolder) -> Result<KeyId, ActionError> {
        let parsed = ParsedKey::parse(text).ok_or_else(|| ActionError::NotAKey(text.to_owned()))?;
        let now = self.clock().now();
        self.write(|tables| {
            let known = tables
                .key_by_blob(&parsed.algorithm, &parsed.base64)
                .map(|key| key.id);
            let Some(known) = known.and_then(|id| tables.keys.get_mut(&id)) else {
                return Ok(tables.add_key(parsed, label, holder, now));
            };
            match (&mut known.holder, holder) {
                (
                    KeyHolder::Access {
                        repositories,
                        spaces,
                    },
                    KeyHolder::Access {
                        repositories: more,
                        spaces: more_spaces,
                    },
                ) => {
                    repositories.extend(more);
                    spaces.extend(more_spaces);
                    Ok(known.id)
                }
                _ => Err(ActionError::KeyTaken),
            }
        })
    }

    /// The keys of a user, oldest first.
    pub fn user_ssh_keys(&self, user: &str) -> Result<Vec<SshKey>, ActionError> {
        let holder = KeyHolder::User(self.user_id(user)?);
        Ok(self.read(|tables| {
            tables
                .keys
                .values()
                .filter(|key| key.holder == holder)
                .cloned()
                .collect()
        }))
    }

    /// The access keys of a repository (not those of its workspace or project), oldest first.
    pub fn access_keys(&self, repository: &str) -> Result<Vec<SshKey>, ActionError> {
        let id = self.repository_id(repository)?;
        let of_it = |key: &&SshKey| matches!(&key.holder, KeyHolder::Access { repositories, .. } if repositories.contains_key(&id));
        Ok(self.read(|tables| tables.keys.values().filter(of_it).cloned().collect()))
    }

    /// Removes a key everywhere.
    pub fn remove_ssh_key(&self, key: KeyId) -> bool {
        self.write(|tables| tables.keys.remove(&key).is_some())
    }
}
