//! Copies of an SQLite database: made while it is in use, and looked at before anybody relies on them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pipewright_core::Timestamp;
use pipewright_core::ids::{ArtifactId, AttemptId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use uuid::Uuid;

use super::seen;
use crate::error::CopyError;
use crate::files::{parent, sync_directory};

/// What a database says should be there beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The last migration it has seen.
    pub schema: i64,
    /// Attempts that ended, with the bytes of their logs; those without a log are left out.
    pub logs: Vec<(AttemptId, u64)>,
    /// Artifacts whose content was not removed, with its bytes and when it may be removed.
    pub artifacts: Vec<(ArtifactId, u64, Timestamp)>,
}

/// Copies a database that may be in use, as it is at one moment, to a file that is not there yet; checks the copy, and has it
/// survive the power going. What was begun and failed is removed.
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), CopyError> {
    let copied = copy_and_check(from, to).await;
    if copied.is_err() {
        // On a full disk its space is missed.
        let _ = std::fs::remove_file(to);
    }
    copied
}

async fn copy_and_check(from: &Path, to: &Path) -> Result<(), CopyError> {
    let failed = |source| CopyError::Copy {
        from: from.display().to_string(),
        to: to.display().to_string(),
        source,
    };
    let options = SqliteConnectOptions::new()
        .filename(from)
        .busy_timeout(super::backend::WAIT);
    let mut connection = options.connect().await.map_err(failed)?;
    let seen = seen::of_sqlite(&mut connection).await.map_err(failed)?;
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(to.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await;
    // What it was opened for is done; a failure to close says nothing of the copy.
    let _ = connection.close().await;
    copied.map_err(failed)?;
    let kept = || {
        std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600))?;
        std::fs::File::open(to)?.sync_all()?;
        sync_directory(parent(to))
    };
    kept().map_err(|source| CopyError::Keep {
        path: to.display().to_string(),
        source,
    })?;
    let contents = inspect_sqlite(to).await?;
    if contents.schema >= seen {
        Ok(())
    } else {
        Err(CopyError::Damaged {
            path: to.display().to_string(),
            what: format!("it has schema {}, and the original {seen}", contents.schema),
        })
    }
}

/// Checks every page of a database that nobody uses, and lists what it says should be beside it. Nothing is written, not even
/// beside the file.
pub async fn inspect_sqlite(path: &Path) -> Result<Contents, CopyError> {
    let open = |source| CopyError::Open {
        path: path.display().to_string(),
        source,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true);
    let mut connection = options.connect().await.map_err(open)?;
    let told: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
        .fetch_all(&mut connection)
        .await
        .map_err(open)?;
    if told != ["ok"] {
        return Err(CopyError::Damaged {
            path: path.display().to_string(),
            what: told.join("; "),
        });
    }
    let contents = contents(&mut connection).await.map_err(open);
    let _ = connection.close().await;
    contents
}

async fn contents(connection: &mut SqliteConnection) -> Result<Contents, sqlx::Error> {
    let schema = seen::of_sqlite(connection).await?;
    let logs: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT id, log_bytes FROM attempts WHERE state = 'finished' AND log_bytes > 0",
    )
    .fetch_all(&mut *connection)
    .await?;
    let artifacts: Vec<(Uuid, i64, i64)> =
        sqlx::query_as("SELECT id, bytes, expires_at FROM artifacts WHERE removed_at IS NULL")
            .fetch_all(connection)
            .await?;
    Ok(Contents {
        schema,
        logs: logs
            .into_iter()
            .map(|(id, bytes)| (AttemptId::from_uuid(id), bytes.unsigned_abs()))
            .collect(),
        artifacts: artifacts
            .into_iter()
            .map(|(id, bytes, expires)| {
                let expires = Timestamp::from_micros(expires);
                (ArtifactId::from_uuid(id), bytes.unsigned_abs(), expires)
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::{CopyError, copy_sqlite, inspect_sqlite};
    use crate::db::{Database, Db, DbOptions};
    use crate::settings;

    #[tokio::test]
    async fn a_database_in_use_is_copied_as_it_is_at_one_moment() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        let open = async |path: &std::path::Path| {
            let database = Database::Sqlite(path.to_owned());
            let options = DbOptions {
                database,
                connections: 1,
            };
            Db::open(&options).await.expect("opens")
        };
        let db = open(&path).await;
        let mut tx = db.begin().await.expect("begins");
        settings::put(&mut tx, "a", b"committed", Timestamp::from_seconds(1))
            .await
            .expect("puts");
        tx.commit().await.expect("commits");
        let mut tx = db.begin().await.expect("begins");
        settings::put(&mut tx, "b", b"not yet", Timestamp::from_seconds(1))
            .await
            .expect("puts");
        let to = directory.path().join("copy.db");
        copy_sqlite(&path, &to).await.expect("copies");
        tx.commit().await.expect("commits");
        let seen = inspect_sqlite(&to).await.expect("is whole");
        assert_eq!(seen.schema, crate::db::newest_schema());
        let names: Vec<_> = std::fs::read_dir(directory.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().starts_with("copy"))
            .collect();
        assert_eq!(names, ["copy.db"], "nothing is left beside it");
        let copy = open(&to).await;
        let kept = settings::get(&copy, "a").await.expect("reads");
        assert_eq!(kept.as_deref(), Some(&b"committed"[..]));
        assert_eq!(settings::get(&copy, "b").await.expect("reads"), None);
    }

    #[tokio::test]
    async fn a_damaged_copy_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        let database = Database::Sqlite(path.clone());
        let options = DbOptions {
            database,
            connections: 1,
        };
        Db::open(&options).await.expect("opens").close().await;
        let to = directory.path().join("copy.db");
        copy_sqlite(&path, &to).await.expect("copies");
        let mut bytes = std::fs::read(&to).expect("reads");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8192].fill(0x5a);
        std::fs::write(&to, &bytes).expect("writes");
        let told = inspect_sqlite(&to).await.expect_err("is damaged");
        assert!(
            matches!(told, CopyError::Damaged { .. } | CopyError::Open { .. }),
            "{told}"
        );
        std::fs::write(&to, "no database").expect("writes");
        let told = inspect_sqlite(&to).await.expect_err("is none");
        assert!(matches!(told, CopyError::Open { .. }), "{told}");
        let (none, copy) = (
            directory.path().join("none.db"),
            directory.path().join("x.db"),
        );
        let told = copy_sqlite(&none, &copy).await;
        assert!(matches!(told, Err(CopyError::Copy { .. })), "{told:?}");
        assert!(!copy.exists());
    }
}
