//! SSH keys: on one repository, and on the connected person's account.

use super::Bitbucket;
use crate::http::ApiError;
use crate::remote::{AddedKey, KeyAccess, RepositoryAddress};

impl Bitbucket {
    /// Puts a key on one repository, unless it is there. Cloud's can only read; asked for more, nothing is added.
    pub async fn add_repository_key(
        &self,
        address: &RepositoryAddress,
        public_key: &str,
        label: &str,
        access: KeyAccess,
    ) -> Result<AddedKey, ApiError> {
        match self {
            Self::Cloud(_) if access == KeyAccess::Write => Err(ApiError::BadRequest {
                doing: format!("adding the access key to {}", address.slug),
                detail: "access keys of Bitbucket Cloud can only read; add the key to a person's account to let builds push".to_owned(),
            }),
            Self::Cloud(client) => client.add_deploy_key(address, public_key, label).await,
            Self::DataCenter(client) => client.add_access_key(address, public_key, label, access).await,
        }
    }

    /// Takes a key away from one repository; it is no error if it is gone.
    pub async fn remove_repository_key(
        &self,
        address: &RepositoryAddress,
        id: &str,
    ) -> Result<(), ApiError> {
        match self {
            Self::Cloud(client) => client.remove_deploy_key(address, id).await,
            Self::DataCenter(client) => client.remove_access_key(address, id).await,
        }
    }

    /// Puts a key on the account behind the credential, unless it is there.
    pub async fn add_user_key(&self, public_key: &str, label: &str) -> Result<AddedKey, ApiError> {
        match self {
            Self::Cloud(client) => client.add_user_key(public_key, label).await,
            Self::DataCenter(client) => client.add_user_key(public_key, label).await,
        }
    }

    /// Takes one key away from the account behind the credential; it is no error if it is gone.
    pub async fn remove_user_key(&self, id: &str) -> Result<(), ApiError> {
        match self {
            Self::Cloud(client) => client.remove_user_key(id).await,
            Self::DataCenter(client) => client.remove_user_key(id).await,
        }
    }
}
