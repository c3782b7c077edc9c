//! Everything that is sealed with the operator's key: what it is sealed for, whether a key opens it, and the change to another
//! key.
//!
//! A new sealed column is added to `COLUMNS`; a test compares them with the schema. A value sealed with the key alone, the key
//! check, is kept beside them, so that a wrong key is known before anything is begun with it, also where nothing else is
//! sealed yet.

use pipewright_core::{Secret, Timestamp};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::macros::Statement;
use crate::settings;
use crate::vault::{Sealed, Vault};

/// The setting that is sealed for no other purpose than to be opened.
const CHECK: &str = "secrets.check";

/// What the key check holds.
const CHECK_TEXT: &str = "pipewright";

/// Rows that are read at a time.
const PAGE: i64 = 500;

/// What values are sealed for. The text is part of what is sealed and never changes.
pub mod purpose {
    use std::fmt::Write as _;

    use pipewright_core::ids::{
        ApplicationId, BuildId, CredentialId, IntegrationId, OidcKeyId, VariableId, WebhookId,
    };

    /// The setting that holds Bitbucket Cloud's consumer; sealed for its own name.
    pub const CLOUD_CONSUMER: &str = "bitbucket_cloud.consumer";

    /// A credential's parts.
    pub fn credential(id: CredentialId) -> String {
        format!("credentials.secret:{id}")
    }

    /// The private half of an integration's SSH key.
    pub fn ssh_private_key(id: IntegrationId) -> String {
        format!("integrations.ssh_private_key:{id}")
    }

    /// The private half of the key that an application's steps sign in with.
    pub fn application_key(id: ApplicationId) -> String {
        format!("application_keys.private_key:{id}")
    }

    /// What step tokens are signed with.
    pub fn oidc_key(id: OidcKeyId) -> String {
        format!("oidc_keys.private_key:{id}")
    }

    /// What a webhook's deliveries are signed with.
    pub fn webhook(id: WebhookId) -> String {
        format!("webhooks.secret:{id}")
    }

    /// A variable's value.
    pub fn variable(id: VariableId) -> String {
        format!("variables.value:{id}")
    }

    /// A value that a step of a build hands on under this name.
    pub fn output_variable(build: BuildId, name: &str) -> String {
        format!("output_variables.value:{build}:{name}")
    }

    /// The verifier of an authorization that is under way.
    pub fn verifier(state_hash: &[u8]) -> String {
        let mut text = String::from("oauth_flows.verifier:");
        for byte in state_hash {
            write!(text, "{byte:02x}").expect("cannot fail because a String takes everything");
        }
        text
    }
}

statements! {
    CREDENTIALS = same(
        "SELECT id, secret_sealed FROM credentials WHERE id > $1 ORDER BY id LIMIT $2"
    );
    SEAL_CREDENTIAL = same("UPDATE credentials SET secret_sealed = $2 WHERE id = $1");
    SSH_KEYS = same(
        "SELECT id, ssh_private_key_sealed FROM integrations
         WHERE id > $1 AND ssh_private_key_sealed IS NOT NULL ORDER BY id LIMIT $2"
    );
    SEAL_SSH_KEY = same("UPDATE integrations SET ssh_private_key_sealed = $2 WHERE id = $1");
    APPLICATION_KEYS = same(
        "SELECT application_id, private_key_sealed FROM application_keys
         WHERE application_id > $1 ORDER BY application_id LIMIT $2"
    );
    SEAL_APPLICATION_KEY = same("UPDATE application_keys SET private_key_sealed = $2 WHERE application_id = $1");
    OIDC_KEYS = same("SELECT id, private_key_sealed FROM oidc_keys WHERE id > $1 ORDER BY id LIMIT $2");
    SEAL_OIDC_KEY = same("UPDATE oidc_keys SET private_key_sealed = $2 WHERE id = $1");
    WEBHOOKS = same("SELECT id, secret_sealed FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2");
    SEAL_WEBHOOK = same("UPDATE webhooks SET secret_sealed = $2 WHERE id = $1");
    VARIABLES = same("SELECT id, value_sealed FROM variables WHERE id > $1 ORDER BY id LIMIT $2");
    SEAL_VARIABLE = same("UPDATE variables SET value_sealed = $2 WHERE id = $1");
    VERIFIERS = same(
        "SELECT state_hash, verifier_sealed FROM oauth_flows WHERE state_hash > $1 ORDER BY state_hash LIMIT $2"
    );
    SEAL_VERIFIER = same("UPDATE oauth_flows SET verifier_sealed = $2 WHERE state_hash = $1");
    OUTPUTS = same(
        "SELECT step_id, name, build_id, value_sealed FROM output_variables
         WHERE value_sealed IS NOT NULL AND (step_id > $1 OR (step_id = $1 AND name > $2)) ORDER BY step_id, name LIMIT $3"
    );
    SEAL_OUTPUT = same("UPDATE output_variables SET value_sealed = $3 WHERE step_id = $1 AND name = $2");
    SETTINGS = same(
        "SELECT name, value FROM settings
         WHERE name > $1 AND name IN ('bitbucket_cloud.consumer', 'secrets.check') ORDER BY name LIMIT $2"
    );
    SEAL_SETTING = same("UPDATE settings SET value = $2 WHERE name = $1");
}

/// What a row is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Id,
    Hash,
    Name,
    Output,
}

/// The key of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RowKey {
    Id(Uuid),
    Hash(Vec<u8>),
    Name(String),
    /// A variable that a step handed on.
    Output {
        step: Uuid,
        name: String,
        build: Uuid,
    },
}

impl RowKey {
    fn id(&self) -> Uuid {
        match self {
            Self::Id(id) | Self::Output { step: id, .. } => *id,
            Self::Hash(_) | Self::Name(_) => Uuid::nil(),
        }
    }

    fn hash(&self) -> &[u8] {
        match self {
            Self::Hash(hash) => hash,
            Self::Id(_) | Self::Name(_) | Self::Output { .. } => &[],
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Output { name, .. } => name,
            Self::Id(_) | Self::Hash(_) => "",
        }
    }

    fn build(&self) -> Uuid {
        match self {
            Self::Output { build, .. } => *build,
            Self::Id(_) | Self::Hash(_) | Self::Name(_) => Uuid::nil(),
        }
    }
}

/// One column that holds sealed values.
struct Column {
    /// `table.column`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the schema in a test")
    )]
    name: &'static str,
    nature: Nature,
    rows: Statement,
    write: Statement,
    purpose: fn(&RowKey) -> String,
}

const COLUMNS: &[Column] = &[
    Column {
        name: "credentials.secret_sealed",
        nature: Nature::Id,
        rows: CREDENTIALS,
        write: SEAL_CREDENTIAL,
        purpose: |key| purpose::credential(key.id().into()),
    },
    Column {
        name: "integrations.ssh_private_key_sealed",
        nature: Nature::Id,
        rows: SSH_KEYS,
        write: SEAL_SSH_KEY,
        purpose: |key| purpose::ssh_private_key(key.id().into()),
    },
    Column {
        name: "application_keys.private_key_sealed",
        nature: Nature::Id,
        rows: APPLICATION_KEYS,
        write: SEAL_APPLICATION_KEY,
        purpose: |key| purpose::application_key(key.id().into()),
    },
    Column {
        name: "oidc_keys.private_key_sealed",
        nature: Nature::Id,
        rows: OIDC_KEYS,
        write: SEAL_OIDC_KEY,
        purpose: |key| purpose::oidc_key(key.id().into()),
    },
    Column {
        name: "webhooks.secret_sealed",
        nature: Nature::Id,
        rows: WEBHOOKS,
        write: SEAL_WEBHOOK,
        purpose: |key| purpose::webhook(key.id().into()),
    },
    Column {
        name: "variables.value_sealed",
        nature: Nature::Id,
        rows: VARIABLES,
        write: SEAL_VARIABLE,
        purpose: |key| purpose::variable(key.id().into()),
    },
    Column {
        name: "oauth_flows.verifier_sealed",
        nature: Nature::Hash,
        rows: VERIFIERS,
        write: SEAL_VERIFIER,
        purpose: |key| purpose::verifier(key.hash()),
    },
    Column {
        name: "output_variables.value_sealed",
        nature: Nature::Output,
        rows: OUTPUTS,
        write: SEAL_OUTPUT,
        purpose: |key| purpose::output_variable(key.build().into(), key.name()),
    },
    // Its values are sealed where their names say so, for their names.
    Column {
        name: "settings.value",
        nature: Nature::Name,
        rows: SETTINGS,
        write: SEAL_SETTING,
        purpose: |key| key.name().to_owned(),
    },
];

/// The next rows of a column, read with `read!` from a database or with `within!` from a transaction.
macro_rules! page {
    ($run:ident, $source:expr, $column:expr, $after:expr, $limit:expr) => {{
        let (column, limit): (&Column, i64) = ($column, $limit);
        let after: Option<&RowKey> = $after;
        match column.nature {
            Nature::Id => {
                let after = after.map_or(Uuid::nil(), RowKey::id);
                let rows: Vec<(Uuid, Vec<u8>)> =
                    $run!($source, column.rows, |executor, sql| sqlx::query_as(sql)
                        .bind(after)
                        .bind(limit)
                        .fetch_all(executor)
                        .await)
                    .map_err(StoreError::from)?;
                keyed(rows, RowKey::Id)
            }
            Nature::Hash => {
                let after = after.map_or(&[][..], RowKey::hash);
                let rows: Vec<(Vec<u8>, Vec<u8>)> =
                    $run!($source, column.rows, |executor, sql| sqlx::query_as(sql)
                        .bind(after)
                        .bind(limit)
                        .fetch_all(executor)
                        .await)
                    .map_err(StoreError::from)?;
                keyed(rows, RowKey::Hash)
            }
            Nature::Name => {
                let after = after.map_or("", RowKey::name);
                let rows: Vec<(String, Vec<u8>)> =
                    $run!($source, column.rows, |executor, sql| sqlx::query_as(sql)
                        .bind(after)
                        .bind(limit)
                        .fetch_all(executor)
                        .await)
                    .map_err(StoreError::from)?;
                keyed(rows, RowKey::Name)
            }
            Nature::Output => {
                let (step, name) = after.map_or((Uuid::nil(), ""), |key| (key.id(), key.name()));
                let rows: Vec<(Uuid, String, Uuid, Vec<u8>)> =
                    $run!($source, column.rows, |executor, sql| sqlx::query_as(sql)
                        .bind(step)
                        .bind(name)
                        .bind(limit)
                        .fetch_all(executor)
                        .await)
                    .map_err(StoreError::from)?;
                rows.into_iter()
                    .map(|(step, name, build, sealed)| {
                        (RowKey::Output { step, name, build }, Sealed::from(sealed))
                    })
                    .collect()
            }
        }
    }};
}

/// The key cannot be used with this database.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// Another key sealed what is stored.
    #[error(
        "the key does not open what this database holds: it was sealed with another key. Put the right key back, from the copy that was kept apart from the data"
    )]
    WrongKey,
    /// One value does not open although the key is the right one.
    #[error(
        "the stored secret {0} does not open; nothing was changed. Restore the database from a backup, or remove what it belongs to"
    )]
    Damaged(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a key opens of everything that is stored.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Opened {
    /// How many values it opens.
    pub opened: usize,
    /// What the others were sealed for.
    pub refused: Vec<String>,
}

/// True where something is sealed, so that a new key would make it unreadable.
pub async fn is_key_needed(db: &Db) -> Result<bool, StoreError> {
    for column in COLUMNS {
        if !page!(read, db, column, None, 1).is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the vault's key is this database's. Cheap: the key check is opened, and in a database that has none yet the first
/// value of each column, after which it gets one.
pub async fn check(db: &Db, vault: &Vault, now: Timestamp) -> Result<(), SealedError> {
    if let Some(check) = settings::get(db, CHECK).await? {
        let opened = vault.open(&Sealed::from(check), CHECK);
        return opened.map(drop).map_err(|_| SealedError::WrongKey);
    }
    let mut seen = Opened::default();
    for column in COLUMNS {
        let rows = page!(read, db, column, None, 1);
        seen.add(column, &rows, vault);
    }
    if seen.opened == 0 && !seen.refused.is_empty() {
        return Err(SealedError::WrongKey);
    }
    let sealed = vault.seal(&Secret::new(CHECK_TEXT), CHECK);
    let mut tx = db.begin().await?;
    settings::put(&mut tx, CHECK, sealed.as_bytes(), now).await?;
    tx.commit().await?;
    Ok(())
}

/// Opens every sealed value.
pub async fn open_all(db: &Db, vault: &Vault) -> Result<Opened, StoreError> {
    let mut seen = Opened::default();
    for column in COLUMNS {
        let mut after = None;
        loop {
            let rows = page!(read, db, column, after.as_ref(), PAGE);
            seen.add(column, &rows, vault);
            match rows.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => break,
            }
        }
    }
    Ok(seen)
}

/// Seals everything anew with another key, in the caller's transaction. Answers how many values.
pub async fn seal_all_anew(tx: &mut Tx, old: &Vault, new: &Vault) -> Result<usize, SealedError> {
    let mut count = 0;
    for column in COLUMNS {
        let mut after = None;
        loop {
            let rows = page!(within, tx, column, after.as_ref(), PAGE);
            for (key, sealed) in &rows {
                let purpose = (column.purpose)(key);
                let secret = old
                    .open(sealed, &purpose)
                    .map_err(|_| SealedError::Damaged(purpose.clone()))?;
                write(tx, column, key, &new.seal(&secret, &purpose)).await?;
                count += 1;
            }
            match rows.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => break,
            }
        }
    }
    Ok(count)
}

async fn write(
    tx: &mut Tx,
    column: &Column,
    key: &RowKey,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    match key {
        RowKey::Id(id) => within!(tx, column.write, |executor, sql| sqlx::query(sql)
            .bind(*id)
            .bind(sealed.as_bytes())
            .execute(executor)
            .await
            .map(drop))?,
        RowKey::Hash(hash) => within!(tx, column.write, |executor, sql| sqlx::query(sql)
            .bind(hash.as_slice())
            .bind(sealed.as_bytes())
            .execute(executor)
            .await
            .map(drop))?,
        RowKey::Name(name) => within!(tx, column.write, |executor, sql| sqlx::query(sql)
            .bind(name.as_str())
            .bind(sealed.as_bytes())
            .execute(executor)
            .await
            .map(drop))?,
        RowKey::Output { step, name, .. } => within!(tx, column.write, |executor, sql| {
            sqlx::query(sql)
                .bind(*step)
                .bind(name.as_str())
                .bind(sealed.as_bytes())
                .execute(executor)
                .await
                .map(drop)
        })?,
    }
    Ok(())
}

fn keyed<K>(rows: Vec<(K, Vec<u8>)>, key: fn(K) -> RowKey) -> Vec<(RowKey, Sealed)> {
    rows.into_iter()
        .map(|(name, sealed)| (key(name), Sealed::from(sealed)))
        .collect()
}

impl Opened {
    fn add(&mut self, column: &Column, rows: &[(RowKey, Sealed)], vault: &Vault) {
        for (key, sealed) in rows {
            let purpose = (column.purpose)(key);
            match vault.open(sealed, &purpose) {
                Ok(_) => self.opened += 1,
                Err(_) => self.refused.push(purpose),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipewright_core::ids::CredentialId;
    use pipewright_core::{Secret, Timestamp};

    use super::{COLUMNS, RowKey, SealedError, purpose};
    use crate::credentials::{CredentialKind, NewCredential, of_integration, replace};
    use crate::db::{Backend, Db};
    use crate::integrations::testing::{an_account, an_integration};
    use crate::settings;
    use crate::testing::on_each_database;
    use crate::vault::{Vault, VaultKey};

    async fn sealed_columns(db: &Db) -> BTreeSet<String> {
        let rows: Vec<(String, String)> = match db.backend() {
            Backend::Sqlite { reader, .. } => sqlx::query_as(
                "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND c.name LIKE '%sealed'",
            )
            .fetch_all(reader)
            .await
            .expect("reads"),
            Backend::Postgres(pool) => sqlx::query_as(
                "SELECT table_name::text, column_name::text FROM information_schema.columns
                 WHERE table_schema = current_schema() AND column_name LIKE '%sealed'",
            )
            .fetch_all(pool)
            .await
            .expect("reads"),
        };
        rows.into_iter()
            .map(|(table, column)| format!("{table}.{column}"))
            .collect()
    }

    #[test]
    fn every_sealed_column_of_the_schema_is_known_here() {
        on_each_database(async |db| {
            let known: BTreeSet<String> = COLUMNS
                .iter()
                .map(|column| column.name.to_owned())
                .filter(|name| name != "settings.value")
                .collect();
            assert_eq!(known, sealed_columns(&db).await);
        });
    }

    #[test]
    fn a_wrong_key_is_known_and_a_changed_key_opens_everything() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(1);
            let (old, new) = (VaultKey::generate(), VaultKey::generate());
            let (old, new) = (Vault::new(&old), Vault::new(&new));
            assert!(!super::is_key_needed(&db).await.expect("reads"));
            // As a version without the key check left it.
            let id = CredentialId::new();
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            let credential = NewCredential {
                id,
                integration,
                kind: CredentialKind::OAuth,
                secret: old.seal(&Secret::new("token"), &purpose::credential(id)),
                scopes: Vec::new(),
                expires_at: None,
            };
            replace(&mut tx, &credential, now).await.expect("stores");
            let consumer = old.seal(&Secret::new("{}"), purpose::CLOUD_CONSUMER);
            settings::put(&mut tx, purpose::CLOUD_CONSUMER, consumer.as_bytes(), now)
                .await
                .expect("puts");
            // What the helper stored was never sealed.
            let key = RowKey::Id(integration.as_uuid());
            let sealed = old.seal(&Secret::new("key"), &purpose::ssh_private_key(integration));
            super::write(&mut tx, &COLUMNS[1], &key, &sealed)
                .await
                .expect("stores");
            tx.commit().await.expect("commits");
            assert!(super::is_key_needed(&db).await.expect("reads"));
            let wrong = super::check(&db, &new, now).await;
            assert!(matches!(wrong, Err(SealedError::WrongKey)), "{wrong:?}");
            super::check(&db, &old, now).await.expect("is the key");
            let wrong = super::check(&db, &new, now).await;
            assert!(matches!(wrong, Err(SealedError::WrongKey)), "{wrong:?}");

            let mut tx = db.begin().await.expect("begins");
            let count = super::seal_all_anew(&mut tx, &old, &new)
                .await
                .expect("seals");
            tx.rollback().await.expect("gives it up");
            assert_eq!(count, 4, "credential, SSH key, consumer, key check");
            super::check(&db, &old, now)
                .await
                .expect("nothing was changed");
            let mut tx = db.begin().await.expect("begins");
            super::seal_all_anew(&mut tx, &old, &new)
                .await
                .expect("seals");
            tx.commit().await.expect("commits");
            super::check(&db, &new, now).await.expect("is the key now");
            let all = super::open_all(&db, &new).await.expect("reads");
            assert_eq!((all.opened, all.refused.len()), (4, 0), "{all:?}");
            let all = super::open_all(&db, &old).await.expect("reads");
            assert_eq!((all.opened, all.refused.len()), (0, 4), "{all:?}");
            let stored = of_integration(&db, integration)
                .await
                .expect("reads")
                .expect("is there");
            let opened = new.open(&stored.secret, &purpose::credential(id));
            assert_eq!(opened.expect("opens").expose(), "token");
        });
    }
}
