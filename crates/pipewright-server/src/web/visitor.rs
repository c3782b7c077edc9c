//! Who is asking: read from the cookies once, before the handler.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum_extra::extract::CookieJar;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use pipewright_core::ids::AccountId;
use pipewright_core::{Secret, Timestamp};
use pipewright_store::accounts::{self, Membership};
use pipewright_store::sessions;
use pipewright_store::users::User;

use super::page::{Flash, Nav, Page, PageAccount, PageUser, Rail, Theme};
use super::problem::PageError;
use super::redirect::FLASH_COOKIE;
use super::theme::THEME_COOKIE;
use crate::app::App;
use crate::ground::rights::InstallationRights;
use crate::ground::{Passerby, TOKEN_LENGTH, TOUCH_EVERY, hash_of_token};

/// Name of the cookie that holds the session's token.
pub(crate) const SESSION_COOKIE: &str = "pipewright_session";

/// Name of the cookie that shows a browser which somebody signed in with before.
pub(crate) const BROWSER_COOKIE: &str = "pipewright_browser";

/// Anybody: signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The server's parts.
    pub(crate) app: App,
    /// The session, where somebody is signed in.
    pub(crate) session: Option<VisitorSession>,
    /// Every account the user is a member of, with the role there.
    pub(crate) memberships: Vec<Membership>,
    /// Where the request came from, as far as we can tell.
    pub(crate) address: String,
    /// The request's moment.
    pub(crate) now: Timestamp,
    /// The path and query of the page that is looked at, without the sub-path.
    pub(crate) path: String,
    /// What the browser calls itself, at most 200 characters.
    pub(crate) user_agent: String,
    /// What names the browser in the database, where somebody signed in with it before.
    pub(crate) browser: Option<[u8; 32]>,
    theme: Theme,
    flash: Option<Flash>,
}

/// A visitor's session.
#[derive(Debug, Clone)]
pub(crate) struct VisitorSession {
    /// Who is signed in.
    pub(crate) user: User,
    /// What names the session in the database.
    pub(crate) token_hash: [u8; 32],
    /// The account that was looked at last.
    pub(crate) account_id: Option<AccountId>,
    /// What the user may do in the installation.
    pub(crate) rights: InstallationRights,
}

impl Visitor {
    /// Reads who is asking.
    pub(crate) async fn of(app: &App, parts: &Parts) -> Result<Self, PageError> {
        let cookies = CookieJar::from_headers(&parts.headers);
        let now = app.clock.now();
        let session = match cookies.get(SESSION_COOKIE) {
            Some(cookie) => session(app, &Secret::new(cookie.value()), now).await?,
            None => None,
        };
        let memberships = match &session {
            Some(session) => accounts::of_user(&app.db, session.user.id).await?,
            None => Vec::new(),
        };
        Ok(Self {
            app: app.clone(),
            session,
            memberships,
            address: address(app, parts),
            now,
            path: page_path(app, parts),
            user_agent: text(&parts.headers, &header::USER_AGENT)
                .chars()
                .take(200)
                .collect(),
            browser: cookies
                .get(BROWSER_COOKIE)
                .filter(|cookie| cookie.value().len() == TOKEN_LENGTH)
                .map(|cookie| hash_of_token(&Secret::new(cookie.value()))),
            theme: cookies
                .get(THEME_COOKIE)
                .map_or(Theme::Auto, |cookie| Theme::parse(cookie.value())),
            flash: cookies
                .get(FLASH_COOKIE)
                .and_then(|cookie| Flash::from_cookie(cookie.value())),
        })
    }

    /// Whether an administrator lets them connect a Bitbucket.
    pub(crate) fn may_connect(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.rights.connect)
    }

    /// From where and when somebody acts who is not signed in.
    pub(crate) fn passerby(&self) -> Passerby<'_> {
        Passerby {
            address: &self.address,
            at: self.now,
        }
    }

    /// The account that pages without one in their address show: the last one looked at, else the first.
    pub(crate) fn current_account(&self) -> Option<&Membership> {
        let last = self.session.as_ref().and_then(|session| session.account_id);
        self.memberships
            .iter()
            .find(|membership| Some(membership.account.id) == last)
            .or_else(|| self.memberships.first())
    }

    /// What of the installation everybody must know; strangers are told nothing of it.
    fn alarms(&self) -> Vec<String> {
        if self.session.is_none() {
            return Vec::new();
        }
        let warning = self.app.config.host.isolation.warning();
        let trouble = self.app.live().runner_trouble.borrow().clone();
        warning
            .map(str::to_owned)
            .into_iter()
            .chain(trouble)
            .collect()
    }

    /// The context of a page with this title.
    pub(crate) fn page(&self, title: impl Into<String>) -> Page {
        self.page_of(title, self.current_account())
    }

    /// The context of a page about this account.
    pub(crate) fn page_of(&self, title: impl Into<String>, account: Option<&Membership>) -> Page {
        Page {
            title: title.into(),
            icon: "icon.svg",
            nav: Nav::None,
            rail: Rail::None,
            base: self.app.config.base_path().to_owned(),
            user: self.session.as_ref().map(|session| PageUser {
                name: session.user.name.clone(),
                email: session.user.email.clone(),
                is_administrator: session.user.is_administrator,
                may_make_accounts: session.rights.make_accounts,
            }),
            account: account.map(shown),
            accounts: self.memberships.iter().map(shown).collect(),
            theme: self.theme,
            alarms: self.alarms(),
            flash: self.flash.clone(),
            now: self.now,
            path: self.path.clone(),
            troubles: self.app.live().vitals.troubles(Instant::now()),
        }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        Self::of(app, parts).await
    }
}

fn shown(membership: &Membership) -> PageAccount {
    PageAccount {
        slug: membership.account.slug.clone(),
        name: membership.account.name.clone(),
        role: membership.role,
    }
}

async fn session(
    app: &App,
    token: &Secret,
    now: Timestamp,
) -> Result<Option<VisitorSession>, PageError> {
    let token_hash = hash_of_token(token);
    let Some(found) = sessions::find(&app.db, &token_hash, now).await? else {
        return Ok(None);
    };
    // However much it is used, a session ends.
    let last = found.opened_at + app.config.session_longest;
    if now >= last {
        return Ok(None);
    }
    if now.since(found.seen_at) >= TOUCH_EVERY {
        let expires = (now + app.config.session_lifetime).min(last);
        let mut tx = app.db.begin().await?;
        sessions::touch(&mut tx, &token_hash, now, expires).await?;
        tx.commit().await?;
    }
    Ok(Some(VisitorSession {
        rights: InstallationRights::of_session(&found),
        user: found.user,
        token_hash,
        account_id: found.account_id,
    }))
}

/// The page to come back to. What answers a form cannot be opened again by its address: then it is the form's page.
pub(super) fn page_path(app: &App, parts: &Parts) -> String {
    if parts.method == Method::GET {
        return parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
    }
    let public = app.config.public("");
    let from = text(&parts.headers, &header::REFERER);
    from.strip_prefix(&public)
        .filter(|path| path.starts_with('/'))
        .unwrap_or("/")
        .to_owned()
}

/// The address of whoever asks: the peer's, or where that is a trusted proxy, the last one in `X-Forwarded-For` that is
/// none. What anybody else says in that header is not believed.
fn address(app: &App, parts: &Parts) -> String {
    let Some(peer) = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip().to_canonical())
    else {
        return "unknown".to_owned();
    };
    let trusted = &app.config.trusted_proxies;
    let is_trusted = |address: &IpAddr| trusted.iter().any(|range| range.contains(address));
    let forwarded: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if !is_trusted(&peer) {
        if !forwarded.is_empty() && app.live().forwarded.is_first() {
            tracing::warn!(
                proxy = %peer,
                "X-Forwarded-For of an untrusted proxy is ignored: everybody behind it counts as one source; add it to server.trusted_proxies"
            );
        }
        return peer.to_string();
    }
    let mut client = peer;
    for hop in forwarded.iter().rev() {
        let Some(address) = hop_address(hop) else {
            break;
        };
        client = address;
        if !is_trusted(&client) {
            break;
        }
    }
    client.to_string()
}

/// An entry of the header: an address, perhaps in brackets, perhaps with a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    hop.parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| hop.trim_matches(['[', ']']).parse::<IpAddr>())
        .ok()
        .map(|address| address.to_canonical())
}

/// What counts as one source: an IPv4 address, or the network of an IPv6 address, of which one house has millions.
pub(crate) fn source(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let network: Vec<String> = address.segments()[..4]
                .iter()
                .map(|segment| format!("{segment:x}"))
                .collect();
            format!("{}::/64", network.join(":"))
        }
        _ => address.to_owned(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
