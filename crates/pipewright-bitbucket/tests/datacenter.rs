//! The client of Bitbucket Data Center against the simulated one: real HTTP, real git, stored state, several versions.

mod support;

use pipewright_bitbucket::datacenter::{ConnectionError, parse_base_url, sign_in};
use pipewright_bitbucket::remote::{AddedKey, CommitId, KeyAccess, Permission, PullRequestState, WebhookRequest, WebhookState};
use pipewright_bitbucket::status::{PostedStatus, StatusState};
use pipewright_bitbucket::webhook::{ChangeKind, Event, PullRequestAction, decode, verify_signature};
use pipewright_bitbucket::{ApiError, Bitbucket, Credential, DataCenterClient, Product, RemoteRepository, RepositoryAddress};
use pipewright_core::{RefName, Secret};
use pipewright_simulator::state::{Delivery, Permission as SimulatedPermission};
use pipewright_simulator::{DatacenterOptions, SAMPLE_PASSWORD, Simulator, SimulatorOptions, TokenLevel, Version};
use rstest::rstest;
use support::{PUBLIC_KEY, hash, headers, http, judge_requests, receiver, status, webhook};
use url::Url;

const REPOSITORY: &str = "FIN/ledger";

/// A simulated Data Center with the sample team.
struct Lab {
    simulator: Simulator,
}

impl Lab {
    async fn start(version: Version) -> Self {
        let datacenter = DatacenterOptions { version, ..DatacenterOptions::default() };
        let simulator =
            Simulator::start(SimulatorOptions { datacenter, ..SimulatorOptions::default() }).await.expect("the simulator starts");
        simulator.sample_team().await.expect("the sample team");
        simulator.datacenter().allow_basic();
        Self { simulator }
    }

    fn base(&self) -> Url {
        parse_base_url(&self.simulator.datacenter_url()).expect("an address")
    }

    fn client(&self, user: &str) -> DataCenterClient {
        let password = Secret::new(SAMPLE_PASSWORD);
        DataCenterClient::new(http(), self.base(), Credential::Basic { user: user.to_owned(), password })
    }

    fn connected(&self, user: &str) -> Bitbucket {
        Bitbucket::DataCenter(self.client(user))
    }

    fn deliveries(&self) -> Vec<Delivery> {
        self.simulator.datacenter().deliveries(REPOSITORY).expect("deliveries")
    }
}

async fn all_repositories(bitbucket: &Bitbucket) -> Vec<RemoteRepository> {
    let mut pages = bitbucket.list_repositories();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        all.extend(page);
    }
    all
}

async fn address(bitbucket: &Bitbucket) -> RepositoryAddress {
    let all = all_repositories(bitbucket).await;
    all.iter().find(|repository| repository.full_name == REPOSITORY).unwrap_or_else(|| panic!("{REPOSITORY} in {all:?}")).address()
}

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn a9_a_connection_finds_out_what_it_needs(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let signed_in = sign_in(&http(), &lab.base(), "mara", &Secret::new(SAMPLE_PASSWORD)).await.expect("connected");
    let found = signed_in.connection;
    assert_eq!(found.version.text, version.to_string());
    assert_eq!((found.user.name.as_str(), found.user.display_name.as_str()), ("mara", "Mara Lindqvist"));
    let (_, port) = lab.simulator.datacenter_ssh();
    let ssh = found.ssh.expect("the settings");
    assert_eq!((ssh.port, ssh.enabled, ssh.access_keys_enabled), (Some(port), true, true));
    assert_eq!(ssh.fingerprint, Some(lab.simulator.datacenter().ssh_host_key().fingerprint()));
    assert!(found.capabilities.rich_build_status && found.administered.names.contains(&REPOSITORY.to_owned()));
    assert!(matches!(signed_in.credential, Credential::Basic { .. }));
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
}

#[tokio::test]
async fn a9_each_failure_has_its_own_sentence() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let attempt = async |base: Url, user: &str, password: &str| sign_in(&http(), &base, user, &Secret::new(password)).await.map(|_| ());

    assert_eq!(attempt(lab.base(), "mara", "wrong").await, Err(ConnectionError::WrongPassword));
    assert_eq!(attempt(lab.base(), "", "no-such-token").await, Err(ConnectionError::TokenRefused));
    datacenter.require_captcha("mara").expect("a user");
    match attempt(lab.base(), "mara", SAMPLE_PASSWORD).await {
        Err(ConnectionError::CaptchaRequired { login_url }) => {
            assert_eq!(login_url.expect("on the same host").host_str(), Some("127.0.0.1"));
        }
        other => panic!("{other:?}"),
    }
    datacenter.clear_captcha("mara").expect("a user");
    datacenter.disable_basic();
    assert_eq!(attempt(lab.base(), "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::PasswordsRefused));
    datacenter.allow_basic();
    let mut wrong_path = lab.base();
    wrong_path.set_path("/git");
    assert_eq!(attempt(wrong_path, "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::WrongContextPath { found: lab.base() }));
    let cloud: Url = lab.simulator.cloud_web_url().parse().expect("an address");
    assert!(matches!(attempt(cloud, "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::NotBitbucket { .. })));
    let mut tls = lab.base();
    tls.set_scheme("https").expect("a scheme");
    assert!(matches!(attempt(tls, "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::NotTls { .. })));
    let unknown: Url = "https://bitbucket.invalid/".parse().expect("an address");
    assert!(matches!(attempt(unknown, "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::UnknownHost { .. })));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed: Url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("an address");
    drop(listener);
    assert!(matches!(attempt(closed, "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::PortClosed { .. })));
    datacenter.faults().rate_limit_next(1, Some(5));
    assert_eq!(attempt(lab.base(), "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::RateLimited));
    datacenter.faults().fail_next(1, 503);
    assert!(matches!(attempt(lab.base(), "mara", SAMPLE_PASSWORD).await, Err(ConnectionError::ServerFailed { status: 503, .. })));
    assert_eq!(attempt(lab.base(), "mara", SAMPLE_PASSWORD).await, Ok(()));
}

#[tokio::test]
async fn a9_wrong_passwords_never_run_into_the_captcha_by_themselves() {
    let lab = Lab::start(Version::default()).await;
    lab.simulator.datacenter().set_captcha_after(2);
    assert!(sign_in(&http(), &lab.base(), "mara", &Secret::new("wrong")).await.is_err());
    sign_in(&http(), &lab.base(), "mara", &Secret::new(SAMPLE_PASSWORD)).await.expect("one attempt counted once");
}

#[rstest]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn a9_a_token_works_in_place_of_the_password(#[case] version: Version) {
    let lab = Lab::start(version).await;
    lab.simulator.datacenter().disable_basic();
    let levels = [TokenLevel::Project(SimulatedPermission::Read), TokenLevel::Repository(SimulatedPermission::Admin)];
    let token = lab.simulator.datacenter().create_token("mara", "Pipewright", &levels).expect("a token");
    let signed_in = sign_in(&http(), &lab.base(), "mara", &Secret::new(token.clone())).await.expect("connected");
    assert_eq!(signed_in.credential, Credential::HttpAccessToken(Secret::new(token.clone())));
    assert_eq!(signed_in.connection.user.name, "mara");
    let bitbucket = Bitbucket::DataCenter(DataCenterClient::new(http(), lab.base(), signed_in.credential));
    assert!(!bitbucket.branches(&address(&bitbucket).await).await.expect("branches").refs.is_empty());
    assert!(lab.simulator.datacenter().revoke_token(&token));
    assert!(bitbucket.current_user().await.expect_err("revoked").is_unauthorized());
}

#[tokio::test]
async fn a_repositorys_token_signs_in_as_its_synthetic_user() {
    let lab = Lab::start(Version::default()).await;
    let token = lab.simulator.datacenter().create_repository_token(REPOSITORY, "Pipewright", SimulatedPermission::Admin).expect("a token");
    let signed_in = sign_in(&http(), &lab.base(), "", &Secret::new(token)).await.expect("connected");
    assert!(signed_in.connection.user.service);
    assert_eq!(signed_in.connection.administered.names, [REPOSITORY]);
}

#[tokio::test]
async fn a18_projects_and_repositories_are_listed_to_the_end() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    for number in 0..130 {
        datacenter.add_repository("OPS", &format!("lab-{number}"), true).expect("a repository");
    }
    datacenter.set_page_limit(40);
    let bitbucket = lab.connected("mara");
    let keys: Vec<_> = bitbucket.spaces().await.expect("projects").into_iter().map(|space| space.key).collect();
    assert!(["FIN", "OPS"].iter().all(|key| keys.iter().any(|have| have == key)), "{keys:?}");
    let all = all_repositories(&bitbucket).await;
    assert!(all.iter().filter(|repository| repository.space.key == "OPS").count() >= 130, "t9: all pages were read");
    let mut ids: Vec<_> = all.iter().map(|repository| &repository.remote_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "no repository comes twice");
    assert!(all.iter().all(|repository| repository.permission == Some(Permission::Admin)));

    let reader = lab.connected("noor");
    let theirs = all_repositories(&reader).await;
    let checkout = theirs.iter().find(|repository| repository.full_name == REPOSITORY).expect("readable");
    assert_eq!(checkout.permission, Some(Permission::Read));
    assert!(checkout.ssh_url.as_deref().expect("an address").starts_with("ssh://git@127.0.0.1:"));
    assert!(!checkout.http_url.as_deref().expect("an address").contains('@'));
    let read = bitbucket.repository(&checkout.address()).await.expect("the repository");
    assert_eq!((read.permission, read.default_branch.as_ref().map(RefName::short)), (Some(Permission::Admin), Some("main")));
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
}

#[tokio::test]
async fn a_moved_repository_is_found_by_its_number_and_an_impostor_is_not_it() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    datacenter.move_repository(REPOSITORY, "OPS", "mara").await.expect("moved");
    assert!(bitbucket.repository(&address).await.expect_err("gone from there").is_not_found());
    datacenter.add_repository("FIN", "ledger", true).expect("the path is free");
    assert!(bitbucket.repository(&address).await.expect_err("another one").is_not_found());
    let moved = bitbucket.find_moved_repository(&address).await.expect("a search").expect("found");
    assert_eq!((moved.full_name.as_str(), &moved.remote_id), ("OPS/ledger", &address.remote_id));
}

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[tokio::test]
async fn t12_t13_refs_files_and_tags_with_hostile_names(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let names = ["feature/x", "100%", "a#b", "größe/日本", "$(touch${IFS}pwned)", "a'b\"c", "x%2Fy"];
    let head = hash(&datacenter.head(REPOSITORY, "main").await.expect("a head").expect("a head"));
    for name in names {
        datacenter.create_branch(REPOSITORY, name, "main", "mara").await.expect("git accepts it");
        datacenter.create_tag(REPOSITORY, name, "main", Some("annotated"), "mara").await.expect("git accepts it");
        let object = datacenter.head(REPOSITORY, &format!("refs/tags/{name}")).await.expect("an object").expect("an object");
        let tag = RefName::tag(name).expect("a name");
        assert_eq!(bitbucket.peel_tag(&address, &tag, &hash(&object)).await.expect("peeled"), head, "{name}");
    }
    let branches = bitbucket.branches(&address).await.expect("branches");
    assert!(names.iter().all(|name| branches.refs.iter().any(|branch| branch.name.short() == *name && branch.commit == head)));
    assert_eq!(branches.refs.iter().filter(|branch| branch.is_default).map(|branch| branch.name.short()).collect::<Vec<_>>(), ["main"]);
    let tags = bitbucket.tags(&address).await.expect("tags");
    assert!(tags.refs.len() >= names.len() && tags.refs.iter().all(|tag| tag.commit == head), "commits, not tag objects");
    assert_eq!(bitbucket.default_branch(&address).await.expect("an answer").as_ref().map(RefName::short), Some("main"));

    let path = "docs/größe & 100% #1.txt";
    let commit = datacenter.commit(REPOSITORY, "main", &[(path, "tief\n")], "Add a name", "ivo").await.expect("a commit");
    let commit = hash(&commit);
    let file = |path: &'static str, limit| bitbucket.file_at(&address, &commit, path, limit);
    assert_eq!(file(path, 100).await.expect("an answer").as_deref(), Some(b"tief\n".as_slice()));
    assert_eq!(file("no/such.file", 100).await.expect("an answer"), None);
    assert!(matches!(file(path, 3).await, Err(ApiError::TooLarge { limit: 3, .. })));
    let unknown = hash("7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012");
    assert!(bitbucket.file_at(&address, &unknown, path, 100).await.expect_err("no such commit").is_not_found());
    let read = bitbucket.commit(&address, &CommitId::Full(commit.clone())).await.expect("the commit");
    assert_eq!((read.message.trim(), read.author.name.as_str(), read.parents), ("Add a name", "Ivo Tanaka", vec![head]));

    datacenter.add_repository("FIN", "empty", true).expect("a repository");
    let empty = RepositoryAddress { remote_id: String::new(), space: "FIN".to_owned(), slug: "empty".to_owned() };
    assert_eq!(bitbucket.branches(&empty).await.expect("no branches").refs.len(), 0);
    bitbucket.default_branch(&empty).await.expect("an empty repository is no error");
}

#[rstest]
#[case(Version::new(6, 10, 0))]
#[case(Version::new(9, 4, 24))]
#[tokio::test]
async fn a15_there_is_one_webhook_whatever_happens(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let request = webhook("one");
    let state = |id: Option<String>| {
        let (bitbucket, address, request) = (&bitbucket, &address, &request);
        async move { bitbucket.webhook_state(address, request, id.as_deref()).await.expect("a state") }
    };
    assert_eq!(state(None).await, WebhookState::Missing);
    let made = bitbucket.ensure_webhook(&address, &request, None).await.expect("a webhook");
    assert!(made.created && made.events.contains(&"repo:refs_changed".to_owned()));
    assert_eq!(
        made.events.contains(&"pr:from_ref_updated".to_owned()),
        version >= Version::new(7, 0, 0),
        "old servers refuse unknown names"
    );
    assert_eq!(state(Some(made.id.clone())).await, WebhookState::Present { id: made.id.clone() });
    datacenter.write(|tables| {
        for hook in tables.webhooks.values_mut() {
            hook.active = false;
            hook.secret = None;
        }
    });
    assert!(matches!(state(None).await, WebhookState::Paused { .. }));
    datacenter.add_webhook(REPOSITORY, request.url.as_str(), None, &["repo:refs_changed"]).expect("a duplicate");
    let repaired = bitbucket.ensure_webhook(&address, &request, Some(&made.id)).await.expect("repaired");
    assert_eq!((repaired.created, repaired.duplicates_removed, &repaired.id), (false, 1, &made.id));
    let hooks = datacenter.webhooks(REPOSITORY).expect("the hooks");
    assert_eq!(hooks.len(), 1);
    assert!(hooks[0].active && hooks[0].verify_tls && hooks[0].secret.as_deref() == Some(request.secret.expose()), "all was written anew");
    assert_eq!(bitbucket.delete_webhook(&address, &request.url, None).await.expect("removed"), 1);
    assert_eq!(bitbucket.delete_webhook(&address, &request.url, Some(&made.id)).await.expect("nothing left"), 0);
    assert_eq!(state(None).await, WebhookState::Missing);
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
}

#[tokio::test]
async fn a15_without_the_right_to_administer_nothing_is_made() {
    let lab = Lab::start(Version::default()).await;
    let bitbucket = lab.connected("noor");
    let address = address(&bitbucket).await;
    let error = bitbucket.ensure_webhook(&address, &webhook("a"), None).await.expect_err("noor only reads");
    assert!(matches!(error, ApiError::Forbidden { .. }), "a missing right is not a wrong credential: {error:?}");
}

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn t1_t2_t11_t12_what_is_pushed_comes_back_signed_and_is_understood(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let request = WebhookRequest { url: receiver().await, ..webhook("push") };
    bitbucket.ensure_webhook(&address, &request, None).await.expect("a webhook");
    let commit = datacenter.commit(REPOSITORY, "feature/a", &[("a.txt", "a")], "Add a", "ivo").await.expect("pushed");
    datacenter.create_tag(REPOSITORY, "v1", "feature/a", Some("annotated"), "ivo").await.expect("tagged");
    let number = datacenter.open_pull_request_from_tag(REPOSITORY, "From a tag", "v1", "main", "ivo").await.expect("opened");
    datacenter.delete_branch(REPOSITORY, "feature/a", "ivo").await.expect("deleted");
    datacenter.announce_empty_push(REPOSITORY, "ivo").await.expect("announced");
    datacenter.move_repository(REPOSITORY, "OPS", "mara").await.expect("moved");
    datacenter.settled().await;

    let mut events = Vec::new();
    let deliveries = datacenter.deliveries("OPS/ledger").expect("deliveries");
    for delivery in &deliveries {
        let headers = headers(delivery);
        assert!(headers.request_id.is_some());
        verify_signature(&request.secret, &delivery.body, headers.signature.as_deref()).expect("signed by us");
        events.push(decode(Product::DataCenter, &headers.event_key, &delivery.body).expect("understood"));
    }
    let pushes: Vec<_> = events.iter().filter_map(|event| if let Event::Push(push) = event { Some(push) } else { None }).collect();
    assert_eq!(pushes.len(), 4, "{events:?}");
    let created = &pushes[0].changes[0];
    assert_eq!((created.kind, created.new.as_ref().map(ToString::to_string)), (ChangeKind::Created, Some(commit.clone())));
    let tagged = &pushes[1].changes[0];
    let moved = RepositoryAddress { space: "OPS".to_owned(), ..address.clone() };
    let tag = tagged.reference.name().expect("a tag");
    let mut peeled = tagged.new.clone().expect("a commit or a tag object");
    assert_eq!(tagged.new_is_maybe_tag_object, version < Version::new(8, 0, 0), "newer servers name the commit");
    if tagged.new_is_maybe_tag_object {
        peeled = bitbucket.peel_tag(&moved, tag, &peeled).await.expect("peeled");
    }
    assert_eq!(peeled.to_string(), commit, "t12");
    assert!(pushes[2].changes[0].kind == ChangeKind::Deleted && pushes[2].changes[0].new.is_none(), "t11");
    assert!(pushes[3].changes.is_empty());
    let opened =
        events.iter().find_map(|event| if let Event::PullRequest(event) = event { Some(event) } else { None }).expect("a pull request");
    assert_eq!((opened.action, opened.pull_request.id, opened.from_fork), (PullRequestAction::Opened, number, false));
    assert_eq!(opened.pull_request.source.reference.as_ref().expect("a tag").to_string(), "refs/tags/v1", "t15");
    let Some(Event::RepositoryMoved { repository, old_full_name }) = events.last() else { panic!("{:?}", events.last()) };
    assert_eq!((repository.full_name.as_str(), old_full_name.as_deref()), ("OPS/ledger", Some(REPOSITORY)));
}

#[tokio::test]
async fn the_servers_test_call_is_a_ping_without_a_signature() {
    let lab = Lab::start(Version::default()).await;
    let client = lab.client("mara");
    let bitbucket = Bitbucket::DataCenter(client.clone());
    let address = address(&bitbucket).await;
    let request = webhook("ping");
    let made = bitbucket.ensure_webhook(&address, &request, None).await.expect("a webhook");
    assert_eq!(client.last_delivery(&address, &made.id).await.expect("an answer"), None, "nothing was sent yet");
    // Nothing listens at the address, which the server reports in its own way: what matters is that it was asked rightly.
    let _ = client.test_webhook(&address, &request, &made.id).await;
    let last = client.last_delivery(&address, &made.id).await.expect("an answer").expect("the ping");
    assert_eq!((last.event.as_str(), last.outcome.as_str()), ("diagnostics:ping", "ERROR"));
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
    assert!(lab.deliveries().iter().all(|delivery| delivery.event_key == "diagnostics:ping"));
}

#[tokio::test]
async fn pull_requests_are_read_with_both_ends() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    datacenter.commit(REPOSITORY, "feature/a", &[("a", "a")], "A", "ivo").await.expect("a commit");
    datacenter.create_tag(REPOSITORY, "v1", "feature/a", None, "ivo").await.expect("tagged");
    let number = datacenter.open_pull_request_from_tag(REPOSITORY, "From a tag", "v1", "main", "ivo").await.expect("opened");
    let open = bitbucket.open_pull_requests(&address).await.expect("pull requests");
    assert_eq!(open.iter().map(|found| found.id).collect::<Vec<_>>(), [number]);
    assert!(!open[0].is_from_fork() && open[0].source.commit.as_ref().is_some_and(|commit| commit.full().is_some()));
    datacenter.merge_pull_request(REPOSITORY, number, "mara").await.expect("merged");
    let merged = bitbucket.pull_request(&address, number).await.expect("read");
    assert!(merged.state == PullRequestState::Merged && merged.merge_commit.is_some());
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
}

#[rstest]
#[case(Version::new(6, 10, 0), "FAILED", false)]
#[case(Version::new(7, 21, 23), "FAILED", true)]
#[case(Version::new(9, 4, 24), "CANCELLED", true)]
#[tokio::test]
async fn t4_t5_statuses_take_the_form_that_the_version_knows(#[case] version: Version, #[case] stopped: &str, #[case] rich: bool) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("ivo");
    let address = address(&bitbucket).await;
    let head = datacenter.head(REPOSITORY, "main").await.expect("a head").expect("a head");
    for state in [StatusState::InProgress, StatusState::Stopped] {
        assert_eq!(bitbucket.post_status(&address, &status(&head, state)).await.expect("posted"), PostedStatus::Posted);
    }
    let shown: Vec<_> = datacenter.read(|tables| tables.current_statuses(&head).into_iter().cloned().collect());
    assert_eq!(shown.len(), 1, "the same key overwrites");
    assert_eq!((shown[0].state.as_str(), shown[0].repository.is_some()), (stopped, rich));
    if rich {
        assert_eq!(shown[0].refname.as_deref(), Some("refs/heads/main"));
        assert_eq!(shown[0].extra.get("parent").and_then(|parent| parent.as_str()), Some("pipewright/checkout-api/default"));
        judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
    }
}

#[tokio::test]
async fn a16_keys_are_added_once_and_removed_again() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let added = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read).await.expect("added");
    assert!(matches!(added, AddedKey::Added(_)));
    let again = bitbucket.add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read).await.expect("there");
    assert_eq!(again, AddedKey::AlreadyThere(added.key().clone()));
    let taken = bitbucket.add_user_key(PUBLIC_KEY, "Pipewright").await;
    assert!(matches!(taken, Err(ApiError::Conflict { .. })), "a key is either a user's or an access key: {taken:?}");
    bitbucket.remove_repository_key(&address, &added.key().id).await.expect("removed");
    bitbucket.remove_repository_key(&address, &added.key().id).await.expect("gone is no error");
    assert!(datacenter.access_keys(REPOSITORY).expect("keys").is_empty());
    let mine = bitbucket.add_user_key(PUBLIC_KEY, "Pipewright").await.expect("added");
    assert_eq!(datacenter.user_ssh_keys("mara").expect("keys").len(), 1);
    bitbucket.remove_user_key(&mine.key().id).await.expect("removed");
    assert!(datacenter.user_ssh_keys("mara").expect("keys").is_empty());
    judge_requests(pipewright_simulator::Product::Datacenter, lab.simulator.datacenter_record());
}
