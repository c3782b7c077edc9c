//! The client of Bitbucket Cloud against the simulated one: real HTTP, real git, stored state.

mod support;

use std::time::Duration;

use pipewright_bitbucket::cloud::GrantedScopes;
use pipewright_bitbucket::oauth::{CallbackError, OAuthClient, OAuthError, PkceVerifier, StateToken, TokenSet, read_callback};
use pipewright_bitbucket::remote::{
    AddedKey, CommitId, KeyAccess, Permission, PullRequestState, WebhookChange, WebhookRequest, WebhookState,
};
use pipewright_bitbucket::scopes::{Feature, FeatureState, ScopeSet, compare, default_features, needed};
use pipewright_bitbucket::status::{PostedStatus, StatusState, StatusUrlProblem};
use pipewright_bitbucket::webhook::{ChangeKind, Event, PullRequestAction, decode, verify_signature};
use pipewright_bitbucket::{ApiError, Bitbucket, CloudClient, CloudEndpoints, Credential, Product, RemoteRepository, RepositoryAddress};
use pipewright_core::{RefName, Secret};
use pipewright_simulator::{AnswerFault, CloudSettings, NewPullRequest, SAMPLE_PASSWORD, Simulator, SimulatorOptions, TokenGeneration};
use support::{PUBLIC_KEY, hash, headers, http, judge_requests, receiver, status, webhook};
use url::Url;

const CALLBACK: &str = "http://127.0.0.1:9/bitbucket/callback";
const EVERY_SCOPE: &[&str] = &["account:write", "email", "pullrequest", "repository:write", "repository:admin", "webhook"];

/// A simulated Cloud with the sample team.
struct Lab {
    simulator: Simulator,
}

impl Lab {
    async fn start() -> Self {
        let simulator = Simulator::start(SimulatorOptions::default()).await.expect("the simulator starts");
        simulator.sample_team().await.expect("the sample team");
        Self { simulator }
    }

    fn endpoints(&self) -> CloudEndpoints {
        let (ssh_host, ssh_port) = self.simulator.cloud_ssh();
        CloudEndpoints {
            web: self.simulator.cloud_web_url().parse().expect("an address"),
            api: self.simulator.cloud_api_url().parse().expect("an address"),
            ssh_host,
            ssh_port,
        }
    }

    /// A consumer with these boxes ticked.
    fn consumer(&self, scopes: &[&str]) -> OAuthClient {
        let consumer = self.simulator.cloud().add_oauth_consumer("harbor", "Pipewright", CALLBACK, scopes);
        let (key, secret) = consumer.expect("a consumer");
        OAuthClient::new(http(), self.endpoints(), key, Secret::new(secret))
    }

    fn client(&self, tokens: &TokenSet) -> CloudClient {
        CloudClient::new(http(), self.endpoints(), Credential::OAuth { access_token: tokens.access_token.clone() })
    }

    /// The client of a person who granted everything.
    async fn connected(&self, user: &str) -> Bitbucket {
        let oauth = self.consumer(EVERY_SCOPE);
        let features: Vec<Feature> = Feature::ALL.to_vec();
        let tokens = grant(&oauth, user, &needed(&features)).await.expect("tokens");
        Bitbucket::Cloud(self.client(&tokens))
    }
}

/// What a person's browser does: sign in, read the consent page, press a button. Answers the callback's query.
async fn browse(authorize: Url, user: &str, decision: &str) -> String {
    let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a browser");
    let site = authorize.join("/account/signin/").expect("an address");
    let form = [("username", user), ("password", SAMPLE_PASSWORD), ("next", "/")];
    let signed_in = browser.post(site).form(&form).send().await.expect("signed in");
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let page = browser.get(authorize.clone()).header("cookie", &cookie).send().await.expect("the consent page");
    let page = page.text().await.expect("the consent page");
    let hidden = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
        rest.split('"').next().expect("a value").replace("&amp;", "&").replace("&#38;", "&")
    };
    let form = [("request", hidden("request")), ("confirmation", hidden("confirmation")), ("decision", decision.to_owned())];
    let target = authorize.join("/site/oauth2/authorize").expect("an address");
    let answer = browser.post(target).header("cookie", &cookie).form(&form).send().await.expect("the decision");
    let location = Url::parse(answer.headers()["location"].to_str().expect("text")).expect("an address");
    location.query().unwrap_or_default().to_owned()
}

/// The whole way from the button to the tokens.
async fn grant(oauth: &OAuthClient, user: &str, scopes: &ScopeSet) -> Result<TokenSet, OAuthError> {
    let (state, verifier) = (StateToken::random()?, PkceVerifier::random()?);
    let callback: Url = CALLBACK.parse().expect("an address");
    let query = browse(oauth.authorize_url(&state, &verifier, &callback, scopes)?, user, "grant").await;
    let code = read_callback(&query).expect("a code");
    assert_eq!(&code.state, state.secret(), "the state comes back unchanged");
    oauth.exchange_code(&code.code, &verifier, &callback).await
}

async fn all_repositories(bitbucket: &Bitbucket) -> Vec<RemoteRepository> {
    let mut pages = bitbucket.list_repositories();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        all.extend(page);
    }
    all
}

async fn address(bitbucket: &Bitbucket, full_name: &str) -> RepositoryAddress {
    let all = all_repositories(bitbucket).await;
    all.iter().find(|repository| repository.full_name == full_name).unwrap_or_else(|| panic!("{full_name} in {all:?}")).address()
}

#[tokio::test]
async fn a1_a2_a_grant_gives_exactly_what_was_asked_for() {
    let lab = Lab::start().await;
    for generation in [TokenGeneration::Current, TokenGeneration::Older] {
        lab.simulator.cloud().set_token_generation(generation);
        let oauth = lab.consumer(EVERY_SCOPE);
        let tokens = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
        let lines = compare(&tokens.scopes, default_features());
        assert!(lines.iter().all(|line| line.state != FeatureState::Missing), "{lines:?}");
        assert!(!tokens.scopes.allows("account:write") && !tokens.scopes.allows("repository:write"), "the request narrows the grant");
        assert!(tokens.refresh_token.is_some() && tokens.expires_in >= Duration::from_mins(30));
        assert_eq!(lab.client(&tokens).current_user().await.expect("a user").name, "mara");
        lab.simulator.cloud().delete_oauth_consumer(&key_of(&oauth));
    }
}

/// The key of a consumer, out of the address it sends people to.
fn key_of(oauth: &OAuthClient) -> String {
    let (state, verifier) = (StateToken::random().expect("randomness"), PkceVerifier::random().expect("randomness"));
    let url = oauth.authorize_url(&state, &verifier, &CALLBACK.parse().expect("an address"), &ScopeSet::default()).expect("an address");
    url.query_pairs().find(|(name, _)| name == "client_id").expect("a key").1.into_owned()
}

#[tokio::test]
async fn a2_saying_no_is_a_plain_sentence() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let (state, verifier) = (StateToken::random().expect("randomness"), PkceVerifier::random().expect("randomness"));
    let callback = CALLBACK.parse().expect("an address");
    let url = oauth.authorize_url(&state, &verifier, &callback, &needed(default_features())).expect("an address");
    assert_eq!(read_callback(&browse(url, "mara", "deny").await), Err(CallbackError::Denied));
}

#[tokio::test]
async fn a2_a_code_is_good_once_and_only_with_its_verifier() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let (state, verifier) = (StateToken::random().expect("randomness"), PkceVerifier::random().expect("randomness"));
    let callback: Url = CALLBACK.parse().expect("an address");
    let url = oauth.authorize_url(&state, &verifier, &callback, &needed(default_features())).expect("an address");
    let code = read_callback(&browse(url.clone(), "mara", "grant").await).expect("a code").code;
    oauth.exchange_code(&code, &verifier, &callback).await.expect("tokens");
    assert_eq!(oauth.exchange_code(&code, &verifier, &callback).await, Err(OAuthError::CodeInvalid));
    let code = read_callback(&browse(url, "mara", "grant").await).expect("a code").code;
    let other = PkceVerifier::random().expect("randomness");
    assert_eq!(oauth.exchange_code(&code, &other, &callback).await, Err(OAuthError::CodeInvalid));
}

#[tokio::test]
async fn a11_a_wrong_secret_and_a_missing_callback_are_named() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let wrong = OAuthClient::new(http(), lab.endpoints(), key_of(&oauth), Secret::new("wrong"));
    assert_eq!(grant(&wrong, "mara", &needed(default_features())).await, Err(OAuthError::WrongClient));
    let tokens = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
    assert!(lab.simulator.cloud().set_oauth_callback(&key_of(&oauth), ""));
    let refresh = tokens.refresh_token.expect("a refresh token");
    assert_eq!(oauth.refresh(&refresh).await, Err(OAuthError::NoCallback));
}

#[tokio::test]
async fn a8_a_revoked_grant_is_noticed_and_a_revoke_ends_the_tokens() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let first = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
    let second = oauth.refresh(&first.refresh_token.expect("a refresh token")).await.expect("the next pair");
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(lab.client(&second).current_user().await.expect("a user").display_name, "Mara Lindqvist");
    assert!(lab.simulator.cloud().revoke_grant("mara", &key_of(&oauth)).expect("a grant"));
    assert!(lab.client(&second).current_user().await.expect_err("revoked").is_unauthorized());
    let refreshed = oauth.refresh(&second.refresh_token.expect("a refresh token")).await;
    assert_eq!(refreshed, Err(OAuthError::RefreshInvalid));

    let third = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
    assert!(oauth.revoke(&third.access_token).await);
    assert!(lab.client(&third).current_user().await.expect_err("revoked").is_unauthorized());
}

#[tokio::test]
async fn a13_a_smaller_grant_names_the_missing_permission_and_breaks_nothing_else() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(&["account", "pullrequest"]);
    let tokens = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
    let lines = compare(&tokens.scopes, default_features());
    let missing: Vec<_> = lines.iter().filter(|line| line.state == FeatureState::Missing).map(|line| line.feature).collect();
    assert_eq!(missing, [Feature::Webhooks, Feature::Email]);
    let client = lab.client(&tokens);
    let bitbucket = Bitbucket::Cloud(client.clone());
    let address = address(&bitbucket, "harbor/checkout-api").await;
    match client.emails().await {
        Err(ApiError::MissingScope { required, granted, .. }) => {
            assert_eq!(required, ["email"]);
            assert!(granted.contains(&"account".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    let error = bitbucket.ensure_webhook(&address, &webhook("a"), None).await.expect_err("no webhook without its permission");
    assert!(matches!(error, ApiError::MissingScope { .. }), "{error}");
    assert!(!bitbucket.branches(&address).await.expect("reading still works").refs.is_empty());
}

#[tokio::test]
async fn a18_workspaces_and_repositories_are_listed_to_the_end() {
    let lab = Lab::start().await;
    for number in 0..130 {
        lab.simulator.cloud().add_repository("harbor-labs", &format!("lab-{number}"), true).expect("a repository");
    }
    let bitbucket = lab.connected("mara").await;
    let spaces = bitbucket.spaces().await.expect("workspaces");
    let mut names: Vec<_> = spaces.iter().map(|space| (space.key.as_str(), space.name.as_str())).collect();
    names.sort_unstable();
    assert_eq!(names, [("harbor", "Harbor"), ("harbor-labs", "Harbor Labs"), ("mara", "Mara Lindqvist")]);
    let all = all_repositories(&bitbucket).await;
    assert_eq!(all.iter().filter(|repository| repository.name.starts_with("lab-")).count(), 130, "t9: both pages were read");
    let checkout = all.iter().find(|repository| repository.full_name == "harbor/checkout-api").expect("the sample repository");
    assert_eq!(checkout.space.name, "Harbor");
    assert!(checkout.remote_id.starts_with('{') && checkout.updated_at.is_some());
    assert!(!checkout.http_url.as_deref().expect("a clone address").contains('@'));
    let read = bitbucket.repository(&checkout.address()).await.expect("the repository");
    assert_eq!((read.permission, read.default_branch.as_ref().map(RefName::short)), (Some(Permission::Admin), Some("main")));
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn t13_hostile_branch_and_tag_names_make_the_round_trip() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let Bitbucket::Cloud(client) = &bitbucket else { panic!("a client of Cloud") };
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let cloud = lab.simulator.cloud();
    for name in ["feature/x", "100%", "a#b", "größe/日本", "$(touch${IFS}pwned)", "a'b\"c", "a;b&c|d", "x%2Fy"] {
        cloud.create_branch("harbor/checkout-api", name, "main", "mara").await.expect("git accepts it");
        cloud.create_tag("harbor/checkout-api", name, "main", Some("annotated"), "mara").await.expect("git accepts it");
        let head = hash(&cloud.head("harbor/checkout-api", "main").await.expect("a head").expect("a head"));
        for name in [RefName::branch(name).expect("a name"), RefName::tag(name).expect("a name")] {
            let found = client.reference(&address, &name).await.expect("found by its name");
            assert_eq!((&found.name, &found.commit), (&name, &head), "an annotated tag gives its commit");
        }
    }
    let listed = bitbucket.branches(&address).await.expect("branches");
    assert!(listed.refs.iter().any(|branch| branch.name.short() == "$(touch${IFS}pwned)") && listed.refused.is_empty());
    assert_eq!(listed.refs.iter().filter(|branch| branch.is_default).map(|branch| branch.name.short()).collect::<Vec<_>>(), ["main"]);
    assert_eq!(bitbucket.tags(&address).await.expect("tags").refs.len(), 8);
}

#[tokio::test]
async fn files_commits_and_empty_repositories() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let path = "docs/größe & 100% #1.txt";
    let commit =
        cloud.commit("harbor/checkout-api", "main", &[(path, "tief\n")], "Add a name\n\nWith a body.", "ivo").await.expect("a commit");
    let commit = hash(&commit);
    let file = |path: &'static str, limit| bitbucket.file_at(&address, &commit, path, limit);
    assert_eq!(file(path, 100).await.expect("an answer").as_deref(), Some(b"tief\n".as_slice()));
    assert_eq!(file("no/such.file", 100).await.expect("an answer"), None);
    assert_eq!(file("docs", 10_000).await.expect("an answer"), None, "a directory is no file");
    assert!(matches!(file(path, 3).await, Err(ApiError::TooLarge { limit: 3, .. })));
    let unknown = hash("7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012");
    assert!(bitbucket.file_at(&address, &unknown, path, 100).await.expect_err("no such commit").is_not_found());

    let short = CommitId::parse(&commit.as_str()[..12]).expect("a short id");
    assert_eq!(bitbucket.resolve_commit(&address, &short).await.expect("the commit"), commit);
    let read = bitbucket.commit(&address, &short).await.expect("the commit");
    assert_eq!((read.message.trim(), read.author.name.as_str()), ("Add a name\n\nWith a body.", "Ivo Tanaka"));
    assert!(read.date.is_some() && read.parents.len() == 1 && read.author.email.is_some());

    cloud.add_repository("harbor", "empty", true).expect("a repository");
    let empty = self::address(&bitbucket, "harbor/empty").await;
    assert_eq!(bitbucket.branches(&empty).await.expect("no branches").refs.len(), 0);
    bitbucket.default_branch(&empty).await.expect("an empty repository is no error");
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn a15_there_is_one_webhook_whatever_happens() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let repository = "harbor/checkout-api";
    let address = address(&bitbucket, repository).await;
    let request = webhook("one");
    let state = |id: Option<String>| {
        let (bitbucket, address, request) = (&bitbucket, &address, &request);
        async move { bitbucket.webhook_state(address, request, id.as_deref()).await.expect("a state") }
    };
    assert_eq!(state(None).await, WebhookState::Missing);
    cloud.add_webhook(repository, "https://other.example.com/hook", None, &["repo:push"]).expect("somebody else's hook");

    let made = bitbucket.ensure_webhook(&address, &request, None).await.expect("a webhook");
    assert!(made.created && made.events.contains(&"repo:push".to_owned()) && made.events.contains(&"repo:updated".to_owned()));
    assert_eq!(state(Some(made.id.clone())).await, WebhookState::Present { id: made.id.clone() });
    let again = bitbucket.ensure_webhook(&address, &request, None).await.expect("found by its address");
    assert_eq!((again.created, &again.id), (false, &made.id));

    // Somebody switches it off, takes events away, and makes another with the same address.
    cloud.write(|tables| {
        for hook in tables.webhooks.values_mut().filter(|hook| hook.url == request.url.as_str()) {
            hook.active = false;
            hook.events = vec!["repo:push".to_owned()];
            hook.secret = None;
        }
    });
    assert!(matches!(state(None).await, WebhookState::Paused { .. }));
    cloud.add_webhook(repository, request.url.as_str(), None, &["repo:push"]).expect("a duplicate");
    let repaired = bitbucket.ensure_webhook(&address, &request, Some(&made.id)).await.expect("repaired");
    assert_eq!((repaired.created, repaired.duplicates_removed, &repaired.id), (false, 1, &made.id));
    let hooks = cloud.webhooks(repository).expect("the hooks");
    assert_eq!(hooks.len(), 2, "ours and somebody else's");
    let ours = hooks.iter().find(|hook| hook.url == request.url.as_str()).expect("ours");
    assert!(ours.active && ours.secret.as_deref() == Some(request.secret.expose()) && ours.events.len() >= 5);

    // Our address changes: the known hook moves along.
    let moved = webhook("two");
    match bitbucket.webhook_state(&address, &moved, Some(&made.id)).await.expect("a state") {
        WebhookState::Changed { changes, .. } => assert_eq!(changes, [WebhookChange::Url(request.url.to_string())]),
        other => panic!("{other:?}"),
    }
    assert_eq!(bitbucket.ensure_webhook(&address, &moved, Some(&made.id)).await.expect("moved").id, made.id);
    assert_eq!(bitbucket.delete_webhook(&address, &moved.url, None).await.expect("removed"), 1);
    assert_eq!(bitbucket.delete_webhook(&address, &moved.url, Some(&made.id)).await.expect("nothing left"), 0);
    assert_eq!(cloud.webhooks(repository).expect("the hooks").len(), 1);
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn a15_without_the_right_to_administer_nothing_is_made() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("ivo").await;
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket.ensure_webhook(&address, &webhook("a"), None).await.expect_err("ivo only writes");
    assert!(matches!(error, ApiError::Forbidden { .. }) && error.needs_a_person(), "{error}");
    assert_eq!(bitbucket.repository(&address).await.expect("readable").permission, Some(Permission::Write));
}

#[tokio::test]
async fn a_refused_hook_address_says_why() {
    let lab = Lab::start().await;
    lab.simulator.cloud().set_settings(CloudSettings { refuse_private_hook_urls: true, ..CloudSettings::default() });
    let bitbucket = lab.connected("mara").await;
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket.ensure_webhook(&address, &webhook("a"), None).await.expect_err("loopback is refused");
    assert!(matches!(&error, ApiError::Invalid { .. }) && error.to_string().contains("url"), "{error}");
}

#[tokio::test]
async fn t1_t2_what_is_pushed_comes_back_signed_and_is_understood() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let request = WebhookRequest { url: receiver().await, ..webhook("push") };
    let made = bitbucket.ensure_webhook(&address, &request, None).await.expect("a webhook");
    let updates = [
        pipewright_simulator::RefUpdate::branch("main").commit(&[("a.txt", "a")], "Add a"),
        pipewright_simulator::RefUpdate::branch("release/1").commit(&[("b.txt", "b")], "Add b"),
        pipewright_simulator::RefUpdate::tag("v1").to(&cloud.head("harbor/checkout-api", "main").await.expect("a head").expect("a head")),
    ];
    let hashes = cloud.push("harbor/checkout-api", &updates, "ivo").await.expect("pushed");
    let number = cloud
        .open_pull_request(NewPullRequest {
            repository: "harbor/checkout-api",
            title: "Release",
            source: "release/1",
            source_repository: None,
            destination: "main",
            author: "ivo",
        })
        .await
        .expect("opened");
    cloud.delete_branch("harbor/checkout-api", "release/1", "ivo").await.expect("deleted");
    cloud.settled().await;

    let mut events = Vec::new();
    for delivery in cloud.deliveries("harbor/checkout-api").expect("deliveries") {
        let headers = headers(&delivery);
        assert_eq!(headers.hook_id.as_deref(), Some(made.id.trim_matches(['{', '}'])));
        assert!(headers.request_id.is_some() && headers.attempt_number.is_some());
        verify_signature(&request.secret, &delivery.body, headers.signature.as_deref()).expect("signed by us");
        assert!(verify_signature(&Secret::new("other"), &delivery.body, headers.signature.as_deref()).is_err());
        events.push(decode(Product::Cloud, &headers.event_key, &delivery.body).expect("understood"));
    }
    let pushes: Vec<_> = events.iter().filter_map(|event| if let Event::Push(push) = event { Some(push) } else { None }).collect();
    let first = pushes[0];
    assert_eq!(first.repository.address.remote_id, address.remote_id);
    assert_eq!(first.actor.as_ref().expect("an actor").display_name, "Ivo Tanaka");
    assert_eq!(first.changes.len(), 3, "every change of the push is there");
    for (change, hash) in first.changes.iter().zip(&hashes) {
        assert_eq!(change.new.as_ref().map(ToString::to_string), *hash);
    }
    assert_eq!(first.changes[0].head.as_ref().expect("a commit").message.trim(), "Add a");
    let deleted = &pushes.last().expect("a deletion").changes[0];
    assert!(deleted.kind == ChangeKind::Deleted && deleted.new.is_none(), "t11");
    let opened =
        events.iter().find_map(|event| if let Event::PullRequest(event) = event { Some(event) } else { None }).expect("a pull request");
    assert_eq!((opened.action, opened.pull_request.id, opened.from_fork), (PullRequestAction::Opened, number, false));
    let short = opened.pull_request.source.commit.clone().expect("a commit");
    assert_eq!(Some(bitbucket.resolve_commit(&address, &short).await.expect("resolved").to_string()), hashes[1]);
}

#[tokio::test]
async fn pull_requests_are_read_with_both_ends() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    cloud.commit("harbor/checkout-api", "feature/a", &[("a", "a")], "A", "ivo").await.expect("a commit");
    cloud.fork("harbor/checkout-api", "noor", "checkout-api", "noor").await.expect("a fork");
    cloud.commit("noor/checkout-api", "fix", &[("b", "b")], "B", "noor").await.expect("a commit");
    let new = |source: &'static str, source_repository, author| NewPullRequest {
        repository: "harbor/checkout-api",
        title: "T",
        source,
        source_repository,
        destination: "main",
        author,
    };
    let own = cloud.open_pull_request(new("feature/a", None, "ivo")).await.expect("opened");
    let forked = cloud.open_pull_request(new("fix", Some("noor/checkout-api"), "noor")).await.expect("opened");
    let open = bitbucket.open_pull_requests(&address).await.expect("pull requests");
    let found = |id| open.iter().find(|pull_request| pull_request.id == id).expect("listed");
    assert!(!found(own).is_from_fork() && found(forked).is_from_fork());
    assert_eq!(found(own).source.reference.as_ref().expect("a branch").to_string(), "refs/heads/feature/a");
    let fork = found(forked).source.repository.as_ref().expect("the fork");
    assert_eq!(fork.full_name, "noor/checkout-api");
    cloud.merge_pull_request("harbor/checkout-api", own, "mara").await.expect("merged");
    let merged = bitbucket.pull_request(&address, own).await.expect("read");
    assert!(merged.state == PullRequestState::Merged && merged.merge_commit.is_some());
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn t3_t4_statuses_are_posted_and_overwritten() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("ivo").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let head = cloud.head("harbor/checkout-api", "main").await.expect("a head").expect("a head");
    for state in [StatusState::InProgress, StatusState::Stopped] {
        assert_eq!(bitbucket.post_status(&address, &status(&head, state)).await.expect("posted"), PostedStatus::Posted);
    }
    let shown: Vec<_> = cloud.read(|tables| tables.current_statuses(&head).into_iter().cloned().collect());
    assert_eq!(shown.len(), 1, "the same key overwrites");
    assert_eq!((shown[0].state.as_str(), shown[0].refname.as_deref()), ("STOPPED", Some("main")));
    let mut unseen = status(&head, StatusState::Failed);
    unseen.url = "http://localhost:8080/builds/7".parse().expect("an address");
    let skipped = PostedStatus::Skipped(StatusUrlProblem::HostWithoutDot("localhost".to_owned()));
    assert_eq!(bitbucket.post_status(&address, &unseen).await.expect("no error"), skipped);
    let mut endless = status(&head, StatusState::Failed);
    endless.description = "👍".repeat(1_000);
    endless.name = "n".repeat(1_000);
    assert_eq!(bitbucket.post_status(&address, &endless).await.expect("cut, not refused"), PostedStatus::Posted);
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn a16_keys_are_added_once_and_removed_again() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let added = bitbucket.add_user_key(PUBLIC_KEY, "Pipewright").await.expect("added");
    assert!(matches!(added, AddedKey::Added(_)));
    let again = bitbucket.add_user_key(PUBLIC_KEY, "Pipewright").await.expect("there");
    assert_eq!(again, AddedKey::AlreadyThere(added.key().clone()));
    let taken = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read).await;
    assert!(matches!(taken, Err(ApiError::Invalid { .. })), "a key has one owner: {taken:?}");
    bitbucket.remove_user_key(&added.key().id).await.expect("removed");
    bitbucket.remove_user_key(&added.key().id).await.expect("gone is no error");
    assert!(cloud.user_ssh_keys("mara").expect("keys").is_empty());
    let deploy = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read).await.expect("added");
    assert_eq!(cloud.access_keys("harbor/checkout-api").expect("keys").len(), 1);
    bitbucket.remove_repository_key(&address, &deploy.key().id).await.expect("removed");
    assert!(cloud.access_keys("harbor/checkout-api").expect("keys").is_empty());
    let write = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Write).await;
    assert!(matches!(write, Err(ApiError::BadRequest { .. })));
    judge_requests(pipewright_simulator::Product::Cloud, lab.simulator.cloud_record());
}

#[tokio::test]
async fn api_tokens_and_access_tokens_work_too() {
    let lab = Lab::start().await;
    let scopes = ["read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket"];
    let token = lab.simulator.cloud().add_api_token("mara", &scopes, None).expect("a token");
    let credential = Credential::ApiToken { email: "mara@harbor.example".to_owned(), token: Secret::new(token) };
    let bitbucket = Bitbucket::Cloud(CloudClient::new(http(), lab.endpoints(), credential));
    assert!(all_repositories(&bitbucket).await.len() >= 4);
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket.ensure_webhook(&address, &webhook("a"), None).await.expect_err("not ticked");
    assert!(matches!(&error, ApiError::MissingScope { required, .. } if required.iter().any(|scope| scope.contains("webhook"))), "{error}");

    let token = lab.simulator.cloud().add_access_token("harbor/checkout-api", &["repository", "webhook", "pullrequest"]).expect("a token");
    let client = CloudClient::new(http(), lab.endpoints(), Credential::AccessToken(Secret::new(token)));
    let bitbucket = Bitbucket::Cloud(client);
    assert!(!bitbucket.branches(&address).await.expect("branches").refs.is_empty());
    bitbucket.ensure_webhook(&address, &webhook("b"), None).await.expect("a repository's token may");
    let key = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read).await;
    assert!(key.expect_err("access tokens cannot manage keys").needs_a_person());
}

#[tokio::test]
async fn granted_scopes_are_found_out_or_unknown() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let tokens = grant(&oauth, "mara", &needed(default_features())).await.expect("tokens");
    match lab.client(&tokens).granted_scopes().await.expect("an answer") {
        GrantedScopes::Known(scopes) => assert!(scopes.allows("repository") && !scopes.allows("repository:write")),
        GrantedScopes::Unknown => {}
    }
    let wrong = TokenSet { access_token: Secret::new("wrong"), ..tokens };
    assert!(lab.client(&wrong).granted_scopes().await.expect_err("no such token").is_unauthorized());
}

#[tokio::test]
async fn t17_faults_are_told_apart() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let faults = lab.simulator.cloud().faults();
    faults.rate_limit_next(1, Some(42));
    let error = bitbucket.current_user().await.expect_err("limited");
    assert_eq!((error.retry_after(), error.is_retryable()), (Some(Duration::from_secs(42)), true));
    faults.answer(AnswerFault::next(1, 555));
    let error = bitbucket.current_user().await.expect_err("too slow for Bitbucket itself");
    assert!(matches!(error, ApiError::Server { status: 555, .. }) && error.is_retryable());
    faults.answer(AnswerFault::next(1, 401));
    assert!(bitbucket.current_user().await.expect_err("expired").is_unauthorized());
    assert_eq!(bitbucket.current_user().await.expect("well again").name, "mara");
    faults.unreachable(true);
    let error = bitbucket.current_user().await.expect_err("unreachable");
    assert!(error.is_retryable() && !error.needs_a_person(), "{error}");
}
