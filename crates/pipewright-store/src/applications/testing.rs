//! Rows that tests of what hangs on an application begin with.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, RepositoryId, UserId};

use super::{NewApplication, Rules, Watch, insert};
use crate::db::Tx;

/// An application that builds every push.
pub(crate) async fn an_application(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
    repository: RepositoryId,
    slug: &str,
) -> ApplicationId {
    let id = ApplicationId::new();
    let rules = Rules {
        auto_build: true,
        pushes: true,
        pull_requests: true,
        tags: false,
        branches: Vec::new(),
        cancel_superseded: false,
    };
    let new = NewApplication {
        id,
        account,
        repository,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        rules,
        watch: Watch::Webhook,
        created_by: user,
    };
    assert!(
        insert(tx, &new, Timestamp::from_seconds(20))
            .await
            .expect("an application")
    );
    id
}
