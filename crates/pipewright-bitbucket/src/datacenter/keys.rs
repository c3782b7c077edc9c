//! SSH keys: access keys of one repository (the default) and keys of the connected user.

use reqwest::Method;
use serde_json::json;

use super::DataCenterClient;
use super::client::repository_path;
use super::wire::{AccessKey, SshKey};
use crate::http::{ApiError, Request, encode_path_part};
use crate::remote::{AddedKey, KeyAccess, RemoteKey, RepositoryAddress};

impl DataCenterClient {
    /// The access keys of a repository itself (not those of its project).
    pub async fn access_keys(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<RemoteKey>, ApiError> {
        let doing = format!(
            "reading the access keys of {}/{}",
            address.space, address.slug
        );
        let keys: Vec<AccessKey> = self
            .list(
                &format!("{}/ssh", repository_path("/keys/1.0", address)),
                &[],
                &doing,
            )
            .await?;
        Ok(keys
            .into_iter()
            .filter_map(|key| remote_key(key.key))
            .collect())
    }

    /// Adds an access key to a repository, unless it is there. A key on a person's account is refused as a conflict: one key
    /// is either a user's or an access key.
    pub async fn add_access_key(
        &self,
        address: &RepositoryAddress,
        public_key: &str,
        label: &str,
        access: KeyAccess,
    ) -> Result<AddedKey, ApiError> {
        if let Some(key) = self
            .access_keys(address)
            .await?
            .into_iter()
            .find(|key| key.is_key(public_key))
        {
            return Ok(AddedKey::AlreadyThere(key));
        }
        let doing = format!(
            "adding the access key to {}/{}",
            address.space, address.slug
        );
        let permission = match access {
            KeyAccess::Read => "REPO_READ",
            KeyAccess::Write => "REPO_WRITE",
        };
        let url = self.url(
            &format!("{}/ssh", repository_path("/keys/1.0", address)),
            &[],
            &doing,
        )?;
        let body =
            json!({ "key": { "text": public_key, "label": label }, "permission": permission });
        let key: AccessKey = self
            .send(Request::new(Method::POST, url, doing.clone()).json(&body))
            .await?
            .decode()?;
        remote_key(key.key)
            .map(AddedKey::Added)
            .ok_or_else(|| no_id(&doing))
    }

    /// Takes an access key away from a repository; it is no error if it is gone. Other repositories keep it.
    pub async fn remove_access_key(
        &self,
        address: &RepositoryAddress,
        id: &str,
    ) -> Result<(), ApiError> {
        let path = format!(
            "{}/ssh/{}",
            repository_path("/keys/1.0", address),
            encode_path_part(id)
        );
        self.delete_quietly(
            &path,
            &format!(
                "removing the access key from {}/{}",
                address.space, address.slug
            ),
        )
        .await
    }

    /// The SSH keys of the account behind the credential.
    pub async fn user_keys(&self) -> Result<Vec<RemoteKey>, ApiError> {
        let keys: Vec<SshKey> = self
            .list(
                "/ssh/1.0/keys",
                &[],
                "reading the SSH keys of the connected account",
            )
            .await?;
        Ok(keys.into_iter().filter_map(remote_key).collect())
    }

    /// Adds the key to the account behind the credential, unless it is there.
    pub async fn add_user_key(&self, public_key: &str, label: &str) -> Result<AddedKey, ApiError> {
        if let Some(key) = self
            .user_keys()
            .await?
            .into_iter()
            .find(|key| key.is_key(public_key))
        {
            return Ok(AddedKey::AlreadyThere(key));
        }
        let doing = "adding the SSH key to the connected account";
        let request = Request::new(Method::POST, self.url("/ssh/1.0/keys", &[], doing)?, doing)
            .json(&json!({ "text": public_key, "label": label }));
        let key: SshKey = self.send(request).await?.decode()?;
        remote_key(key)
            .map(AddedKey::Added)
            .ok_or_else(|| no_id(doing))
    }

    /// Removes one key from the account behind the credential; it is no error if it is gone. The call without an id would
    /// remove every key of the account, so an id that is not a number is never sent.
    pub async fn remove_user_key(&self, id: &str) -> Result<(), ApiError> {
        let doing = "removing the SSH key from the connected account";
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ApiError::BadRequest {
                doing: doing.to_owned(),
                detail: format!("{id:?} is not the number of a key"),
            });
        }
        self.delete_quietly(&format!("/ssh/1.0/keys/{id}"), doing)
            .await
    }

    async fn delete_quietly(&self, path: &str, doing: &str) -> Result<(), ApiError> {
        match self
            .send(Request::new(
                Method::DELETE,
                self.url(path, &[], doing)?,
                doing,
            ))
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn remote_key(key: SshKey) -> Option<RemoteKey> {
    Some(RemoteKey {
        id: key.id?.to_string(),
        label: key.label.unwrap_or_default(),
        text: key.text.unwrap_or_default(),
    })
}

fn no_id(doing: &str) -> ApiError {
    ApiError::NotBitbucket {
        doing: doing.to_owned(),
        detail: "the key has no id".to_owned(),
    }
}
