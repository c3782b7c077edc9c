//! `pipewright user …` and `pipewright account …`: what the page **Installation** does, for whoever is locked out of it or
//! writes scripts. They work on the database of the configuration, also while the server runs.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use pipewright_server::{Machine, MachineError, OneTimeLink, SystemClock};
use pipewright_store::administration::{ListedAccount, ListedUser};
use pipewright_store::data_directory::{DataDirectory, DataDirectoryError};
use pipewright_store::{Database, Db, DbOptions, Permissions};
use serde_json::json;

use super::{Configuration, serve};
use crate::config::Config;

/// Look after users of the installation: invite, disable, reset passwords, make administrators.
#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    act: UserAct,
}

#[derive(Debug, Subcommand)]
enum UserAct {
    /// List every user.
    List {
        #[command(flatten)]
        configuration: Configuration,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a one-time link that makes a user of this e-mail address.
    Invite {
        /// The new user's e-mail address.
        email: String,
        /// The new user administers the installation.
        #[arg(long)]
        administrator: bool,
        /// The new user may make accounts.
        #[arg(long)]
        may_make_accounts: bool,
        /// The new user may connect a Bitbucket.
        #[arg(long)]
        may_connect: bool,
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Let a user sign in no more, and end their sessions, links and invitations at once.
    Disable(OneUser),
    /// Let a disabled user sign in again.
    Enable(OneUser),
    /// End every session of a user.
    EndSessions(OneUser),
    /// Print a one-time link by which a user chooses a new password.
    ResetPassword(OneUser),
    /// Make a user an administrator of the installation.
    MakeAdministrator(OneUser),
    /// Make an administrator an ordinary user again.
    RemoveAdministrator(OneUser),
    /// Vouch that the e-mail address is this user's.
    ConfirmAddress(OneUser),
    /// Say what a user may do in the installation; what is not said stays.
    Rights {
        #[command(flatten)]
        one: OneUser,
        /// Whether the user may make accounts: true or false.
        #[arg(long, value_name = "BOOL")]
        may_make_accounts: Option<bool>,
        /// Whether the user may connect a Bitbucket: true or false.
        #[arg(long, value_name = "BOOL")]
        may_connect: Option<bool>,
    },
}

#[derive(Debug, Args)]
struct OneUser {
    /// The user's e-mail address, or id.
    user: String,
    #[command(flatten)]
    configuration: Configuration,
}

/// Look after accounts: list, make, rename, give to another owner, delete.
#[derive(Debug, Args)]
pub(super) struct AccountCommand {
    #[command(subcommand)]
    act: AccountAct,
}

#[derive(Debug, Subcommand)]
enum AccountAct {
    /// List every account.
    List {
        #[command(flatten)]
        configuration: Configuration,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a team.
    Make {
        /// Its name.
        name: String,
        /// E-mail address of the user who owns it.
        #[arg(long)]
        owner: String,
        /// The first part of its addresses; made of the name where it is not given.
        #[arg(long, default_value = "")]
        short_name: String,
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Change an account's name.
    Rename {
        /// The account's short name.
        account: String,
        /// The new name.
        name: String,
        /// A new short name; links to the old one stop working.
        #[arg(long)]
        short_name: Option<String>,
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Make a user an owner of an account.
    Give {
        /// The account's short name.
        account: String,
        /// E-mail address of the user.
        owner: String,
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Delete an account with its applications, builds, connections and variables.
    Delete {
        /// The account's short name.
        account: String,
        /// Do it without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        configuration: Configuration,
    },
}

impl UserCommand {
    /// Does what was asked.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let configuration = self.act.configuration().load()?;
        with_database(configuration, async |machine| self.act.act(&machine).await)
    }
}

impl UserAct {
    fn configuration(&self) -> &Configuration {
        match self {
            Self::List { configuration, .. } | Self::Invite { configuration, .. } => configuration,
            Self::Disable(one)
            | Self::Enable(one)
            | Self::EndSessions(one)
            | Self::ResetPassword(one)
            | Self::MakeAdministrator(one)
            | Self::RemoveAdministrator(one)
            | Self::ConfirmAddress(one)
            | Self::Rights { one, .. } => &one.configuration,
        }
    }

    async fn act(self, machine: &Machine<'_>) -> Result<String, MachineError> {
        Ok(match self {
            Self::List { json, .. } => listed_users(&machine.users().await?, json),
            Self::Invite {
                email,
                administrator,
                may_make_accounts,
                may_connect,
                ..
            } => link(
                &machine
                    .invite(&email, administrator, may_make_accounts, may_connect)
                    .await?,
                "makes their user",
            ),
            Self::Disable(one) => machine.disable(&one.user).await?,
            Self::Enable(one) => machine.enable(&one.user).await?,
            Self::EndSessions(one) => machine.end_sessions(&one.user).await?,
            Self::ResetPassword(one) => link(
                &machine.reset_password(&one.user).await?,
                "lets them choose a new password",
            ),
            Self::MakeAdministrator(one) => machine.set_administrator(&one.user, true).await?,
            Self::RemoveAdministrator(one) => machine.set_administrator(&one.user, false).await?,
            Self::ConfirmAddress(one) => machine.confirm_address(&one.user).await?,
            Self::Rights {
                one,
                may_make_accounts,
                may_connect,
            } => {
                machine
                    .set_rights(&one.user, may_make_accounts, may_connect)
                    .await?
            }
        })
    }
}

impl AccountCommand {
    /// Does what was asked.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let configuration = self.act.configuration().load()?;
        if let AccountAct::Delete { account, yes, .. } = &self.act {
            if !yes {
                anyhow::bail!(
                    "deleting {account} removes its applications, builds, connections and variables for good; add --yes to do it"
                );
            }
            return delete(configuration, account);
        }
        with_database(configuration, async |machine| self.act.act(&machine).await)
    }
}

impl AccountAct {
    fn configuration(&self) -> &Configuration {
        match self {
            Self::List { configuration, .. }
            | Self::Make { configuration, .. }
            | Self::Rename { configuration, .. }
            | Self::Give { configuration, .. }
            | Self::Delete { configuration, .. } => configuration,
        }
    }

    async fn act(self, machine: &Machine<'_>) -> Result<String, MachineError> {
        match self {
            Self::List { json, .. } => Ok(listed_accounts(&machine.accounts().await?, json)),
            Self::Make {
                name,
                owner,
                short_name,
                ..
            } => machine.make_account(&name, &short_name, &owner).await,
            Self::Rename {
                account,
                name,
                short_name,
                ..
            } => {
                machine
                    .rename_account(&account, &name, short_name.as_deref())
                    .await
            }
            Self::Give { account, owner, .. } => machine.give_account(&account, &owner).await,
            Self::Delete { account, .. } => Err(MachineError::Refused(format!(
                "{account} is deleted by the whole program."
            ))),
        }
    }
}

/// Opens the database of the configuration, does something, and prints what came of it.
fn with_database(
    config: Config,
    act: impl AsyncFnOnce(Machine<'_>) -> Result<String, MachineError>,
) -> anyhow::Result<ExitCode> {
    must_be_there(&config.database)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    runtime.block_on(async {
        let db = Db::open_as_it_is(&DbOptions {
            database: config.database,
            connections: 2,
        })
        .await?;
        let machine = Machine::new(
            &db,
            &SystemClock,
            config.server.public_url,
            config.server.host.isolation,
        );
        let done = act(machine).await;
        db.close().await;
        let text = done?;
        writeln!(anstream::stdout(), "{}", text.trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A command that looks after an installation must not begin a new one where the path is wrong.
fn must_be_there(database: &Database) -> anyhow::Result<()> {
    if let Database::Sqlite(path) = database
        && !path.exists()
    {
        anyhow::bail!(
            "there is no database at {}; give the server's configuration with --config, or its data directory with --set data.directory=…",
            path.display()
        );
    }
    Ok(())
}

/// Deleting also removes what was put at Bitbucket, for which the server's parts are needed. Where a server runs, its data
/// directory stays its own, and its database is used as it is.
fn delete(config: Config, account: &str) -> anyhow::Result<ExitCode> {
    must_be_there(&config.database)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    runtime.block_on(async {
        let database = DbOptions {
            database: config.database,
            connections: config.connections,
        };
        let _held = match DataDirectory::take(&config.server.data_directory, Duration::ZERO).await {
            Ok(held) => Some(held),
            Err(DataDirectoryError::Taken { .. }) => {
                Db::open_as_it_is(&database).await?.close().await;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let app = serve::compose(
            config.server,
            &config.key_file,
            config.git,
            database,
            Permissions::default(),
        )
        .await?;
        let sentence = pipewright_server::delete_account(&app, account).await?;
        app.db.close().await;
        writeln!(anstream::stdout(), "{sentence}")?;
        Ok(ExitCode::SUCCESS)
    })
}

fn link(link: &OneTimeLink, does: &str) -> String {
    let until: String = link.expires_at.chars().take(16).collect();
    // The link stands alone on standard output, so that a script can pass it on.
    let _ = writeln!(
        anstream::stderr(),
        "Pass this link on to {}: it {does}, works once, until {} UTC.",
        link.email,
        until.replace('T', " ")
    );
    link.url.clone()
}

fn listed_users(users: &[ListedUser], as_json: bool) -> String {
    if as_json {
        let users: Vec<_> = users
            .iter()
            .map(|one| {
                json!({
                    "id": one.user.id.to_string(),
                    "email": one.user.email,
                    "name": one.user.name,
                    "is_administrator": one.user.is_administrator,
                    "is_disabled": one.user.disabled_at.is_some(),
                    "is_address_confirmed": one.user.email_proved_at.is_some(),
                    "may_make_accounts": one.user.may_make_accounts,
                    "may_connect": one.user.may_connect,
                    "sessions": one.sessions,
                    "seen_at": one.seen_at.map(|at| at.to_string()),
                })
            })
            .collect();
        return json!(users).to_string();
    }
    let lines = users.iter().map(|one| {
        let state = if one.user.disabled_at.is_some() {
            "disabled"
        } else if one.user.is_administrator {
            "administrator"
        } else {
            "user"
        };
        let seen = one.seen_at.map_or_else(
            || "never seen".to_owned(),
            |at| {
                format!(
                    "seen {}",
                    at.to_string().chars().take(10).collect::<String>()
                )
            },
        );
        [
            one.user.email.clone(),
            one.user.name.clone(),
            state.to_owned(),
            seen,
        ]
    });
    table(lines)
}

fn listed_accounts(accounts: &[ListedAccount], as_json: bool) -> String {
    if as_json {
        let accounts: Vec<_> = accounts
            .iter()
            .map(|one| {
                json!({
                    "id": one.account.id.to_string(),
                    "short_name": one.account.slug,
                    "name": one.account.name,
                    "kind": one.account.kind.as_str(),
                    "owner": one.owner,
                    "owners_who_can_sign_in": one.owners,
                    "members": one.members,
                    "applications": one.applications,
                    "connections": one.integrations,
                })
            })
            .collect();
        return json!(accounts).to_string();
    }
    table(accounts.iter().map(|one| {
        [
            one.account.slug.clone(),
            one.account.name.clone(),
            one.account.kind.as_str().to_owned(),
            match (&one.owner, one.owners) {
                (Some(owner), 1..) => format!("owner {owner}"),
                _ => "no owner left".to_owned(),
            },
        ]
    }))
}

/// Columns as wide as their widest text.
fn table(lines: impl Iterator<Item = [String; 4]>) -> String {
    let lines: Vec<[String; 4]> = lines.collect();
    let mut widths = [0; 4];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = (*width).max(text.chars().count());
        }
    }
    lines
        .iter()
        .map(|line| {
            let cells: Vec<String> = line
                .iter()
                .zip(widths)
                .map(|(text, width)| format!("{text:width$}"))
                .collect();
            format!("{}\n", cells.join("  ").trim_end())
        })
        .collect()
}
