//! A whole site for tests of pages: the real router over SQLite in a directory of its own, and browsers with cookies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use pipewright_core::ids::UserId;
use pipewright_core::{Role, Secret, Timestamp};
use pipewright_git::{Git, GitOptions, MirrorStore};
use pipewright_runner::caches::CacheStore;
use pipewright_runner::executor::HostOptions;
use pipewright_store::accounts::{self, Account, AccountKind};
use pipewright_store::blobs::BlobStore;
use pipewright_store::logs::LogStore;
use pipewright_store::users::{self, User};
use pipewright_store::{Database, Db, DbOptions, Vault, VaultKey, members, sessions};
use tower::ServiceExt;

use crate::accounts::{NewAccount, make};
use crate::ground::{hash_of_token, new_token};
use crate::{App, AppParts, CloudAddresses, ManualClock, ServerConfig};

/// The site.
pub(crate) struct TestSite {
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    base: String,
    _directory: tempfile::TempDir,
}

/// Somebody's browser: sends its cookies, and keeps those it is given.
pub(crate) struct Browser {
    router: Router,
    base: String,
    cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub(crate) headers: HeaderMap,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestSite {
    /// A site at `https://ci.example`.
    pub(crate) async fn new() -> Self {
        Self::at("https://ci.example").await
    }

    /// A site at this public address.
    pub(crate) async fn at(public_url: &str) -> Self {
        Self::configured(public_url, |_| {}).await
    }

    /// A site at this public address, with its configuration changed.
    pub(crate) async fn configured(
        public_url: &str,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let database = Database::Sqlite(directory.path().join("test.db"));
        let db = Db::open(&DbOptions {
            database,
            connections: 1,
        })
        .await
        .expect("SQLite opens");
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let url = |text: &str| text.parse::<url::Url>().expect("a URL");
        let mut config = ServerConfig {
            public_url: url(public_url),
            data_directory: directory.path().to_owned(),
            cloud: CloudAddresses {
                web: url("https://bitbucket.org"),
                api: url("https://api.bitbucket.org/2.0"),
                ssh_host: "bitbucket.org".to_owned(),
                ssh_port: 22,
                known_hosts: String::new(),
            },
            webhooks_reach_us: true,
            compare_refs_every: Duration::from_mins(5),
            poll_refs_every: Duration::from_secs(30),
            runner_slots: 0,
            runner_labels: vec!["linux".to_owned()],
            session_lifetime: Duration::from_hours(168),
            session_longest: Duration::from_hours(24 * 90),
            trusted_proxies: Vec::new(),
            outgoing: Vec::new(),
            extra_ca_pem: None,
            delivery_body_limit: 1024 * 1024,
            log_bytes: 1_000_000_000,
            cache_bytes: 1 << 30,
            artifact_keep: Duration::from_hours(24 * 14),
            host: HostOptions::default(),
            engine: None,
            workspace_bytes: None,
            retention: crate::ground::Retention::default(),
            stop_grace: Duration::from_secs(1),
            unattended: None,
            drain: Duration::ZERO,
            connections: 1000,
            floors: crate::Floors::default(),
        };
        change(&mut config);
        let base = config.base_path().to_owned();
        let git = Git::new(GitOptions::default(), directory.path()).expect("a runtime directory");
        let app = App::new(AppParts {
            db,
            vault: Vault::new(&VaultKey::generate()),
            clock: Arc::clone(&clock) as Arc<dyn crate::Clock>,
            config,
            logs: LogStore::open(directory.path().join("logs")).expect("a log store"),
            caches: CacheStore::new(directory.path().join("runner/caches"), 1 << 30, || {
                crate::clock::Clock::now(&crate::clock::SystemClock)
            }),
            blobs: BlobStore::open(directory.path().join("artifacts")).expect("a place"),
            http: pipewright_bitbucket::Http::new(pipewright_bitbucket::HttpOptions::default())
                .expect("a client"),
            mirrors: MirrorStore::open(directory.path().join("mirrors"), git).expect("a directory"),
        });
        let router = crate::router(app.clone());
        Self {
            app,
            clock,
            router,
            base,
            _directory: directory,
        }
    }

    /// A browser that nobody signed in with.
    pub(crate) fn anonymous(&self) -> Browser {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, "text/html".parse().expect("a header"));
        Browser {
            router: self.router.clone(),
            base: self.base.clone(),
            cookies: BTreeMap::new(),
            headers,
        }
    }

    /// Makes a user whose password is `correct horse battery`.
    pub(crate) async fn user(&self, email: &str) -> User {
        self.user_who(email, false).await
    }

    /// The same, who administers the installation.
    pub(crate) async fn administrator(&self, email: &str) -> User {
        self.user_who(email, true).await
    }

    async fn user_who(&self, email: &str, is_administrator: bool) -> User {
        // One hash for all tests: making one takes as long as a dozen requests.
        static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let hash = HASH.get_or_init(async || {
            crate::users::hash_password(Secret::new("correct horse battery"))
                .await
                .expect("hashes")
        });
        let user = User {
            id: UserId::new(),
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            password_hash: hash.await.clone(),
            is_administrator,
            created_at: self.app.clock.now(),
            disabled_at: None,
            may_make_accounts: true,
            may_connect: true,
            email_proved_at: Some(0),
        };
        let mut tx = self.app.db.begin().await.expect("begins");
        users::insert(&mut tx, &user).await.expect("inserts");
        tx.commit().await.expect("commits");
        user
    }

    /// Makes a team of which this user is the owner.
    pub(crate) async fn team(&self, slug: &str, owner: &User) -> Account {
        let new = NewAccount {
            slug,
            name: slug,
            kind: AccountKind::Team,
            owner: owner.id,
            now: self.app.clock.now(),
        };
        let mut tx = self.app.db.begin().await.expect("begins");
        let account = make(&mut tx, &new).await.expect("makes");
        tx.commit().await.expect("commits");
        account
    }

    /// Makes a user a member of an account that is there.
    pub(crate) async fn join(&self, slug: &str, user: &User, role: Role) {
        let account = accounts::by_slug(&self.app.db, slug)
            .await
            .expect("reads")
            .expect("the account is there");
        let mut tx = self.app.db.begin().await.expect("begins");
        members::add(&mut tx, account.id, user.id, role, self.app.clock.now())
            .await
            .expect("adds");
        tx.commit().await.expect("commits");
    }

    /// A browser that this user is signed in with.
    pub(crate) async fn signed_in(&self, user: &User) -> Browser {
        let token = new_token().expect("random bytes");
        let now = self.app.clock.now();
        let session = sessions::NewSession {
            token_hash: &hash_of_token(&token),
            user_id: user.id,
            account_id: None,
            now,
            expires_at: now + self.app.config.session_lifetime,
            address: "192.0.2.1",
            user_agent: "Test",
        };
        let mut tx = self.app.db.begin().await.expect("begins");
        sessions::insert(&mut tx, &session).await.expect("opens");
        tx.commit().await.expect("commits");
        let mut browser = self.anonymous();
        browser
            .cookies
            .insert(super::SESSION_COOKIE.to_owned(), token.expose().to_owned());
        browser
    }

    /// A browser of the owner of a new team of this slug.
    pub(crate) async fn owner_of(&self, slug: &str) -> Browser {
        let user = self.user(&format!("owner@{slug}.example")).await;
        self.team(slug, &user).await;
        self.signed_in(&user).await
    }
}

impl Browser {
    /// Opens an address of the site.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(
            Request::get(format!("{}{path}", self.base))
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        self.send(request).await
    }

    /// Sends any request, with the cookies.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let response = self.start(&mut request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 * 1024 * 1024).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Opens an address whose answer goes on: its body is read piece by piece.
    pub(crate) async fn open(&mut self, path: &str) -> http::Response<Body> {
        let mut request = Request::get(format!("{}{path}", self.base))
            .body(Body::empty())
            .expect("a request");
        self.start(&mut request).await
    }

    async fn start(&mut self, request: &mut Request<Body>) -> http::Response<Body> {
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert(value.clone());
        }
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request
                .headers_mut()
                .insert(COOKIE, cookies.join("; ").parse().expect("a header"));
        }
        let request = std::mem::take(request);
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("never fails");
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Follows an answer that leads elsewhere.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        let location = answer.location().to_owned();
        let path = location
            .strip_prefix(&self.base)
            .unwrap_or(&location)
            .to_owned();
        self.get(&path).await
    }
}

impl Answer {
    /// Where it leads; empty where it does not.
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .unwrap_or_default()
    }
}
