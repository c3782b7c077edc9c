//! Rows that tests of what hangs on an integration begin with.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, UserId};

use super::{CloneVia, Identity, IntegrationKind, KeyPair, NewIntegration, insert};
use crate::db::Tx;
use crate::vault::Sealed;

const USER: crate::macros::Statement = {
    const TEXT: &str = "INSERT INTO users (id, email, name, password_hash, is_administrator, created_at) VALUES ($1, $2, $2, 'x', $3, 0)";
    crate::macros::Statement {
        name: "USER",
        sqlite: TEXT,
        postgres: TEXT,
    }
};
const ACCOUNT: crate::macros::Statement = {
    const TEXT: &str =
        "INSERT INTO accounts (id, slug, name, kind, created_at) VALUES ($1, $2, $2, 'team', 0)";
    crate::macros::Statement {
        name: "ACCOUNT",
        sqlite: TEXT,
        postgres: TEXT,
    }
};

/// A team and a user.
pub(crate) async fn an_account(tx: &mut Tx, slug: &str) -> (AccountId, UserId) {
    let (account, user) = (AccountId::new(), UserId::new());
    within!(tx, USER, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(format!("{slug}@example.com"))
        .bind(false)
        .execute(executor)
        .await
        .map(drop))
    .expect("a user");
    within!(tx, ACCOUNT, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(slug)
        .execute(executor)
        .await
        .map(drop))
    .expect("an account");
    (account, user)
}

/// A connection of the account to a Data Center of its own.
pub(crate) async fn an_integration(tx: &mut Tx, account: AccountId, user: UserId) -> IntegrationId {
    let id = IntegrationId::new();
    let new = NewIntegration {
        id,
        account,
        kind: IntegrationKind::DataCenter,
        base_url: format!("https://{id}.example.com/bitbucket"),
        identity: Identity {
            user_id: "17".to_owned(),
            user_name: "Mara Lindqvist".to_owned(),
            workspaces: vec!["FIN".to_owned(), "OPS".to_owned()],
            product_version: Some("9.4.3".to_owned()),
            capabilities: vec!["richBuildStatus".to_owned()],
            ssh_host: "bitbucket.example.com".to_owned(),
            ssh_port: 7999,
            features: Vec::new(),
        },
        key: KeyPair {
            public: "ssh-ed25519 AAAA pipewright".to_owned(),
            fingerprint: "SHA256:abc".to_owned(),
            private_sealed: Some(Sealed::from(vec![1, 2, 3])),
            made_at: Timestamp::from_seconds(5),
            posted_id: None,
        },
        clone_via: CloneVia::Ssh,
        host_key: None,
        connected_by: user,
        now: Timestamp::from_seconds(5),
    };
    insert(tx, &new).await.expect("an integration");
    id
}
