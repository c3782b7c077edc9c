//! Who we are, which spaces and repositories there are.

use super::Bitbucket;
use crate::cloud;
use crate::datacenter;
use crate::http::ApiError;
use crate::remote::{RemoteRepository, RemoteUser, RepositoryAddress, Space};

impl Bitbucket {
    /// The account behind the credential.
    pub async fn current_user(&self) -> Result<RemoteUser, ApiError> {
        match self {
            Self::Cloud(client) => client.current_user().await,
            Self::DataCenter(client) => client.current_user().await,
        }
    }

    /// The workspaces or projects of the account, with their names.
    pub async fn spaces(&self) -> Result<Vec<Space>, ApiError> {
        match self {
            Self::Cloud(client) => client.workspaces().await,
            Self::DataCenter(client) => client.projects().await,
        }
    }

    /// Lists all repositories of the account, a page at a time, so that each page can be stored before the next is asked
    /// for. No repository comes twice.
    pub fn list_repositories(&self) -> RepositoryPages {
        match self {
            Self::Cloud(client) => {
                RepositoryPages(Pages::Cloud(cloud::RepositoryPager::new(client.clone())))
            }
            Self::DataCenter(client) => RepositoryPages(Pages::DataCenter(
                datacenter::RepositoryPager::new(client.clone()),
            )),
        }
    }

    /// One repository, with what the account may do there.
    pub async fn repository(
        &self,
        address: &RepositoryAddress,
    ) -> Result<RemoteRepository, ApiError> {
        match self {
            Self::Cloud(client) => client.repository(address).await,
            Self::DataCenter(client) => client.repository(address).await,
        }
    }

    /// Finds a repository that is no longer at its address by its lasting id. On Cloud the id is the address, so this is
    /// the same as [`Self::repository`]; on Data Center the list is searched.
    pub async fn find_moved_repository(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Option<RemoteRepository>, ApiError> {
        match self {
            Self::Cloud(client) => match client.repository(address).await {
                Ok(repository) => Ok(Some(repository)),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            },
            Self::DataCenter(client) => client.repository_by_id(&address.remote_id).await,
        }
    }
}

#[derive(Debug)]
enum Pages {
    Cloud(cloud::RepositoryPager),
    DataCenter(datacenter::RepositoryPager),
}

/// The pages of [`Bitbucket::list_repositories`].
#[derive(Debug)]
pub struct RepositoryPages(Pages);

impl RepositoryPages {
    /// The next page, possibly empty; none at the end. After an error the list cannot be continued.
    pub async fn next(&mut self) -> Result<Option<Vec<RemoteRepository>>, ApiError> {
        match &mut self.0 {
            Pages::Cloud(pages) => pages.next().await,
            Pages::DataCenter(pages) => pages.next().await,
        }
    }
}
