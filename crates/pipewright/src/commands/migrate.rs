//! `pipewright migrate`: bring the database to this version's schema, or say what that would do.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use pipewright_store::{
    Database, Db, DbOptions, Permissions, Standing, migration_copy, newest_schema,
};

use super::Configuration;
use super::serve::take;

/// What `--help` says of how it is used.
pub(super) const EXAMPLES: &str = "\
Examples:
  pipewright migrate --dry-run --config /etc/pipewright.toml     what a new version would do
  pipewright migrate --yes --config /etc/pipewright.toml         PostgreSQL, once it is backed up";

/// Arguments of `pipewright migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// There is a backup: migrate PostgreSQL, and SQLite also where no copy can be made beside it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    configuration: Configuration,
}

impl Migrate {
    /// Runs the command.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let config = self.configuration.load()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the async runtime cannot be started")?;
        let options = DbOptions {
            database: config.database.clone(),
            connections: config.connections,
        };
        runtime.block_on(async {
            let standing = Db::standing(&options).await?;
            say(&standing, &options.database)?;
            let is_to_do = matches!(standing, Standing::New | Standing::Older { .. });
            if self.dry_run || !is_to_do {
                return Ok(match standing {
                    Standing::Newer { oldest_program, .. } if oldest_program > newest_schema() => {
                        ExitCode::FAILURE
                    }
                    _ => ExitCode::SUCCESS,
                });
            }
            let _held = take(&config.server.data_directory).await?;
            let permissions = Permissions {
                without_copy: self.yes || config.migrate_without_copy,
            };
            Db::open_with(&options, permissions).await?.close().await;
            writeln!(
                anstream::stdout().lock(),
                "The database has schema {} now.",
                newest_schema()
            )?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn say(standing: &Standing, database: &Database) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match standing {
        Standing::New => writeln!(
            out,
            "The database is empty; schema {} is made.",
            newest_schema()
        )?,
        Standing::Current => writeln!(
            out,
            "The database has schema {}, which is this version's. There is nothing to do.",
            newest_schema()
        )?,
        Standing::Newer {
            seen,
            oldest_program,
        } if *oldest_program <= newest_schema() => writeln!(
            out,
            "The database has schema {seen}, made by a newer Pipewright; this version, which knows {}, can run on it. There is nothing to do.",
            newest_schema()
        )?,
        Standing::Newer { seen, .. } => writeln!(
            out,
            "The database has schema {seen}, made by a newer Pipewright; this version knows {} and cannot run on it.",
            newest_schema()
        )?,
        Standing::Older { seen, pending } => {
            writeln!(out, "The database has schema {seen}; to be run, in order:")?;
            for migration in pending {
                writeln!(out, "  {:04} {}", migration.version, migration.description)?;
            }
            match database {
                Database::Sqlite(path) => writeln!(
                    out,
                    "A verified copy is made before, in {}.",
                    migration_copy(path, *seen).display()
                )?,
                Database::Postgres(_) => writeln!(
                    out,
                    "Back the database up before, with pg_dump; then run this with --yes."
                )?,
            }
        }
    }
    Ok(())
}
