//! Connecting: the grant, its end, smaller grants, other credentials, and faults.

use std::time::Duration;

use crate::lab::{CALLBACK, EVERY_SCOPE, Lab, address, all_repositories, browse, grant, key_of};
use crate::support::{PUBLIC_KEY, http, webhook};
use pipewright_bitbucket::cloud::GrantedScopes;
use pipewright_bitbucket::oauth::{
    CallbackError, OAuthClient, OAuthError, PkceVerifier, StateToken, TokenSet, read_callback,
};
use pipewright_bitbucket::remote::KeyAccess;
use pipewright_bitbucket::scopes::{Feature, FeatureState, compare, default_features, needed};
use pipewright_bitbucket::{ApiError, Bitbucket, CloudClient, Credential};
use pipewright_core::Secret;
use pipewright_simulator::{AnswerFault, TokenGeneration};
use url::Url;

#[tokio::test]
async fn a1_a2_a_grant_gives_exactly_what_was_asked_for() {
    let lab = Lab::start().await;
    for generation in [TokenGeneration::Current, TokenGeneration::Older] {
        lab.simulator.cloud().set_token_generation(generation);
        let oauth = lab.consumer(EVERY_SCOPE);
        let tokens = grant(&oauth, "mara", &needed(default_features()))
            .await
            .expect("tokens");
        let lines = compare(&tokens.scopes, default_features());
        assert!(
            lines.iter().all(|line| line.state != FeatureState::Missing),
            "{lines:?}"
        );
        assert!(
            !tokens.scopes.allows("account:write") && !tokens.scopes.allows("repository:write"),
            "the request narrows the grant"
        );
        assert!(tokens.refresh_token.is_some() && tokens.expires_in >= Duration::from_mins(30));
        assert_eq!(
            lab.client(&tokens)
                .current_user()
                .await
                .expect("a user")
                .name,
            "mara"
        );
        lab.simulator.cloud().delete_oauth_consumer(&key_of(&oauth));
    }
}

#[tokio::test]
async fn a2_saying_no_is_a_plain_sentence() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let (state, verifier) = (
        StateToken::random().expect("randomness"),
        PkceVerifier::random().expect("randomness"),
    );
    let callback = CALLBACK.parse().expect("an address");
    let url = oauth
        .authorize_url(&state, &verifier, &callback, &needed(default_features()))
        .expect("an address");
    assert_eq!(
        read_callback(&browse(url, "mara", "deny").await),
        Err(CallbackError::Denied)
    );
}

#[tokio::test]
async fn a2_a_code_is_good_once_and_only_with_its_verifier() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let (state, verifier) = (
        StateToken::random().expect("randomness"),
        PkceVerifier::random().expect("randomness"),
    );
    let callback: Url = CALLBACK.parse().expect("an address");
    let url = oauth
        .authorize_url(&state, &verifier, &callback, &needed(default_features()))
        .expect("an address");
    let code = read_callback(&browse(url.clone(), "mara", "grant").await)
        .expect("a code")
        .code;
    oauth
        .exchange_code(&code, &verifier, &callback)
        .await
        .expect("tokens");
    assert_eq!(
        oauth.exchange_code(&code, &verifier, &callback).await,
        Err(OAuthError::CodeInvalid)
    );
    let code = read_callback(&browse(url, "mara", "grant").await)
        .expect("a code")
        .code;
    let other = PkceVerifier::random().expect("randomness");
    assert_eq!(
        oauth.exchange_code(&code, &other, &callback).await,
        Err(OAuthError::CodeInvalid)
    );
}

#[tokio::test]
async fn a11_a_wrong_secret_and_a_missing_callback_are_named() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let wrong = OAuthClient::new(
        http(),
        lab.endpoints(),
        key_of(&oauth),
        Secret::new("wrong"),
    );
    assert_eq!(
        grant(&wrong, "mara", &needed(default_features())).await,
        Err(OAuthError::WrongClient)
    );
    let tokens = grant(&oauth, "mara", &needed(default_features()))
        .await
        .expect("tokens");
    assert!(
        lab.simulator
            .cloud()
            .set_oauth_callback(&key_of(&oauth), "")
    );
    let refresh = tokens.refresh_token.expect("a refresh token");
    assert_eq!(oauth.refresh(&refresh).await, Err(OAuthError::NoCallback));
}

#[tokio::test]
async fn a8_a_revoked_grant_is_noticed_and_a_revoke_ends_the_tokens() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let first = grant(&oauth, "mara", &needed(default_features()))
        .await
        .expect("tokens");
    let second = oauth
        .refresh(&first.refresh_token.expect("a refresh token"))
        .await
        .expect("the next pair");
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(
        lab.client(&second)
            .current_user()
            .await
            .expect("a user")
            .display_name,
        "Mara Lindqvist"
    );
    assert!(
        lab.simulator
            .cloud()
            .revoke_grant("mara", &key_of(&oauth))
            .expect("a grant")
    );
    assert!(
        lab.client(&second)
            .current_user()
            .await
            .expect_err("revoked")
            .is_unauthorized()
    );
    let refreshed = oauth
        .refresh(&second.refresh_token.expect("a refresh token"))
        .await;
    assert_eq!(refreshed, Err(OAuthError::RefreshInvalid));

    let third = grant(&oauth, "mara", &needed(default_features()))
        .await
        .expect("tokens");
    assert!(oauth.revoke(&third.access_token).await);
    assert!(
        lab.client(&third)
            .current_user()
            .await
            .expect_err("revoked")
            .is_unauthorized()
    );
}

#[tokio::test]
async fn a13_a_smaller_grant_names_the_missing_permission_and_breaks_nothing_else() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(&["account", "pullrequest"]);
    let tokens = grant(&oauth, "mara", &needed(default_features()))
        .await
        .expect("tokens");
    let lines = compare(&tokens.scopes, default_features());
    let missing: Vec<_> = lines
        .iter()
        .filter(|line| line.state == FeatureState::Missing)
        .map(|line| line.feature)
        .collect();
    assert_eq!(missing, [Feature::Webhooks]);
    let client = lab.client(&tokens);
    let bitbucket = Bitbucket::Cloud(client.clone());
    let address = address(&bitbucket, "harbor/checkout-api").await;
    match bitbucket
        .ensure_webhook(&address, &webhook("a"), None)
        .await
    {
        Err(ApiError::MissingScope {
            required, granted, ..
        }) => {
            assert_eq!(required, ["webhook"]);
            assert!(granted.contains(&"account".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        !bitbucket
            .branches(&address)
            .await
            .expect("reading still works")
            .refs
            .is_empty()
    );
}

#[tokio::test]
async fn api_tokens_and_access_tokens_work_too() {
    let lab = Lab::start().await;
    let scopes = [
        "read:user:bitbucket",
        "read:workspace:bitbucket",
        "read:repository:bitbucket",
    ];
    let token = lab
        .simulator
        .cloud()
        .add_api_token("mara", &scopes, None)
        .expect("a token");
    let credential = Credential::ApiToken {
        email: "mara@harbor.example".to_owned(),
        token: Secret::new(token),
    };
    let bitbucket = Bitbucket::Cloud(CloudClient::new(http(), lab.endpoints(), credential));
    assert!(all_repositories(&bitbucket).await.len() >= 4);
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let error = bitbucket
        .ensure_webhook(&address, &webhook("a"), None)
        .await
        .expect_err("not ticked");
    assert!(
        matches!(&error, ApiError::MissingScope { required, .. } if required.iter().any(|scope| scope.contains("webhook"))),
        "{error}"
    );

    let token = lab
        .simulator
        .cloud()
        .add_access_token(
            "harbor/checkout-api",
            &["repository", "webhook", "pullrequest"],
        )
        .expect("a token");
    let client = CloudClient::new(
        http(),
        lab.endpoints(),
        Credential::AccessToken(Secret::new(token)),
    );
    let bitbucket = Bitbucket::Cloud(client);
    assert!(
        !bitbucket
            .branches(&address)
            .await
            .expect("branches")
            .refs
            .is_empty()
    );
    bitbucket
        .ensure_webhook(&address, &webhook("b"), None)
        .await
        .expect("a repository's token may");
    let key = bitbucket
        .add_repository_key(&address, PUBLIC_KEY, "Pipewright", KeyAccess::Read)
        .await;
    assert!(
        key.expect_err("access tokens cannot manage keys")
            .needs_a_person()
    );
}

#[tokio::test]
async fn granted_scopes_are_found_out_or_unknown() {
    let lab = Lab::start().await;
    let oauth = lab.consumer(EVERY_SCOPE);
    let tokens = grant(&oauth, "mara", &needed(default_features()))
        .await
        .expect("tokens");
    match lab
        .client(&tokens)
        .granted_scopes()
        .await
        .expect("an answer")
    {
        GrantedScopes::Known(scopes) => {
            assert!(scopes.allows("repository") && !scopes.allows("repository:write"));
        }
        GrantedScopes::Unknown => {}
    }
    let wrong = TokenSet {
        access_token: Secret::new("wrong"),
        ..tokens
    };
    assert!(
        lab.client(&wrong)
            .granted_scopes()
            .await
            .expect_err("no such token")
            .is_unauthorized()
    );
}

#[tokio::test]
async fn t17_faults_are_told_apart() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let faults = lab.simulator.cloud().faults();
    faults.rate_limit_next(1, Some(42));
    let error = bitbucket.current_user().await.expect_err("limited");
    assert_eq!(
        (error.retry_after(), error.is_retryable()),
        (Some(Duration::from_secs(42)), true)
    );
    faults.answer(AnswerFault::next(1, 555));
    let error = bitbucket
        .current_user()
        .await
        .expect_err("too slow for Bitbucket itself");
    assert!(matches!(error, ApiError::Server { status: 555, .. }) && error.is_retryable());
    faults.answer(AnswerFault::next(1, 401));
    assert!(
        bitbucket
            .current_user()
            .await
            .expect_err("expired")
            .is_unauthorized()
    );
    assert_eq!(
        bitbucket.current_user().await.expect("well again").name,
        "mara"
    );
    faults.unreachable(true);
    let error = bitbucket.current_user().await.expect_err("unreachable");
    assert!(error.is_retryable() && !error.needs_a_person(), "{error}");
}
