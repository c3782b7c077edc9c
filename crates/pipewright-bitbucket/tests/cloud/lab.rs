//! A simulated Cloud with its sample team, and what a person does there with a browser.

use crate::support::http;
use pipewright_bitbucket::oauth::{
    OAuthClient, OAuthError, PkceVerifier, StateToken, TokenSet, read_callback,
};
use pipewright_bitbucket::scopes::{Feature, ScopeSet, needed};
use pipewright_bitbucket::{
    Bitbucket, CloudClient, CloudEndpoints, Credential, RemoteRepository, RepositoryAddress,
};
use pipewright_core::Secret;
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};
use url::Url;

pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/bitbucket/callback";

pub(crate) const EVERY_SCOPE: &[&str] = &[
    "account:write",
    "email",
    "pullrequest",
    "repository:write",
    "repository:admin",
    "webhook",
];

/// A simulated Cloud with the sample team.
pub(crate) struct Lab {
    pub(crate) simulator: Simulator,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        let simulator = Simulator::start(SimulatorOptions::default())
            .await
            .expect("the simulator starts");
        simulator.sample_team().await.expect("the sample team");
        Self { simulator }
    }

    pub(crate) fn endpoints(&self) -> CloudEndpoints {
        let (ssh_host, ssh_port) = self.simulator.cloud_ssh();
        CloudEndpoints {
            web: self.simulator.cloud_web_url().parse().expect("an address"),
            api: self.simulator.cloud_api_url().parse().expect("an address"),
            ssh_host,
            ssh_port,
        }
    }

    /// A consumer with these boxes ticked.
    pub(crate) fn consumer(&self, scopes: &[&str]) -> OAuthClient {
        let consumer =
            self.simulator
                .cloud()
                .add_oauth_consumer("harbor", "Pipewright", CALLBACK, scopes);
        let (key, secret) = consumer.expect("a consumer");
        OAuthClient::new(http(), self.endpoints(), key, Secret::new(secret))
    }

    pub(crate) fn client(&self, tokens: &TokenSet) -> CloudClient {
        CloudClient::new(
            http(),
            self.endpoints(),
            Credential::OAuth {
                access_token: tokens.access_token.clone(),
            },
        )
    }

    /// The client of a person who granted everything.
    pub(crate) async fn connected(&self, user: &str) -> Bitbucket {
        let oauth = self.consumer(EVERY_SCOPE);
        let features: Vec<Feature> = Feature::ALL.to_vec();
        let tokens = grant(&oauth, user, &needed(&features))
            .await
            .expect("tokens");
        Bitbucket::Cloud(self.client(&tokens))
    }
}

/// What a person's browser does: sign in, read the consent page, press a button. Answers the callback's query.
pub(crate) async fn browse(authorize: Url, user: &str, decision: &str) -> String {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a browser");
    let site = authorize.join("/account/signin/").expect("an address");
    let form = [
        ("username", user),
        ("password", SAMPLE_PASSWORD),
        ("next", "/"),
    ];
    let signed_in = browser
        .post(site)
        .form(&form)
        .send()
        .await
        .expect("signed in");
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .split(';')
        .next()
        .expect("a cookie")
        .to_owned();
    let page = browser
        .get(authorize.clone())
        .header("cookie", &cookie)
        .send()
        .await
        .expect("the consent page");
    let page = page.text().await.expect("the consent page");
    let hidden = |name: &str| {
        let (_, rest) = page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no {name} in {page}"));
        rest.split('"')
            .next()
            .expect("a value")
            .replace("&amp;", "&")
            .replace("&#38;", "&")
    };
    let form = [
        ("request", hidden("request")),
        ("confirmation", hidden("confirmation")),
        ("decision", decision.to_owned()),
    ];
    let target = authorize
        .join("/site/oauth2/authorize")
        .expect("an address");
    let answer = browser
        .post(target)
        .header("cookie", &cookie)
        .form(&form)
        .send()
        .await
        .expect("the decision");
    let location =
        Url::parse(answer.headers()["location"].to_str().expect("text")).expect("an address");
    location.query().unwrap_or_default().to_owned()
}

/// The whole way from the button to the tokens.
pub(crate) async fn grant(
    oauth: &OAuthClient,
    user: &str,
    scopes: &ScopeSet,
) -> Result<TokenSet, OAuthError> {
    let (state, verifier) = (StateToken::random()?, PkceVerifier::random()?);
    let callback: Url = CALLBACK.parse().expect("an address");
    let query = browse(
        oauth.authorize_url(&state, &verifier, &callback, scopes)?,
        user,
        "grant",
    )
    .await;
    let code = read_callback(&query).expect("a code");
    assert_eq!(
        &code.state,
        state.secret(),
        "the state comes back unchanged"
    );
    oauth.exchange_code(&code.code, &verifier, &callback).await
}

pub(crate) async fn all_repositories(bitbucket: &Bitbucket) -> Vec<RemoteRepository> {
    let mut pages = bitbucket.list_repositories();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        all.extend(page);
    }
    all
}

pub(crate) async fn address(bitbucket: &Bitbucket, full_name: &str) -> RepositoryAddress {
    let all = all_repositories(bitbucket).await;
    all.iter()
        .find(|repository| repository.full_name == full_name)
        .unwrap_or_else(|| panic!("{full_name} in {all:?}"))
        .address()
}

/// The key of a consumer, out of the address it sends people to.
pub(crate) fn key_of(oauth: &OAuthClient) -> String {
    let (state, verifier) = (
        StateToken::random().expect("randomness"),
        PkceVerifier::random().expect("randomness"),
    );
    let url = oauth
        .authorize_url(
            &state,
            &verifier,
            &CALLBACK.parse().expect("an address"),
            &ScopeSet::default(),
        )
        .expect("an address");
    url.query_pairs()
        .find(|(name, _)| name == "client_id")
        .expect("a key")
        .1
        .into_owned()
}
