//! The only SQL of Pipewright, and where logs and artifacts are kept.
//!
//! One folder or file a noun, holding its rows, its statements and the functions others call. Reads take [`Db`], writes
//! take [`Tx`]: what belongs together is committed together, and the caller decides what belongs together. Callers never
//! see SQL. SQLite by default, PostgreSQL by URL: one portable text per statement, prepared on both in a test.
//! Every statement over what an account owns carries the account's id in its `WHERE`, or the id of a row that was
//! reached through it.

#[macro_use]
mod macros;
#[macro_use]
mod words;

pub mod accounts;
pub mod administration;
pub mod application_ssh;
pub mod applications;
pub mod artifacts;
pub mod attempts;
pub mod blobs;
pub mod builds;
mod columns;
pub mod credentials;
pub mod data_directory;
mod db;
pub mod decisions;
pub mod deliveries;
mod error;
pub mod events;
pub mod files;
pub mod inspections;
pub mod integrations;
pub mod invitations;
pub mod jump;
pub mod listings;
pub mod logs;
pub mod members;
pub mod oauth_flows;
pub mod oidc;
pub mod outgoing;
pub mod output_variables;
mod page;
#[cfg(test)]
mod polls;
pub mod pull_request_heads;
pub mod recent;
pub mod ref_moves;
pub mod refs;
pub mod repositories;
pub mod retention;
pub mod runners;
pub mod schedules;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod sign_ins;
pub mod statuses;
pub mod steps;
pub mod storage;
pub mod tasks;
pub mod test_reports;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_builds;
pub mod user_links;
pub mod users;
pub mod variables;
mod vault;
pub mod webhooks;

pub use db::{
    Contents, CopyError, Database, Db, DbOptions, Migration, Permissions, Standing, Tx,
    copy_sqlite, inspect_sqlite, migration_copy, newest_schema,
};
pub use error::{OpenError, StoreError};
pub use page::PageStart;
pub use vault::{OpenSecretError, Sealed, Vault, VaultKey, VaultKeyError};
pub use words::UnknownWord;

/// Every statement of every module, for the test that prepares them. A new module adds its `ALL` here.
#[cfg(test)]
fn all_statements() -> impl Iterator<Item = &'static macros::Statement> {
    [
        accounts::ALL,
        administration::ALL,
        application_ssh::ALL,
        artifacts::ALL,
        events::ALL,
        invitations::ALL,
        jump::ALL,
        members::ALL,
        sessions::ALL,
        settings::ALL,
        sign_ins::ALL,
        user_links::ALL,
        users::ALL,
        variables::ALL,
        credentials::ALL,
        inspections::ALL,
        listings::ALL,
        oauth_flows::ALL,
        oidc::ALL,
        outgoing::ALL,
        output_variables::ALL,
        webhooks::ALL,
        decisions::ALL,
        pull_request_heads::ALL,
        ref_moves::ALL,
        refs::ALL,
        retention::ALL,
        storage::ALL,
        runners::ALL,
        statuses::ALL,
        steps::ALL,
        recent::ALL,
        tasks::ALL,
    ]
    .into_iter()
    .flatten()
    .chain(applications::statements())
    .chain(integrations::statements())
    .chain(repositories::statements())
    .chain(deliveries::statements())
    .chain(builds::statements())
    .chain(attempts::statements())
    .chain(schedules::statements())
    .chain(test_reports::statements())
    .chain(sealed::ALL)
}
