//! What the simulator in `tests/` does not do: odd answers, and the captured ones.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rstest::rstest;
use serde::de::DeserializeOwned;
use url::Url;

use super::failure::check;
use super::*;
use crate::credential::Credential;
use crate::http::{Answer, ApiError};
use crate::remote::RepositoryAddress;
use crate::testing::{ScriptedServer, files, http, json, shared, with_headers};
use pipewright_core::Secret;

const CAPTURES: &str = "fixtures/bitbucket-datacenter";

fn base() -> Url {
    "https://git.example.com/bitbucket"
        .parse()
        .expect("an address")
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
    let pair = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a header"),
        )
    };
    let headers: HeaderMap = headers.iter().map(pair).collect();
    Answer {
        doing: "testing".to_owned(),
        status,
        headers,
        body: body.to_vec(),
    }
}

fn failed(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> ApiError {
    check(answer(status, headers, body), &base()).expect_err("an error")
}

fn password() -> Credential {
    Credential::Basic {
        user: "jane".to_owned(),
        password: Secret::new("p"),
    }
}

fn client(server: &ScriptedServer, path: &str) -> DataCenterClient {
    DataCenterClient::new(
        http(),
        server.url.join(path).expect("an address"),
        password(),
    )
}

fn address() -> RepositoryAddress {
    RepositoryAddress {
        remote_id: "1".to_owned(),
        space: "~jane".to_owned(),
        slug: "my repo".to_owned(),
    }
}

#[test]
fn every_captured_error_is_understood() {
    let Some(directory) = shared(CAPTURES) else {
        return;
    };
    let errors = files(directory.join("errors"), ".json");
    assert!(errors.len() >= 14, "the captures are there");
    for (name, body) in errors {
        let status = match name.as_str() {
            "not-permitted.json" => 401,
            name if name.ends_with("-409.json") => 409,
            name if name.contains("not-found") || name.contains("unknown") => 404,
            _ => 400,
        };
        let (ApiError::Unauthorized { message, .. }
        | ApiError::Conflict { message, .. }
        | ApiError::NotFound { message, .. }
        | ApiError::Invalid { message, .. }) =
            failed(status, &[("x-ausername", "anonymous")], &body)
        else {
            panic!("{name} is another error")
        };
        assert!(
            message.len() > 10,
            "{name}: the sentence is kept: {message}"
        );
    }
    let fields =
        std::fs::read(directory.join("errors/validation-two-fields.json")).expect("a capture");
    assert!(
        matches!(failed(400, &[], &fields), ApiError::Invalid { fields, .. } if fields.len() == 2 && fields[0].field == "name")
    );
}

#[test]
fn a_missing_right_is_told_from_a_wrong_credential() {
    assert!(matches!(
        failed(401, &[("x-ausername", "jane")], b"{}"),
        ApiError::Forbidden { .. }
    ));
    assert!(matches!(
        failed(401, &[], b"{}"),
        ApiError::Unauthorized { .. }
    ));
    let body = br#"{"errors":[{"message":"no","exceptionName":"com.atlassian.stash.exception.AuthorisationException"}]}"#;
    assert!(matches!(failed(401, &[], body), ApiError::Forbidden { .. }));
}

#[test]
fn refused_passwords_are_told_from_other_refusals() {
    let body = br#"{"message":"Basic Authentication has been disabled on this instance."}"#;
    assert!(matches!(
        failed(403, &[], body),
        ApiError::PasswordsRefused { .. }
    ));
    assert!(matches!(
        failed(403, &[], b"{}"),
        ApiError::Forbidden { .. }
    ));
}

#[rstest]
#[case(
    "CAPTCHA_CHALLENGE; login-url=https://git.example.com/bitbucket/login",
    Some("https://git.example.com/bitbucket/login")
)]
#[case("CAPTCHA_CHALLENGE; login-url=https://evil.example.net/login", None)]
#[case("CAPTCHA_CHALLENGE; login-url=javascript:alert(1)", None)]
#[case("CAPTCHA_CHALLENGE", None)]
fn a_captcha_leads_to_the_servers_own_sign_in_only(
    #[case] header: &str,
    #[case] shown: Option<&str>,
) {
    for status in [401, 403] {
        let ApiError::CaptchaRequired { login_url, .. } =
            failed(status, &[("x-authentication-denied-reason", header)], b"")
        else {
            panic!("a CAPTCHA is demanded")
        };
        assert_eq!(login_url.as_ref().map(Url::as_str), shown);
    }
}

#[tokio::test]
async fn t14_the_context_path_is_in_every_call_and_names_are_encoded() {
    let server = ScriptedServer::start(|_| json(500, "{}")).await;
    let client = client(&server, "/git/bitbucket/");
    assert!(client.webhooks(&address()).await.is_err());
    let expected = "GET /git/bitbucket/rest/api/1.0/projects/~jane/repos/my%20repo/webhooks?start=0&limit=100 HTTP";
    assert!(
        server.requests()[0].starts_with(expected),
        "{}",
        server.requests()[0]
    );
}

#[tokio::test]
async fn what_writes_carries_the_header_against_cross_site_requests() {
    let server = ScriptedServer::start(|_| with_headers(204, "x-a: b", "")).await;
    client(&server, "/")
        .remove_user_key("12")
        .await
        .expect("removed");
    let request = server.requests().remove(0).to_ascii_lowercase();
    assert!(
        request.starts_with("delete /rest/ssh/1.0/keys/12 http")
            && request.contains("x-atlassian-token: no-check")
    );
}

#[rstest]
#[case("")]
#[case("12/../13")]
#[case("x")]
#[tokio::test]
async fn the_call_that_removes_all_keys_is_never_made(#[case] id: &str) {
    let server = ScriptedServer::start(|_| with_headers(204, "x-a: b", "")).await;
    assert!(matches!(
        client(&server, "/").remove_user_key(id).await,
        Err(ApiError::BadRequest { .. })
    ));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn t9_short_pages_are_continued_where_the_server_says() {
    let server = ScriptedServer::start(|request| {
        let start = request
            .split("start=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .unwrap_or_default();
        json(
            200,
            match start {
                "0" => r#"{"values":[{"id":1}],"isLastPage":false,"nextPageStart":40}"#,
                "40" => r#"{"values":[],"isLastPage":false,"nextPageStart":41}"#,
                "41" => r#"{"values":[{"id":2}],"isLastPage":true,"nextPageStart":null}"#,
                _ => r#"{"values":[{"id":3}]}"#,
            },
        )
    })
    .await;
    let keys = client(&server, "/").user_keys().await.expect("a list");
    assert_eq!(
        keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(),
        ["1", "2"]
    );
}

/// A sign-in that cannot work, and the beginning of its sentence.
async fn refused(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> ConnectionError {
    let server = ScriptedServer::start(answer).await;
    client(&server, "/")
        .check_connection()
        .await
        .expect_err("no connection")
}

#[tokio::test]
async fn a9_what_is_not_bitbucket_is_named() {
    let html = refused(|_| with_headers(200, "content-type: text/html", "<html>")).await;
    assert!(
        matches!(&html, ConnectionError::NotBitbucket { detail, .. } if detail.contains("text/html")),
        "{html}"
    );
    let other_api = refused(|_| json(200, r#"{"hello":"world"}"#)).await;
    assert!(
        matches!(other_api, ConnectionError::NotBitbucket { .. }),
        "{other_api}"
    );
    let sso =
        refused(|_| with_headers(302, "location: https://sso.example.com/saml?x=y", "")).await;
    assert_eq!(
        sso,
        ConnectionError::Redirected {
            to: "https://sso.example.com/saml".to_owned()
        }
    );
    let failing = refused(|_| json(503, "")).await;
    assert!(
        matches!(failing, ConnectionError::ServerFailed { status: 503, .. }),
        "{failing}"
    );
}

#[tokio::test]
async fn a9_t14_a_wrong_context_path_names_the_right_one() {
    let server = ScriptedServer::start(|request| match request.split(' ').nth(1) {
        Some("/stash/rest/api/1.0/application-properties") => json(200, r#"{"version":"9.4.2"}"#),
        _ => with_headers(404, "content-type: text/html", "<html>"),
    })
    .await;
    let found = server.url.join("/stash").expect("an address");
    let error = client(&server, "/bitbucket")
        .check_connection()
        .await
        .expect_err("the wrong path");
    assert_eq!(error, ConnectionError::WrongContextPath { found });
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.to_ascii_lowercase().contains("authorization")),
        "nothing secret was sent"
    );
}

#[tokio::test]
async fn a9_a_password_is_sent_once() {
    let server = ScriptedServer::start(|request| {
        if request.contains("application-properties") {
            json(200, r#"{"version":"9.4.2"}"#)
        } else {
            json(401, r#"{"errors":[]}"#)
        }
    })
    .await;
    let signed_in = sign_in(&http(), &server.url, "jane", &Secret::new("wrong")).await;
    assert_eq!(
        signed_in.expect_err("a wrong password"),
        ConnectionError::WrongPassword
    );
    let sent = server
        .requests()
        .into_iter()
        .filter(|request| {
            request
                .to_ascii_lowercase()
                .contains("authorization: basic")
        })
        .count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn an_ignored_credential_is_a_refused_one() {
    let error = refused(|request| {
        if request.contains("application-properties") {
            json(200, r#"{"version":"9.4.2"}"#)
        } else if request.contains("dashboard") {
            json(401, "{}")
        } else {
            with_headers(
                200,
                "content-type: application/json\r\nx-ausername: anonymous",
                r#"{"buildStatus":[]}"#,
            )
        }
    })
    .await;
    assert_eq!(error, ConnectionError::WrongPassword);
}

fn page<T: DeserializeOwned>(directory: &std::path::Path, name: &str) -> Vec<T> {
    let bytes = std::fs::read(directory.join("api").join(name)).expect("a capture");
    serde_json::from_slice::<wire::Page<T>>(&bytes)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .values
}

fn one<T: DeserializeOwned>(directory: &std::path::Path, name: &str) -> T {
    let bytes = std::fs::read(directory.join(name)).expect("a capture");
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn captured_answers_decode() {
    let Some(directory) = shared(CAPTURES) else {
        return;
    };
    let directory = directory.as_path();
    for (name, count) in [
        ("repositories-page.json", 1),
        ("repositories-filtered.json", 1),
        ("repositories-of-project.json", 1),
        ("repositories-page-truncated.json", 1),
    ] {
        let found = page::<wire::Repository>(directory, name);
        assert!(found.len() >= count, "{name}");
        assert!(
            found
                .into_iter()
                .all(|found| repositories::named(&found).is_some()),
            "{name}"
        );
    }
    let with_user = repositories::remote(
        one(directory, "api/repository-http-link-with-user.json"),
        None,
    )
    .expect("a repository");
    assert_eq!(
        with_user.http_url.as_deref(),
        Some("http://example.com:7990/scm/prj/my-repo.git")
    );
    let no_ssh = repositories::remote(one(directory, "api/repository-no-ssh.json"), None)
        .expect("a repository");
    assert!(no_ssh.ssh_url.is_none() && no_ssh.http_url.is_some());
    let branches = page::<wire::Ref>(directory, "branches.json");
    assert_eq!(
        branches
            .iter()
            .filter(|branch| branch.is_default == Some(true))
            .count(),
        1
    );
    assert!(
        page::<wire::Ref>(directory, "tags-with-hash.json")
            .iter()
            .all(|tag| tag.latest_commit.is_some())
    );
    for name in ["api/commit.json", "api/commit-from-annotated-tag-id.json"] {
        let commit = remote_commit(one(directory, name)).expect("a commit");
        assert!(
            commit.date.is_some() && commit.author.email.is_some(),
            "{name}"
        );
    }
    for name in ["webhooks-page.json", "webhooks-page-two.json"] {
        assert!(
            page::<wire::Webhook>(directory, name)
                .iter()
                .all(|hook| hook.id.is_some()),
            "{name}"
        );
    }
    let created: wire::Webhook = one(directory, "api/webhook-created.json");
    assert!(
        !format!("{created:?}").contains("password"),
        "a secret that comes back is not shown"
    );
    assert_eq!(
        page::<wire::AccessKey>(directory, "access-keys-page.json")[0]
            .key
            .id,
        Some(1)
    );
    assert_eq!(
        page::<wire::SshKey>(directory, "user-ssh-keys-page.json")[0].id,
        Some(1)
    );
    assert_eq!(
        one::<wire::SshSettings>(directory, "doc-examples/ssh-settings.json").port,
        Some(7999)
    );
    assert!(
        one::<wire::RateLimitSettings>(directory, "doc-examples/rate-limit-settings.json").enabled
    );
    assert_eq!(
        one::<crate::http::BuildCapabilities>(directory, "instance/build-capabilities.json")
            .build_status,
        ["richBuildStatus"]
    );
    assert_eq!(
        one::<wire::ApplicationProperties>(directory, "instance/application-properties-4.6.json")
            .version,
        "4.6.0"
    );
    for name in [
        "api/pull-request.json",
        "api/pull-request-atlantis.json",
        "api/pull-request-from-fork-2017.json",
    ] {
        let found = pull_request(one(directory, name)).expect("a pull request");
        assert!(
            found.source.commit.is_some() && found.destination.repository.is_some(),
            "{name}"
        );
        assert_eq!(found.is_from_fork(), name.contains("from-fork"), "{name}");
    }
    assert_eq!(
        users::person(one(directory, "api/user.json"), "x").name,
        "jcitizen"
    );
}
