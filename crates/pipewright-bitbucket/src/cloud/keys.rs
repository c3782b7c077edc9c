//! SSH keys: of the connected person (opt-in, needs `account:write`) and of one repository (needs `repository:admin`).

use reqwest::Method;
use serde_json::json;

use super::CloudClient;
use super::client::repository_path;
use super::wire::{DeployKey, SshKey};
use crate::http::{ApiError, Request, encode_path_part};
use crate::remote::{AddedKey, RemoteKey, RepositoryAddress};

impl CloudClient {
    /// The SSH keys of the account behind the credential. Needs `account`.
    pub async fn user_keys(&self) -> Result<Vec<RemoteKey>, ApiError> {
        let path = self.user_keys_path().await?;
        self.user_keys_at(&path).await
    }

    /// Adds the key to the account behind the credential, unless it is there. Needs `account:write`; a key that is in use
    /// elsewhere at Bitbucket is refused as [`ApiError::Invalid`].
    pub async fn add_user_key(&self, public_key: &str, label: &str) -> Result<AddedKey, ApiError> {
        let path = self.user_keys_path().await?;
        if let Some(key) = self
            .user_keys_at(&path)
            .await?
            .into_iter()
            .find(|key| key.is_key(public_key))
        {
            return Ok(AddedKey::AlreadyThere(key));
        }
        let doing = "adding the SSH key to the connected account";
        let request = Request::new(Method::POST, self.url(&path, &[], doing)?, doing)
            .json(&json!({ "key": public_key, "label": label }));
        let key: SshKey = self.send(request).await?.decode()?;
        user_key(key)
            .map(AddedKey::Added)
            .ok_or_else(|| no_id(doing))
    }

    /// Removes a key from the account behind the credential; it is no error if it is gone.
    pub async fn remove_user_key(&self, id: &str) -> Result<(), ApiError> {
        let path = format!("{}/{}", self.user_keys_path().await?, encode_path_part(id));
        self.delete_quietly(&path, "removing the SSH key from the connected account")
            .await
    }

    async fn user_keys_path(&self) -> Result<String, ApiError> {
        let user = self.current_user().await?;
        Ok(format!("/users/{}/ssh-keys", encode_path_part(&user.id)))
    }

    async fn user_keys_at(&self, path: &str) -> Result<Vec<RemoteKey>, ApiError> {
        let keys: Vec<SshKey> = self
            .list(path, &[], "reading the SSH keys of the connected account")
            .await?;
        Ok(keys.into_iter().filter_map(user_key).collect())
    }

    /// The deploy keys of a repository. Needs `repository` and `repository:admin`.
    pub async fn deploy_keys(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<RemoteKey>, ApiError> {
        let doing = format!("reading the access keys of {}", address.slug);
        let keys: Vec<DeployKey> = self
            .list(
                &format!("{}/deploy-keys", repository_path(address)),
                &[],
                &doing,
            )
            .await?;
        Ok(keys.into_iter().filter_map(deploy_key).collect())
    }

    /// Adds a key that can read one repository, unless it is there. Changing the OAuth consumer afterwards makes Bitbucket
    /// drop keys made through it.
    pub async fn add_deploy_key(
        &self,
        address: &RepositoryAddress,
        public_key: &str,
        label: &str,
    ) -> Result<AddedKey, ApiError> {
        if let Some(key) = self
            .deploy_keys(address)
            .await?
            .into_iter()
            .find(|key| key.is_key(public_key))
        {
            return Ok(AddedKey::AlreadyThere(key));
        }
        let doing = format!("adding the access key to {}", address.slug);
        let url = self.url(
            &format!("{}/deploy-keys", repository_path(address)),
            &[],
            &doing,
        )?;
        let request = Request::new(Method::POST, url, doing.clone())
            .json(&json!({ "key": public_key, "label": label }));
        let key: DeployKey = self.send(request).await?.decode()?;
        deploy_key(key)
            .map(AddedKey::Added)
            .ok_or_else(|| no_id(&doing))
    }

    /// Removes a key from a repository; it is no error if it is gone.
    pub async fn remove_deploy_key(
        &self,
        address: &RepositoryAddress,
        id: &str,
    ) -> Result<(), ApiError> {
        let path = format!(
            "{}/deploy-keys/{}",
            repository_path(address),
            encode_path_part(id)
        );
        self.delete_quietly(
            &path,
            &format!("removing the access key from {}", address.slug),
        )
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

fn user_key(key: SshKey) -> Option<RemoteKey> {
    Some(RemoteKey {
        id: key.uuid?,
        label: key.label.unwrap_or_default(),
        text: key.key.unwrap_or_default(),
    })
}

fn deploy_key(key: DeployKey) -> Option<RemoteKey> {
    Some(RemoteKey {
        id: key.id?.to_string(),
        label: key.label.unwrap_or_default(),
        text: key.key.unwrap_or_default(),
    })
}

fn no_id(doing: &str) -> ApiError {
    ApiError::NotBitbucket {
        doing: doing.to_owned(),
        detail: "the key has no id".to_owned(),
    }
}
