//! Putting the SSH key at Bitbucket for the person, where they asked for it: on the account of the connected user, or on
//! a repository of a Data Center. What was put there is remembered, and goes when the account disconnects.

use pipewright_bitbucket::remote::{AddedKey, KeyAccess};
use pipewright_bitbucket::{Bitbucket, RepositoryAddress};
use pipewright_core::ids::IntegrationId;
use pipewright_store::repositories::{self, Repository};
use pipewright_store::{StoreError, integrations};

use crate::app::App;
use crate::ground::address_of;

/// The name that the key has in Bitbucket's lists.
const LABEL: &str = "Pipewright";

/// What came of it. Where Bitbucket refuses, pasting the key by hand is the guaranteed way.
#[derive(Debug)]
pub(crate) struct Posted {
    /// True where the key is there now.
    pub(crate) good: bool,
    /// The sentence for the person.
    pub(crate) sentence: String,
}

impl Posted {
    fn there(sentence: impl Into<String>) -> Self {
        Self {
            good: true,
            sentence: sentence.into(),
        }
    }

    fn refused(sentence: impl Into<String>) -> Self {
        Self {
            good: false,
            sentence: sentence.into(),
        }
    }
}

/// Puts the key on the account of the connected user.
pub(super) async fn to_account(
    app: &App,
    id: IntegrationId,
    bitbucket: &Bitbucket,
) -> Result<Posted, StoreError> {
    let Some(integration) = integrations::get(&app.db, id).await? else {
        return Ok(Posted::refused("The connection no longer exists."));
    };
    if integration.key.posted_id.is_some() {
        return Ok(Posted::there(
            "The SSH key is on your account at Bitbucket.",
        ));
    }
    let added = match bitbucket.add_user_key(&integration.key.public, LABEL).await {
        Ok(added) => added,
        Err(error) => {
            return Ok(Posted::refused(format!(
                "The SSH key could not be added for you ({error}): copy it and add it by hand."
            )));
        }
    };
    let mut tx = app.db.begin().await?;
    // A key that somebody pasted is theirs to remove.
    if let AddedKey::Added(key) = &added {
        integrations::set_posted_key(&mut tx, id, Some(&key.id)).await?;
    }
    tx.commit().await?;
    Ok(Posted::there(
        "The SSH key was added to your account at Bitbucket.",
    ))
}

/// Puts the key on a repository as a key that can only read.
pub(crate) async fn to_repository(
    app: &App,
    repository: &Repository,
    bitbucket: &Bitbucket,
) -> Result<Posted, StoreError> {
    let Some(integration) = integrations::get(&app.db, repository.integration).await? else {
        return Ok(Posted::refused("The connection no longer exists."));
    };
    let address: RepositoryAddress = address_of(repository);
    let added = match bitbucket
        .add_repository_key(&address, &integration.key.public, LABEL, KeyAccess::Read)
        .await
    {
        Ok(added) => added,
        Err(error) => {
            let name = &repository.full_name;
            return Ok(Posted::refused(format!(
                "The SSH key could not be added to {name} for you ({error}): add it by hand."
            )));
        }
    };
    if let AddedKey::Added(key) = &added {
        let mut tx = app.db.begin().await?;
        repositories::set_access_key(&mut tx, repository.id, Some(&key.id)).await?;
        tx.commit().await?;
    }
    Ok(Posted::there(format!(
        "The SSH key can read {} now.",
        repository.full_name
    )))
}
