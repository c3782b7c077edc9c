//! Holding a backup against its own list, and its database against the files beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use pipewright_core::Timestamp;
use pipewright_store::{
    Contents, Database, Db, DbOptions, Vault, VaultKey, inspect_sqlite, newest_schema, sealed,
};
use sha2::{Digest as _, Sha256};

use super::DATABASE;
use super::manifest::{Copied, Manifest};
use super::sink::Hashing;
use super::source;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// Files that were read.
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// When it was made, and by which version.
    pub(crate) made: String,
    /// Why it cannot be relied on, whole sentences.
    pub(crate) problems: Vec<String>,
    /// What is worth knowing and no problem.
    pub(crate) notes: Vec<String>,
}

/// Reads the whole backup. With a key, every stored secret is opened as well.
pub(crate) async fn verify(
    from: &Path,
    key: Option<&VaultKey>,
    now: Timestamp,
) -> anyhow::Result<Verified> {
    let place = tempfile::tempdir().context("a temporary directory cannot be made; set TMPDIR")?;
    let mut seen = HashMap::new();
    let mut database = None;
    let manifest = source::read(from, &mut |name, content| {
        let mut content = Hashing {
            source: content,
            hash: Sha256::new(),
            bytes: 0,
        };
        if name == DATABASE {
            // Looked into below; an archive's cannot be opened in its place.
            let path = place.path().join(DATABASE);
            io::copy(&mut content, &mut File::create(&path)?).context(
                "the database cannot be unpacked; set TMPDIR to a place with enough space",
            )?;
            database = Some(path);
        } else {
            io::copy(&mut content, &mut io::sink())
                .with_context(|| format!("{name} cannot be read"))?;
        }
        let copied = Copied {
            name: name.to_owned(),
            bytes: content.bytes,
            sha256: hex::encode(content.hash.finalize()),
        };
        seen.insert(name.to_owned(), copied);
        Ok(())
    })?;
    let mut verified = Verified {
        files: seen.len(),
        bytes: seen.values().map(|file| file.bytes).sum(),
        made: format!("{} by Pipewright {}", manifest.made_at, manifest.version),
        ..Verified::default()
    };
    compare(&manifest, &seen, &mut verified);
    match database {
        Some(path) => look_into(path, &seen, key, now, &mut verified).await?,
        None if manifest.holds_database => {
            verified
                .problems
                .push("The database is missing.".to_owned());
        }
        None => verified.notes.push(
            "It holds no database: yours is in the PostgreSQL server's own backup.".to_owned(),
        ),
    }
    Ok(verified)
}

fn compare(manifest: &Manifest, seen: &HashMap<String, Copied>, verified: &mut Verified) {
    for file in &manifest.files {
        match seen.get(&file.name) {
            None => verified
                .problems
                .push(format!("{} is listed but missing.", file.name)),
            Some(found) if found.bytes != file.bytes => verified.problems.push(format!(
                "{} has {} bytes and should have {}.",
                file.name, found.bytes, file.bytes
            )),
            Some(found) if found.sha256 != file.sha256 => verified
                .problems
                .push(format!("{} has changed since it was copied.", file.name)),
            Some(_) => {}
        }
    }
}

async fn look_into(
    path: PathBuf,
    seen: &HashMap<String, Copied>,
    key: Option<&VaultKey>,
    now: Timestamp,
    verified: &mut Verified,
) -> anyhow::Result<()> {
    let contents = match inspect_sqlite(&path).await {
        Ok(contents) => contents,
        Err(error) => {
            let error = anyhow::Error::new(error);
            verified.problems.push(format!("{error:#}."));
            return Ok(());
        }
    };
    if contents.schema > newest_schema() {
        verified.problems.push(format!(
            "The database has schema {}, and this Pipewright knows {}: restore it with the version that made it.",
            contents.schema,
            newest_schema()
        ));
        return Ok(());
    }
    beside(&contents, seen, now, verified);
    let Some(key) = key else {
        verified.notes.push(
            "The key was not tested: add --key FILE to try it on every stored secret.".to_owned(),
        );
        return Ok(());
    };
    // A copy of the copy: an older schema may be brought to this one here.
    let db = Db::open(&DbOptions {
        database: Database::Sqlite(path),
        connections: 1,
    })
    .await?;
    let all = sealed::open_all(&db, &Vault::new(key)).await?;
    db.close().await;
    if all.refused.is_empty() {
        verified
            .notes
            .push(format!("The key opens all {} stored secrets.", all.opened));
    } else {
        verified.problems.push(format!(
            "The key does not open {} of {} stored secrets.",
            all.refused.len(),
            all.refused.len() + all.opened
        ));
    }
    Ok(())
}

/// What the database speaks of must be there.
fn beside(
    contents: &Contents,
    seen: &HashMap<String, Copied>,
    now: Timestamp,
    verified: &mut Verified,
) {
    let length = |name: &str| seen.get(name).map(|file| file.bytes);
    for (attempt, bytes) in &contents.logs {
        let id = attempt.to_string();
        let name = format!("logs/{}/{id}.log", &id[id.len() - 2..]);
        match length(&name) {
            Some(found) if found >= *bytes => {}
            Some(found) => verified.problems.push(format!(
                "{name} has {found} bytes, and the database says {bytes}."
            )),
            None => verified
                .problems
                .push(format!("The log {name} is missing.")),
        }
    }
    let mut removed = 0;
    for (artifact, bytes, expires) in &contents.artifacts {
        let id = artifact.to_string();
        let name = format!("artifacts/{}/{id}", &id[id.len() - 2..]);
        match length(&name) {
            Some(found) if found == *bytes => {}
            Some(found) => verified.problems.push(format!(
                "{name} has {found} bytes, and the database says {bytes}."
            )),
            // It went while the backup was made, because its time was over.
            None if *expires <= now => removed += 1,
            None => verified
                .problems
                .push(format!("The artifact {name} is missing.")),
        }
    }
    if removed > 0 {
        verified.notes.push(format!(
            "{removed} artifact{} whose time is over {} not in it.",
            if removed == 1 { "" } else { "s" },
            if removed == 1 { "is" } else { "are" }
        ));
    }
}
