//! Rows that tests of what hangs on a repository begin with.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, RepositoryId};

use super::{SeenRepository, remember};
use crate::db::Tx;

/// A repository as a list shows it, from `owner/slug`.
pub(crate) fn seen(full_name: &str) -> SeenRepository {
    let (owner, slug) = full_name.split_once('/').expect("owner/slug");
    SeenRepository {
        remote_id: full_name.to_owned(),
        owner_id: owner.to_owned(),
        owner: owner.to_owned(),
        owner_name: owner.to_uppercase(),
        project_key: None,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        full_name: full_name.to_owned(),
        is_private: true,
        can_administer: Some(true),
        default_branch: Some("main".to_owned()),
        ssh_url: Some(format!("ssh://git@example.com/{full_name}.git")),
        http_url: Some(format!("https://example.com/{full_name}.git")),
        web_url: format!("https://example.com/{full_name}"),
        remote_updated_at: None,
    }
}

/// A repository that an integration sees.
pub(crate) async fn a_repository(
    tx: &mut Tx,
    account: AccountId,
    integration: IntegrationId,
    full_name: &str,
) -> RepositoryId {
    remember(
        tx,
        account,
        integration,
        &seen(full_name),
        Timestamp::from_seconds(10),
    )
    .await
    .expect("a repository")
}
