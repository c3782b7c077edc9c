//! Where a repository is found at its Bitbucket.

use pipewright_bitbucket::RepositoryAddress;
use pipewright_store::repositories::Repository;

/// The address in the form that survives renames: by UUID on Cloud, by key and slug on Data Center.
pub(crate) fn address_of(repository: &Repository) -> RepositoryAddress {
    let by_id = repository.remote_id.starts_with('{') && repository.owner_id.starts_with('{');
    RepositoryAddress {
        remote_id: repository.remote_id.clone(),
        space: if by_id {
            repository.owner_id.clone()
        } else {
            repository.owner.clone()
        },
        slug: repository.slug.clone(),
    }
}
