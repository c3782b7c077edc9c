//! A site, both simulated Bitbuckets with the sample team, and an owner's browser.

use pipewright_core::Secret;
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};
use pipewright_store::accounts::{self, Account};
use pipewright_store::integrations::{self, Integration, IntegrationKind};

use crate::access::consumer;
use crate::app::App;
use crate::web::testing::{Answer, Browser, TestSite};

/// The slug of the account.
pub(crate) const TEAM: &str = "harbor-team";

/// Its page of integrations.
pub(crate) const PAGE: &str = "/harbor-team/settings/integrations";

/// Everything.
pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) site: TestSite,
    pub(crate) owner: Browser,
}

impl World {
    /// The sample team at both Bitbuckets, and a site that is connected to neither.
    pub(crate) async fn new() -> Self {
        let sim = Simulator::start(SimulatorOptions::default())
            .await
            .expect("the simulator starts");
        sim.sample_team().await.expect("the sample team");
        Self::with(sim, |_| {}).await
    }

    /// A site before this simulator.
    pub(crate) async fn with(
        sim: Simulator,
        change: impl FnOnce(&mut crate::ServerConfig),
    ) -> Self {
        let (ssh_host, ssh_port) = sim.cloud_ssh();
        let (web, api) = (sim.cloud_web_url(), sim.cloud_api_url());
        let site = TestSite::configured("http://127.0.0.1:1/pipewright", |config| {
            config.cloud.web = web.parse().expect("an address");
            config.cloud.api = api.parse().expect("an address");
            config.cloud.ssh_host = ssh_host;
            config.cloud.ssh_port = ssh_port;
            change(config);
        })
        .await;
        let owner = site.owner_of(TEAM).await;
        Self { sim, site, owner }
    }

    /// The server's parts.
    pub(crate) fn app(&self) -> &App {
        &self.site.app
    }

    /// Makes a consumer in Bitbucket with these scopes and enters it here.
    pub(crate) async fn set_up_consumer(&self, scopes: &[&str]) -> String {
        let callback = consumer::callback_url(self.app());
        let (key, secret) = self
            .sim
            .cloud()
            .add_oauth_consumer("harbor", "Pipewright", &callback, scopes)
            .expect("a consumer");
        self.enter_consumer(&key, &secret).await;
        key
    }

    /// Enters a consumer here.
    pub(crate) async fn enter_consumer(&self, key: &str, secret: &str) {
        let consumer = consumer::Consumer {
            key: key.to_owned(),
            secret: Secret::new(secret),
        };
        let mut tx = self.app().db.begin().await.expect("begins");
        consumer::save(self.app(), &mut tx, &consumer)
            .await
            .expect("saves");
        tx.commit().await.expect("commits");
    }

    /// Goes to Bitbucket's page and back with mara's decision; gives the answer to the callback.
    pub(crate) async fn consent(&mut self, boxes: &[(&str, &str)], decision: &str) -> Answer {
        let callback = self.callback(boxes, decision).await;
        self.owner.get(&callback).await
    }

    /// Goes to Bitbucket's page with mara's decision; gives the path that leads back.
    pub(crate) async fn callback(&mut self, boxes: &[(&str, &str)], decision: &str) -> String {
        let sent = self
            .owner
            .post(&format!("{PAGE}/bitbucket/connect"), boxes)
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let back = consent_at(&self.sim, sent.location(), decision).await;
        back.strip_prefix("http://127.0.0.1:1/pipewright")
            .expect("a way back to us")
            .to_owned()
    }

    /// Connects Bitbucket Cloud as mara.
    pub(crate) async fn connect_cloud(&mut self) -> Integration {
        self.set_up_consumer(&[
            "account:write",
            "email",
            "pullrequest",
            "webhook",
            "repository:admin",
        ])
        .await;
        let answer = self.consent(&[], "grant").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.integration(IntegrationKind::Cloud).await
    }

    /// Connects the Data Center as mara.
    pub(crate) async fn connect_server(&mut self) -> Integration {
        let (url, port) = (
            self.sim.datacenter_url(),
            self.sim.datacenter_ssh().1.to_string(),
        );
        let answer = self
            .add_credentials(&url, "mara", SAMPLE_PASSWORD, &port)
            .await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.integration(IntegrationKind::DataCenter).await
    }

    /// Presses **Add Credentials**.
    pub(crate) async fn add_credentials(
        &mut self,
        host: &str,
        username: &str,
        password: &str,
        ssh_port: &str,
    ) -> Answer {
        let fields = [
            ("host", host),
            ("username", username),
            ("password", password),
            ("ssh_port", ssh_port),
        ];
        self.owner
            .post(&format!("{PAGE}/bitbucket-server"), &fields)
            .await
    }

    /// The account.
    pub(crate) async fn account(&self) -> Account {
        accounts::by_slug(&self.app().db, TEAM)
            .await
            .expect("reads")
            .expect("is there")
    }

    /// Its integrations.
    pub(crate) async fn integrations(&self) -> Vec<Integration> {
        integrations::by_account(&self.app().db, self.account().await.id)
            .await
            .expect("reads")
    }

    /// Its integration of this kind.
    pub(crate) async fn integration(&self, kind: IntegrationKind) -> Integration {
        self.integrations()
            .await
            .into_iter()
            .find(|integration| integration.kind == kind)
            .expect("is connected")
    }

    /// The page of integrations as it is now.
    pub(crate) async fn page(&mut self) -> String {
        let answer = self.owner.get(PAGE).await;
        assert_eq!(answer.status, 200);
        answer.text
    }

    /// Does everything that waits in the background, once.
    pub(crate) async fn background(&self) {
        let app = self.app();
        crate::repositories::list_due(app).await.expect("lists");
        crate::repositories::inspect_due(app).await.expect("looks");
        super::super::keep::check_due_keys(app)
            .await
            .expect("checks");
        crate::webhooks::keep(app).await.expect("keeps");
    }
}

/// The flash that an answer carries to the next page.
pub(crate) fn flash(browser: &Browser) -> String {
    let cookie = browser.cookie("pipewright_flash").unwrap_or_default();
    percent_encoding::percent_decode_str(cookie)
        .decode_utf8_lossy()
        .into_owned()
}

/// Signs mara in at the simulated Bitbucket, decides on the consent page, and gives the address that it leads back to.
pub(crate) async fn consent_at(sim: &Simulator, authorize: &str, decision: &str) -> String {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client");
    let sign_in = [
        ("username", "mara"),
        ("password", SAMPLE_PASSWORD),
        ("next", "/"),
    ];
    let signed_in = client
        .post(format!("{}/account/signin/", sim.cloud_web_url()))
        .form(&sign_in)
        .send()
        .await
        .expect("answers");
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .split(';')
        .next()
        .expect("a cookie")
        .to_owned();
    let page = client
        .get(authorize)
        .header("cookie", &cookie)
        .send()
        .await
        .expect("answers")
        .text()
        .await
        .expect("a page");
    let hidden = |name: &str| {
        let marker = format!("name=\"{name}\" value=\"");
        let start = page
            .find(&marker)
            .unwrap_or_else(|| panic!("no field {name} in {page}"))
            + marker.len();
        page[start..]
            .split('"')
            .next()
            .expect("ends")
            .replace("&#38;", "&")
            .replace("&amp;", "&")
    };
    let form = [
        ("request", hidden("request")),
        ("confirmation", hidden("confirmation")),
        ("decision", decision.to_owned()),
    ];
    let address = format!("{}/site/oauth2/authorize", sim.cloud_web_url());
    let back = client
        .post(address)
        .header("cookie", &cookie)
        .form(&form)
        .send()
        .await
        .expect("answers");
    back.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned()
}
