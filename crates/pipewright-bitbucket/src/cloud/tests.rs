//! What the simulator in `tests/` does not do: odd answers, and the captured ones.

use serde::de::DeserializeOwned;

use super::failure::check;
use super::*;
use crate::credential::Credential;
use crate::http::{Answer, ApiError};
use crate::remote::{PullRequestState, RefOrRefused, RepositoryAddress};
use crate::scopes::ScopeSet;
use crate::testing::{ScriptedServer, files, http, json, shared, with_headers};
use pipewright_core::Secret;

const CAPTURES: &str = "fixtures/bitbucket-cloud";

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer {
        doing: "testing".to_owned(),
        status,
        headers: reqwest::header::HeaderMap::new(),
        body: body.to_vec(),
    }
}

fn client(server: &ScriptedServer) -> CloudClient {
    let endpoints = CloudEndpoints {
        api: server.url.clone(),
        web: server.url.clone(),
        ..CloudEndpoints::default()
    };
    CloudClient::new(
        http(),
        endpoints,
        Credential::OAuth {
            access_token: Secret::new("t"),
        },
    )
}

fn address() -> RepositoryAddress {
    RepositoryAddress {
        remote_id: "{r}".to_owned(),
        space: "{w}".to_owned(),
        slug: "site".to_owned(),
    }
}

#[tokio::test]
async fn the_next_page_is_asked_for_on_the_same_host_only() {
    let server = ScriptedServer::start(|_| {
        json(
            200,
            r#"{"values":[],"next":"https://bitbucket.org/2.0/elsewhere"}"#,
        )
    })
    .await;
    let error = client(&server)
        .webhooks(&address())
        .await
        .expect_err("the credential stays");
    assert!(
        matches!(&error, ApiError::Redirected { to, .. } if to == "bitbucket.org"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn t9_pages_are_read_to_the_end_and_a_circle_is_noticed() {
    let server = ScriptedServer::start(|request| {
        let host = request
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or_default();
        let next = |page: u32| format!(r#","next":"http://{host}/2.0/list?page={page}""#);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let rest = match path {
            "/2.0/list?page=3" => String::new(),
            "/2.0/list?page=2" => next(3),
            "/2.0/circle?pagelen=100" => {
                format!(r#","next":"http://{host}/2.0/circle?pagelen=100""#)
            }
            _ => next(2),
        };
        json(
            200,
            &format!(r#"{{"values":[{{"event":"{path}"}}]{rest}}}"#),
        )
    })
    .await;
    let client = client(&server);
    assert_eq!(
        client
            .list::<wire::HookEvent>("/start", &[], "testing")
            .await
            .expect("a list")
            .len(),
        3
    );
    assert!(matches!(
        client
            .list::<wire::HookEvent>("/circle", &[], "testing")
            .await,
        Err(ApiError::NotBitbucket { .. })
    ));
}

#[tokio::test]
async fn uuids_and_hostile_names_are_encoded_in_every_path() {
    let server = ScriptedServer::start(|_| json(404, "{}")).await;
    let client = client(&server);
    let branch =
        pipewright_core::RefName::branch("feature/100%#{x}/größe").expect("git accepts this name");
    assert!(client.reference(&address(), &branch).await.is_err());
    assert!(
        server.requests()[0]
            .starts_with("GET /2.0/repositories/%7Bw%7D/%7Br%7D/refs/branches/feature%2F100%25%23%7Bx%7D%2Fgr%C3%B6%C3%9Fe HTTP")
    );
    let commit = "7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012"
        .parse()
        .expect("an id");
    let outside = client.file_at(&address(), &commit, "../../user", 10).await;
    assert!(matches!(outside, Err(ApiError::BadRequest { .. })));
    assert_eq!(
        server.requests().len(),
        1,
        "nothing is asked for outside the repository"
    );
}

#[tokio::test]
async fn a_login_page_is_not_an_answer() {
    let server = ScriptedServer::start(|_| {
        with_headers(200, "content-type: text/html", "<html>Sign in</html>")
    })
    .await;
    let error = client(&server)
        .current_user()
        .await
        .expect_err("not Bitbucket");
    assert!(
        matches!(&error, ApiError::NotBitbucket { detail, .. } if detail.contains("text/html")),
        "{error}"
    );
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let server = ScriptedServer::start(|_| with_headers(429, "retry-after: 17", "")).await;
    let error = client(&server).current_user().await.expect_err("limited");
    assert_eq!(
        error.retry_after(),
        Some(std::time::Duration::from_secs(17))
    );
    assert!(error.is_retryable());
}

#[tokio::test]
async fn granted_scopes_come_from_the_header_or_from_a_refusal() {
    let with_header = ScriptedServer::start(|_| {
        with_headers(
            200,
            "content-type: application/json\r\nx-oauth-scopes: account, webhook",
            "{}",
        )
    })
    .await;
    let expected = GrantedScopes::Known(ScopeSet::parse("account webhook"));
    assert_eq!(
        client(&with_header).granted_scopes().await.expect("scopes"),
        expected
    );
    let with_refusal = ScriptedServer::start(|request| {
        if request.starts_with("GET /2.0/user ") {
            return json(200, r#"{"uuid":"{u}"}"#);
        }
        let error =
            r#"{"message":"no","detail":{"required":["snippet"],"granted":["account","webhook"]}}"#;
        json(403, &format!(r#"{{"type":"error","error":{error}}}"#))
    })
    .await;
    assert_eq!(
        client(&with_refusal)
            .granted_scopes()
            .await
            .expect("scopes"),
        expected
    );
    let silent = ScriptedServer::start(|_| json(200, r#"{"uuid":"{u}"}"#)).await;
    assert_eq!(
        client(&silent).granted_scopes().await.expect("no error"),
        GrantedScopes::Unknown
    );
}

#[test]
fn every_captured_error_is_understood() {
    let Some(directory) = shared(CAPTURES) else {
        return;
    };
    let errors = files(directory.join("errors"), ".json");
    assert!(errors.len() >= 15, "the captures are there");
    for (name, body) in errors {
        let status: u16 = name[..3]
            .parse()
            .expect("captures are named after their status");
        let error = check(answer(status, &body)).expect_err("an error");
        let understood = match name.as_str() {
            "403-auth-mechanism.json" => matches!(error, ApiError::WrongKindOfCredential { .. }),
            "403-forbidden-plain.json" => matches!(error, ApiError::Forbidden { .. }),
            "403-missing-scope-account.json" => {
                matches!(&error, ApiError::MissingScope { required, granted, .. } if required == &["account"] && granted == &["team"])
            }
            name if name.starts_with("403-missing") => {
                matches!(&error, ApiError::MissingScope { granted, .. } if granted.len() >= 5)
            }
            name if name.starts_with("400") => {
                matches!(&error, ApiError::Invalid { fields, .. } if fields.len() == 1)
            }
            _ => match status {
                401 => error.is_unauthorized(),
                404 => error.is_not_found(),
                410 => {
                    matches!(&error, ApiError::Gone { message, .. } if message.contains("CHANGE-2770"))
                }
                429 => error.is_retryable(),
                _ => false,
            },
        };
        assert!(understood, "{name}: {error:?}");
    }
}

#[test]
fn bodies_that_are_no_json_still_have_a_meaning() {
    assert!(matches!(
        check(answer(503, b"<html>")),
        Err(ApiError::Server { status: 503, .. })
    ));
    assert!(matches!(check(answer(555, b"")), Err(error) if error.is_retryable()));
    assert!(matches!(
        check(answer(403, b"")),
        Err(ApiError::Forbidden { .. })
    ));
}

fn page<T: DeserializeOwned>(directory: &std::path::Path, name: &str) -> Vec<T> {
    let bytes = std::fs::read(directory.join("api").join(name)).expect("a capture");
    serde_json::from_slice::<wire::Page<T>>(&bytes)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .values
}

fn one<T: DeserializeOwned>(directory: &std::path::Path, name: &str) -> T {
    let bytes = std::fs::read(directory.join("api").join(name)).expect("a capture");
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn captured_answers_decode() {
    let Some(directory) = shared(CAPTURES) else {
        return;
    };
    let directory = directory.as_path();
    for name in ["repository.json", "repository-gildas.json"] {
        let repository = repositories::remote(one(directory, name), None).expect("a repository");
        assert!(
            repository.remote_id.starts_with('{') && repository.space.id.starts_with('{'),
            "{name}"
        );
        let http_url = repository.http_url.as_deref().expect("a clone address");
        assert!(
            !http_url.contains('@') && http_url.starts_with("https://bitbucket.org/"),
            "{name}: {http_url}"
        );
        assert!(
            repository.default_branch.is_some() && repository.updated_at.is_some(),
            "{name}"
        );
        assert_eq!(
            repository.address().space,
            repository.space.id,
            "addresses survive a rename of the workspace"
        );
    }
    let repositories = page::<wire::Repository>(directory, "repositories-page.json");
    assert!(
        !repositories.is_empty()
            && repositories
                .into_iter()
                .all(|found| repositories::remote(found, None).is_some())
    );
    assert!(page::<wire::Repository>(directory, "repositories-empty.json").is_empty());
    assert_eq!(person(one(directory, "user.json")).name, "bb bot");
    assert_eq!(
        person(one(directory, "user-2018.json")).id.chars().next(),
        Some('{')
    );
    let access = page::<wire::WorkspaceAccess>(directory, "user-workspaces-page.json");
    let space = access
        .into_iter()
        .find_map(|entry| people::space(entry.workspace))
        .expect("a workspace");
    assert_eq!(
        (space.key.as_str(), space.name.as_str()),
        ("bbworkspace1", "bbworkspace1")
    );
    assert_eq!(
        people::space(one(directory, "workspace.json"))
            .expect("a workspace")
            .name,
        "My Workspace"
    );
    for name in [
        "repository-permissions.json",
        "user-workspace-repository-permissions-page.json",
    ] {
        assert_eq!(
            page::<wire::RepositoryPermission>(directory, name)[0].permission,
            "admin",
            "{name}"
        );
    }
    for name in [
        "branches-page.json",
        "branches-official-example.json",
        "tags-page.json",
    ] {
        assert!(
            page::<wire::Ref>(directory, name)
                .iter()
                .all(|found| found.name.is_some()),
            "{name}"
        );
    }
    for name in ["commit.json", "commit-official-example.json"] {
        let commit = remote_commit(one(directory, name)).expect("a commit");
        assert!(
            commit.date.is_some() && commit.author.email.is_some(),
            "{name}"
        );
    }
    assert!(
        page::<wire::Hook>(directory, "hooks-page.json")
            .iter()
            .all(|hook| hook.uuid.is_some() && !hook.events.is_empty())
    );
    assert!(
        one::<wire::Hook>(directory, "hook-created.json")
            .uuid
            .is_some()
    );
    assert!(
        page::<wire::HookEvent>(directory, "hook-events-page.json")
            .iter()
            .any(|event| event.event == "repo:push")
    );
    assert!(
        page::<wire::SshKey>(directory, "ssh-keys-page.json")[0]
            .uuid
            .is_some()
    );
    assert!(
        one::<wire::SshKey>(directory, "ssh-key-created.json")
            .uuid
            .is_some()
    );
    assert_eq!(
        page::<wire::DeployKey>(directory, "deploy-keys-page.json")[0].id,
        Some(123)
    );
    assert!(
        one::<wire::DeployKey>(directory, "deploy-key-created.json")
            .id
            .is_some()
    );
    let open = pull_request(one(directory, "pullrequest-open.json")).expect("a pull request");
    assert_eq!(open.state, PullRequestState::Open);
    assert!(
        open.source
            .commit
            .as_ref()
            .is_some_and(|commit| commit.full().is_none()),
        "Cloud shortens commits here"
    );
    assert!(!open.is_from_fork());
    let merged = pull_request(one(directory, "pullrequest.json")).expect("a pull request");
    assert!(merged.state == PullRequestState::Merged && merged.merge_commit.is_some());
    assert!(!page::<wire::PullRequest>(directory, "pullrequests-page.json").is_empty());
}

#[test]
fn a_pull_request_whose_ends_are_gone_is_still_one() {
    let body = r#"{"id":7,"source":{"repository":null,"branch":null,"commit":null},"destination":{"branch":{"name":"main"},"commit":null}}"#;
    let found = pull_request(serde_json::from_str(body).expect("JSON")).expect("a pull request");
    assert!(found.is_from_fork(), "what cannot be seen is not trusted");
    assert!(matches!(
        found.destination.reference,
        Some(RefOrRefused::Ref(_))
    ));
}
