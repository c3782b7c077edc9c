//! The page itself. Reads and renders; what is done stands in `acts`.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use pipewright_core::Timestamp;
use pipewright_store::accounts::AccountKind;
use pipewright_store::administration::{self, ListedAccount, ListedUser};
use pipewright_store::user_links::{self, UserLink};
use pipewright_store::{outgoing, sign_ins};
use serde::Deserialize;

use super::PATH;
use crate::app::App;
use crate::ground::rights::{Rule, Rules};
use crate::web::format::count;
use crate::web::{Html, Page, PageError, Rail, SignedIn};

/// Users, and accounts, on the page.
const MOST: i64 = 300;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show))
}

#[derive(Debug, Template)]
#[template(path = "installation/show.html")]
pub(crate) struct InstallationPage {
    pub(crate) page: Page,
    /// Host of the public address.
    pub(crate) host: String,
    /// "seen by its 2 administrators only".
    pub(crate) seen_by: String,
    /// A link that was just made; it is shown only now.
    pub(crate) link: Option<LinkShown>,
    pub(crate) refusal: Option<String>,
    pub(crate) users: Vec<RowOfUser>,
    /// What was looked for.
    pub(crate) find: String,
    pub(crate) more_users: bool,
    pub(crate) invitations: Vec<InvitationRow>,
    pub(crate) invitations_line: String,
    pub(crate) accounts: Vec<RowOfAccount>,
    pub(crate) accounts_rule: &'static str,
    pub(crate) connections_rule: &'static str,
    pub(crate) addresses: Vec<AddressRow>,
    /// Bitbucket Cloud's own.
    pub(crate) built_in: Vec<String>,
    /// The configuration says what is allowed, and this page cannot.
    pub(crate) addresses_are_configured: bool,
}

/// A one-time link, to be handed out.
#[derive(Debug, Clone)]
pub(crate) struct LinkShown {
    /// What to do with it.
    pub(crate) sentence: String,
    pub(crate) url: String,
}

/// A user's line.
#[derive(Debug, Clone)]
pub(crate) struct RowOfUser {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) initials: String,
    pub(crate) email: String,
    pub(crate) is_self: bool,
    pub(crate) is_administrator: bool,
    pub(crate) is_disabled: bool,
    pub(crate) is_confirmed: bool,
    pub(crate) may_make_accounts: bool,
    pub(crate) may_connect: bool,
    pub(crate) sessions: String,
    pub(crate) has_sessions: bool,
    pub(crate) seen_at: Option<Timestamp>,
    /// Where somebody is locked out of this address.
    pub(crate) locked: Option<Locked>,
}

/// A lock on an address.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub(crate) until: Timestamp,
    /// "5 wrong passwords".
    pub(crate) why: String,
}

/// An invitation's line.
#[derive(Debug, Clone)]
pub(crate) struct InvitationRow {
    pub(crate) id: String,
    pub(crate) email: String,
    /// "administrator · may make accounts".
    pub(crate) given: String,
    pub(crate) by: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) is_expired: bool,
}

/// An account's line.
#[derive(Debug, Clone)]
pub(crate) struct RowOfAccount {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) owner: Option<String>,
    /// "and 1 more owner".
    pub(crate) more_owners: Option<String>,
    /// Nobody who can sign in owns it.
    pub(crate) is_orphan: bool,
    pub(crate) members: i64,
    pub(crate) applications: i64,
    pub(crate) integrations: i64,
}

/// An allowed address's line.
#[derive(Debug, Clone)]
pub(crate) struct AddressRow {
    pub(crate) pattern: String,
    pub(crate) what: &'static str,
    pub(crate) by: String,
}

#[derive(Debug, Deserialize)]
struct Looked {
    #[serde(default)]
    find: String,
}

async fn show(
    State(app): State<App>,
    user: SignedIn,
    Query(looked): Query<Looked>,
) -> Result<Html<InstallationPage>, PageError> {
    user.administrator()?;
    let find: String = looked.find.trim().chars().take(100).collect();
    Ok(Html(context(&app, &user, find).await?))
}

/// The page with a link that was just made.
pub(super) async fn with_link(
    app: &App,
    user: &SignedIn,
    link: LinkShown,
) -> Result<Response, PageError> {
    let mut page = context(app, user, String::new()).await?;
    page.link = Some(link);
    Ok(Html(page).into_response())
}

/// The page with the sentence of what could not be used.
pub(super) async fn with_refusal(
    app: &App,
    user: &SignedIn,
    sentence: String,
) -> Result<Response, PageError> {
    let mut page = context(app, user, String::new()).await?;
    page.refusal = Some(sentence);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

async fn context(app: &App, user: &SignedIn, find: String) -> Result<InstallationPage, PageError> {
    let now = user.visitor.now;
    let found = administration::users(&app.db, &find, now, MOST + 1).await?;
    let everybody = administration::users(&app.db, "", now, 10_000).await?;
    let administrators = everybody
        .iter()
        .filter(|one| one.user.is_administrator && one.user.disabled_at.is_none())
        .count();
    let mut locks = BTreeMap::new();
    for locked in sign_ins::locked(&app.db, now).await? {
        let Some(email) = locked
            .key
            .strip_prefix("pair ")
            .and_then(|rest| rest.rsplit_once(' '))
            .map(|(email, _)| email)
        else {
            continue;
        };
        let attempts = usize::try_from(locked.failures).unwrap_or(0);
        locks.entry(email.to_owned()).or_insert_with(|| Locked {
            until: locked.locked_until,
            why: count(attempts, "wrong password"),
        });
    }
    let rules = Rules::load(&app.db).await?;
    let links = user_links::invitations(&app.db).await?;
    let expired = links.iter().filter(|link| link.expires_at <= now).count();
    let invitations_line = match (links.len() - expired, expired) {
        (0, 0) => String::new(),
        (open, 0) => format!("{open} open"),
        (open, expired) => format!("{open} open, {expired} expired"),
    };
    let allowed = outgoing::list(&app.db).await?;
    let configured = &app.config.outgoing;
    let addresses = if configured.is_empty() {
        allowed
            .into_iter()
            .map(|one| AddressRow {
                what: what(&one.pattern),
                by: one.added_by,
                pattern: one.pattern,
            })
            .collect()
    } else {
        configured
            .iter()
            .map(|pattern| AddressRow {
                what: what(&pattern.to_string()),
                by: String::new(),
                pattern: pattern.to_string(),
            })
            .collect()
    };
    let mut users: Vec<RowOfUser> = found
        .into_iter()
        .map(|one| row_of_user(one, user, &locks))
        .collect();
    let more_users = users.len() > MOST as usize;
    users.truncate(MOST as usize);
    Ok(InstallationPage {
        page: user.page("Installation").rail(Rail::Installation),
        host: app
            .config
            .public_url
            .host_str()
            .unwrap_or_default()
            .to_owned(),
        seen_by: match administrators {
            1 => "seen by you only, its one administrator".to_owned(),
            several => format!("seen by its {several} administrators only"),
        },
        link: None,
        refusal: None,
        users,
        find,
        more_users,
        invitations: links
            .into_iter()
            .map(|link| row_of_invitation(link, now))
            .collect(),
        invitations_line,
        accounts: administration::accounts(&app.db, MOST)
            .await?
            .into_iter()
            .map(row_of_account)
            .collect(),
        accounts_rule: rules.accounts.as_str(),
        connections_rule: rules.connections.as_str(),
        addresses,
        built_in: built_in(app),
        addresses_are_configured: !configured.is_empty(),
    })
}

/// Where Bitbucket Cloud is, for this installation.
fn built_in(app: &App) -> Vec<String> {
    let cloud = &app.config.cloud;
    let mut hosts: Vec<String> = [&cloud.web, &cloud.api]
        .into_iter()
        .filter_map(|url| {
            let host = url.host_str()?;
            Some(format!("{host}:{}", url.port_or_known_default()?))
        })
        .chain([format!("{}:{}", cloud.ssh_host, cloud.ssh_port)])
        .collect();
    hosts.dedup();
    hosts
}

fn what(pattern: &str) -> &'static str {
    match pattern {
        "public" => "every address of the internet",
        "private" => "every private address: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and alike",
        "loopback" => "this machine itself",
        _ => "",
    }
}

fn row_of_user(one: ListedUser, reader: &SignedIn, locks: &BTreeMap<String, Locked>) -> RowOfUser {
    let user = one.user;
    let sessions = usize::try_from(one.sessions).unwrap_or(0);
    RowOfUser {
        is_self: user.id == reader.user.id,
        id: user.id.to_string(),
        initials: user
            .name
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .take(2)
            .flat_map(char::to_uppercase)
            .collect(),
        is_administrator: user.is_administrator,
        is_disabled: user.disabled_at.is_some(),
        is_confirmed: user.email_proved_at.is_some(),
        may_make_accounts: user.may_make_accounts,
        may_connect: user.may_connect,
        locked: locks.get(&user.email).cloned(),
        name: user.name,
        email: user.email,
        sessions: count(sessions, "session"),
        has_sessions: sessions > 0,
        seen_at: one.seen_at,
    }
}

fn row_of_invitation(link: UserLink, now: Timestamp) -> InvitationRow {
    let mut given = vec![if link.is_administrator {
        "administrator"
    } else {
        "user"
    }];
    if link.may_make_accounts {
        given.push("may make accounts");
    }
    if link.may_connect {
        given.push("may connect a Bitbucket");
    }
    InvitationRow {
        id: link.id.to_string(),
        email: link.email,
        given: given.join(" · "),
        by: link
            .maker
            .unwrap_or_else(|| "a command on the machine".to_owned()),
        created_at: link.created_at,
        expires_at: link.expires_at,
        is_expired: link.expires_at <= now,
    }
}

fn row_of_account(one: ListedAccount) -> RowOfAccount {
    let owners = usize::try_from(one.owners).unwrap_or(0);
    RowOfAccount {
        slug: one.account.slug,
        name: one.account.name,
        kind: match one.account.kind {
            AccountKind::Personal => "personal",
            AccountKind::Team => "team",
        },
        owner: one.owner,
        more_owners: (owners > 1).then(|| format!("and {}", count(owners - 1, "more owner"))),
        is_orphan: owners == 0,
        members: one.members,
        applications: one.applications,
        integrations: one.integrations,
    }
}

/// The rule that a form chose.
pub(super) fn rule(word: &str) -> Rule {
    Rule::parse(word.as_bytes())
}
