//! OAuth against answers of both generations and every refusal that is known.

use std::time::Duration;

use pipewright_core::{Secret, Timestamp};
use rstest::rstest;
use url::Url;

use super::*;
use crate::cloud::CloudEndpoints;
use crate::scopes::{ScopeSet, default_features, needed};
use crate::testing::{ScriptedServer, files, http, json, shared, with_headers};

fn client(server: &Url) -> OAuthClient {
    let endpoints = CloudEndpoints {
        api: server.clone(),
        web: server.clone(),
        ..CloudEndpoints::default()
    };
    OAuthClient::new(http(), endpoints, "key", Secret::new("secret"))
}

fn callback() -> Url {
    "https://ci.example.com/bitbucket/callback"
        .parse()
        .expect("an address")
}

#[test]
fn a1_the_authorise_address_asks_for_exactly_what_is_needed() {
    let client = OAuthClient::new(
        http(),
        CloudEndpoints::default(),
        "a key",
        Secret::new("secret"),
    );
    let state = StateToken::from_stored(Secret::new("s/t"));
    // The example of RFC 7636, appendix B.
    let verifier =
        PkceVerifier::from_stored(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    let url = client
        .authorize_url(&state, &verifier, &callback(), &needed(default_features()))
        .expect("an address");
    assert_eq!(
        url.as_str(),
        "https://bitbucket.org/site/oauth2/authorize?client_id=a+key&response_type=code&state=s%2Ft\
         &redirect_uri=https%3A%2F%2Fci.example.com%2Fbitbucket%2Fcallback&scope=account+pullrequest+webhook\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
}

#[test]
fn states_and_verifiers_are_unguessable() {
    let one = StateToken::random().expect("randomness");
    assert_ne!(one, StateToken::random().expect("randomness"));
    assert_eq!(one.secret().expose().len(), 43);
    assert_eq!(
        PkceVerifier::random()
            .expect("randomness")
            .secret()
            .expose()
            .len(),
        43
    );
}

#[rstest]
#[case("code=c&state=s", Ok(()))]
#[case(
    "error=access_denied&error_description=The+user+denied&state=s",
    Err(CallbackError::Denied)
)]
#[case("error=server_error", Err(CallbackError::Refused { code: "server_error".to_owned(), description: String::new() }))]
#[case("code=c", Err(CallbackError::Incomplete))]
#[case("", Err(CallbackError::Incomplete))]
fn a2_callbacks_are_read(#[case] query: &str, #[case] expected: Result<(), CallbackError>) {
    let read = read_callback(query);
    assert_eq!(read.as_ref().map(|_| ()).map_err(Clone::clone), expected);
    if let Ok(read) = read {
        assert_eq!((read.code.expose(), read.state.expose()), ("c", "s"));
    }
}

#[tokio::test]
async fn a_code_is_exchanged_with_the_client_in_the_header() {
    let server = ScriptedServer::start(|_| {
        let token = "t".repeat(2_600);
        json(200, &format!(r#"{{"access_token":"{token}","expires_in":3600,"scope":"account webhook","refresh_token":"r"}}"#))
    })
    .await;
    let verifier = PkceVerifier::from_stored(Secret::new("v"));
    let tokens = client(&server.url)
        .exchange_code(&Secret::new("c&d"), &verifier, &callback())
        .await
        .expect("tokens");
    assert_eq!(tokens.access_token.expose().len(), 2_600);
    assert_eq!(tokens.scopes, ScopeSet::parse("account webhook"));
    let now = Timestamp::from_seconds(1_000);
    assert_eq!(tokens.expires_at(now), Timestamp::from_seconds(4_600));
    let request = server.requests().remove(0);
    assert!(
        request.contains("authorization: Basic a2V5OnNlY3JldA=="),
        "{request}"
    );
    assert!(request.ends_with(
        "grant_type=authorization_code&code=c%26d&redirect_uri=https%3A%2F%2Fci.example.com%2Fbitbucket%2Fcallback&code_verifier=v"
    ));
}

#[tokio::test]
async fn an_old_answer_without_a_new_refresh_token_keeps_the_old_one() {
    let server = ScriptedServer::start(|_| {
        json(
            200,
            r#"{"access_token":"t","expires_in":7200,"scopes":"repository"}"#,
        )
    })
    .await;
    let tokens = client(&server.url)
        .refresh(&Secret::new("old"))
        .await
        .expect("tokens");
    assert_eq!(tokens.refresh_token, Some(Secret::new("old")));
    assert_eq!(tokens.scopes, ScopeSet::parse("repository"));
    assert_eq!(tokens.expires_in, Duration::from_hours(2));
}

#[rstest]
#[case(
    400,
    r#"{"error":"invalid_request","error_description":"Invalid refresh_token"}"#,
    OAuthError::RefreshInvalid,
    OAuthError::CodeInvalid
)]
#[case(
    400,
    r#"{"error":"invalid_grant","error_description":""}"#,
    OAuthError::RefreshInvalid,
    OAuthError::CodeInvalid
)]
#[case(
    400,
    r#"{"error":"invalid_request","error_description":"No callback uri defined for the OAuth client."}"#,
    OAuthError::NoCallback,
    OAuthError::NoCallback
)]
#[case(
    400,
    r#"{"error":"invalid_request","error_description":"redirect_uri does not match"}"#,
    OAuthError::WrongCallback,
    OAuthError::WrongCallback
)]
#[case(
    401,
    r#"{"error":"invalid_client"}"#,
    OAuthError::WrongClient,
    OAuthError::WrongClient
)]
#[case(
    400,
    r#"{"error":"unauthorized_client"}"#,
    OAuthError::WrongClient,
    OAuthError::WrongClient
)]
#[case(401, "", OAuthError::WrongClient, OAuthError::WrongClient)]
#[case(400, "", OAuthError::RefreshInvalid, OAuthError::CodeInvalid)]
#[tokio::test]
async fn refusals_mean_what_a_person_can_do(
    #[case] status: u16,
    #[case] body: &'static str,
    #[case] refreshing: OAuthError,
    #[case] exchanging: OAuthError,
) {
    let server = ScriptedServer::start(move |_| json(status, body)).await;
    let client = client(&server.url);
    assert_eq!(client.refresh(&Secret::new("r")).await, Err(refreshing));
    let verifier = PkceVerifier::from_stored(Secret::new("v"));
    assert_eq!(
        client
            .exchange_code(&Secret::new("c"), &verifier, &callback())
            .await,
        Err(exchanging)
    );
}

#[rstest]
#[case(503, "content-type: text/html", "<html>")]
#[case(
    500,
    "content-type: application/json",
    r#"{"error":"invalid_request"}"#
)]
#[case(429, "retry-after: 3", "")]
#[case(403, "content-type: text/html", "<html>")]
#[tokio::test]
async fn when_bitbucket_fails_the_old_tokens_stay_good(
    #[case] status: u16,
    #[case] header: &'static str,
    #[case] body: &'static str,
) {
    let server = ScriptedServer::start(move |_| with_headers(status, header, body)).await;
    let error = client(&server.url)
        .refresh(&Secret::new("r"))
        .await
        .expect_err("no tokens");
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn revoking_is_a_best_effort() {
    for (status, done) in [(200, true), (204, true), (404, false), (500, false)] {
        let server = ScriptedServer::start(move |_| json(status, "")).await;
        assert_eq!(
            client(&server.url).revoke(&Secret::new("t")).await,
            done,
            "{status}"
        );
    }
    let nowhere = "http://bitbucket.invalid".parse().expect("an address");
    assert!(!client(&nowhere).revoke(&Secret::new("t")).await);
}

#[tokio::test]
async fn captured_answers_are_understood() {
    let Some(directory) = shared("fixtures/bitbucket-cloud/oauth") else {
        return;
    };
    for (name, body) in files(directory, ".json") {
        let text = String::from_utf8(body).expect("text");
        let status = if name.starts_with("token-error") {
            400
        } else {
            200
        };
        let server = ScriptedServer::start(move |_| json(status, &text)).await;
        let result = client(&server.url).refresh(&Secret::new("r")).await;
        match name.as_str() {
            "token-error-no-callback.json" => assert_eq!(result, Err(OAuthError::NoCallback)),
            name if name.starts_with("token-error") => {
                assert_eq!(result, Err(OAuthError::RefreshInvalid), "{name}");
            }
            name => assert!(
                result.is_ok_and(|tokens| tokens.scopes.allows("repository")),
                "{name}"
            ),
        }
    }
}
