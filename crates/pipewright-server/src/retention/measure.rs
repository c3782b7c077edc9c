//! Measures what applications take: rows by the database, mirrors and caches on this machine's disk.

use std::path::Path;

use pipewright_store::storage;

use crate::app::App;

/// Measures every application, one after another.
pub(super) async fn measure(app: &App) -> anyhow::Result<()> {
    for (application, repository) in storage::applications(&app.db).await? {
        let mut sizes = storage::measure(&app.db, application, repository).await?;
        let (caches, scope) = (app.caches.clone(), application.to_string());
        let mirror = app.mirrors.path(repository);
        let (cache_bytes, mirror_bytes) = tokio::task::spawn_blocking(move || {
            let kept: u64 = caches.list(&scope).iter().map(|cache| cache.bytes).sum();
            (kept, bytes_below(&mirror))
        })
        .await?;
        sizes.cache_bytes = i64::try_from(cache_bytes).unwrap_or(i64::MAX);
        sizes.mirror_bytes = i64::try_from(mirror_bytes).unwrap_or(i64::MAX);
        let mut tx = app.db.begin().await?;
        // One that was deleted meanwhile has no row to keep it with.
        match storage::set(&mut tx, application, &sizes, app.clock.now()).await {
            Ok(()) => tx.commit().await?,
            Err(error) => {
                tracing::debug!(%application, %error, "sizes of an application cannot be kept");
                tx.rollback().await?;
            }
        }
    }
    Ok(())
}

/// Bytes of the files below a directory; what cannot be looked at counts nothing. Links are not followed.
fn bytes_below(directory: &Path) -> u64 {
    let mut bytes = 0;
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                open.push(entry.path());
            } else {
                bytes += about.len();
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::bytes_below;

    #[test]
    fn files_are_counted_however_deep() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(directory.path().join("a/b")).expect("directories");
        std::fs::write(directory.path().join("a/b/c"), [0; 10]).expect("a file");
        std::fs::write(directory.path().join("d"), [0; 5]).expect("a file");
        assert_eq!(bytes_below(directory.path()), 15);
        assert_eq!(bytes_below(&directory.path().join("gone")), 0);
    }
}
