//! Connecting: sign-in, consent, codes, tokens, refresh, revocation.

use std::time::Duration;

use base64::Engine as _;
use http::StatusCode;
use pipewright_simulator::{SimClock, SimulatorOptions, TokenGeneration};
use sha2::Digest as _;

use crate::support::{Api, Browser, CALLBACK, consumer, signed_in, team, team_with};

#[tokio::test]
async fn a_person_signs_in_reads_the_permissions_and_grants_them() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account", "email", "pullrequest", "webhook"]);
    let mut browser = Browser::new(&sim);
    let query = format!(
        "client_id={}&response_type=code&state=s%20t&scope=account%20email%20pullrequest%20webhook",
        consumer.key
    );

    let sign_in = browser
        .open(&format!("/site/oauth2/authorize?{query}"))
        .await;
    assert!(sign_in.html.contains("Log in to continue"));
    let wrong = browser
        .submit(
            "/account/signin/",
            &[("username", "mara"), ("password", "wrong"), ("next", "/")],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let next = sign_in.hidden("next");
    let signed_in = browser
        .submit(
            "/account/signin/",
            &[("username", "mara"), ("password", "tide"), ("next", &next)],
        )
        .await;

    let consent = browser
        .open(signed_in.location.expect("a way back").as_str())
        .await;
    for text in [
        "Pipewright",
        "Mara Lindqvist",
        "Account: Read",
        "Account: Email",
        "Pull requests: Read",
        "Webhooks: Read and write",
    ] {
        assert!(consent.html.contains(text), "{text} in {}", consent.html);
    }
    assert!(
        consent.html.contains(">Grant access</button>") && consent.html.contains(">Deny</button>")
    );
    assert!(!consent.html.contains("Repositories: Admin"));

    let granted = browser.consent(&query, "grant").await;
    assert_eq!(granted.parameter("state").as_deref(), Some("s t"));
    assert!(
        granted
            .location
            .as_ref()
            .expect("a redirect")
            .as_str()
            .starts_with(CALLBACK)
    );
    let code = granted.parameter("code").expect("a code");
    let (status, token) = consumer
        .token(
            &sim,
            &[("grant_type", "authorization_code"), ("code", &code)],
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(token["scope"], "account email pullrequest webhook");
    assert_eq!(token["expires_in"], 3600);
    assert_eq!(token["token_type"], "bearer");
    assert!(
        token["access_token"]
            .as_str()
            .is_some_and(|token| token.len() > 1900)
    );
    assert!(token.get("scopes").is_none());

    let api = Api::bearer(&sim, token["access_token"].as_str().expect("a token"));
    assert_eq!(api.get("/user").await["username"], "mara");
    let (status, again) = consumer
        .token(
            &sim,
            &[("grant_type", "authorization_code"), ("code", &code)],
        )
        .await;
    assert_eq!(
        (status, again["error"].as_str()),
        (400, Some("invalid_grant")),
        "a code is for one use"
    );
}

#[tokio::test]
async fn denying_comes_back_as_access_denied() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let denied = browser
        .consent(
            &format!("client_id={}&response_type=code&state=abc", consumer.key),
            "deny",
        )
        .await;
    assert_eq!(denied.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(denied.parameter("state").as_deref(), Some("abc"));
    assert!(denied.parameter("error_description").is_some() && denied.parameter("code").is_none());
}

#[tokio::test]
async fn a_foreign_redirect_or_consumer_is_a_page_and_never_a_redirect() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let foreign = format!(
        "client_id={}&response_type=code&redirect_uri=http%3A%2F%2Fevil.example%2F",
        consumer.key
    );
    for query in [foreign.as_str(), "client_id=unknown&response_type=code"] {
        let page = browser
            .open(&format!("/site/oauth2/authorize?{query}"))
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.location.is_none());
    }
    let implicit = browser
        .open(&format!(
            "/site/oauth2/authorize?client_id={}&response_type=token",
            consumer.key
        ))
        .await;
    assert_eq!(
        implicit.parameter("error").as_deref(),
        Some("unsupported_response_type")
    );
}

#[tokio::test]
async fn scope_narrows_and_never_exceeds_the_consumer() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account", "pullrequest"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let query = format!(
        "client_id={}&response_type=code&scope=repository%20repository%3Aadmin",
        consumer.key
    );
    let code = browser
        .consent(&query, "grant")
        .await
        .parameter("code")
        .expect("a code");
    let (_, token) = consumer
        .token(
            &sim,
            &[("grant_type", "authorization_code"), ("code", &code)],
        )
        .await;
    assert_eq!(token["scope"], "repository");
    let refused = Api::bearer(&sim, token["access_token"].as_str().expect("a token"))
        .call("GET", "/user", None, 403)
        .await;
    assert_eq!(
        refused["error"]["detail"]["required"],
        serde_json::json!(["account"])
    );
    assert_eq!(
        refused["error"]["detail"]["granted"],
        serde_json::json!(["repository"])
    );
}

#[tokio::test]
async fn a_wrong_verifier_is_refused() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let verifier = "correct-horse-battery-staple-correct-horse-battery";
    let challenge =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier));
    let query = format!(
        "client_id={}&response_type=code&code_challenge={challenge}&code_challenge_method=S256",
        consumer.key
    );
    for (verifier, expected) in [("wrong", 400), (verifier, 200)] {
        let code = browser
            .consent(&query, "grant")
            .await
            .parameter("code")
            .expect("a code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", verifier),
        ];
        assert_eq!(consumer.token(&sim, &form).await.0, expected, "{verifier}");
    }
}

#[tokio::test]
async fn a_redirect_uri_must_be_repeated_word_for_word() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let redirect = format!("{CALLBACK}/cloud");
    let encoded = redirect.replace(':', "%3A").replace('/', "%2F");
    let query = format!(
        "client_id={}&response_type=code&redirect_uri={encoded}",
        consumer.key
    );
    for (repeated, expected) in [(CALLBACK, 400), (redirect.as_str(), 200)] {
        let code = browser
            .consent(&query, "grant")
            .await
            .parameter("code")
            .expect("a code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", repeated),
        ];
        assert_eq!(consumer.token(&sim, &form).await.0, expected, "{repeated}");
    }
}

#[tokio::test]
async fn tokens_expire_and_refresh_tokens_rotate_with_a_grace() {
    let clock = SimClock::manual("2026-11-22T10:00:00Z".parse().expect("an instant"));
    let sim = team_with(SimulatorOptions {
        clock: clock.clone(),
        ..SimulatorOptions::default()
    })
    .await;
    let consumer = consumer(&sim, &["account"]);
    let first = consumer.connect(&sim, "mara").await;
    let api = Api::bearer(&sim, first["access_token"].as_str().expect("a token"));
    clock.advance(Duration::from_secs(3599));
    api.get("/user").await;
    clock.advance(Duration::from_secs(1));
    let expired = api.call("GET", "/user", None, 401).await;
    assert_eq!(
        expired["error"]["message"],
        "Access token expired. Use your refresh token to obtain a new access token."
    );

    let used = first["refresh_token"].as_str().expect("a refresh token");
    let (status, second) = consumer
        .token(
            &sim,
            &[("grant_type", "refresh_token"), ("refresh_token", used)],
        )
        .await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    Api::bearer(&sim, second["access_token"].as_str().expect("a token"))
        .get("/user")
        .await;
    clock.advance(Duration::from_mins(9));
    assert_eq!(
        consumer
            .token(
                &sim,
                &[("grant_type", "refresh_token"), ("refresh_token", used)]
            )
            .await
            .0,
        200,
        "within the grace"
    );
    clock.advance(Duration::from_mins(2));
    let (status, refused) = consumer
        .token(
            &sim,
            &[("grant_type", "refresh_token"), ("refresh_token", used)],
        )
        .await;
    assert_eq!(
        (status, refused),
        (
            400,
            serde_json::json!({ "error": "invalid_request", "error_description": "Invalid refresh_token" })
        )
    );
    clock.advance(Duration::from_hours(91 * 24));
    let idle = second["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(
        consumer
            .token(
                &sim,
                &[("grant_type", "refresh_token"), ("refresh_token", idle)]
            )
            .await
            .0,
        400,
        "idle for three months"
    );
}

#[tokio::test]
async fn the_older_generation_says_scopes_and_two_hours() {
    let sim = team().await;
    sim.cloud().set_token_generation(TokenGeneration::Older);
    let consumer = consumer(&sim, &["repository"]);
    assert_eq!((consumer.key.len(), consumer.secret.len()), (18, 32));
    let token = consumer.connect(&sim, "mara").await;
    assert_eq!(
        (token["scopes"].as_str(), token["expires_in"].as_u64()),
        (Some("repository"), Some(7200))
    );
    assert!(token.get("scope").is_none());
}

#[tokio::test]
async fn a_revoked_grant_ends_access_and_refresh() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let token = consumer.connect(&sim, "mara").await;
    let api = Api::bearer(&sim, token["access_token"].as_str().expect("a token"));
    api.get("/user").await;
    assert_eq!(
        sim.cloud()
            .grants("mara")
            .expect("a user")
            .get(&consumer.key),
        Some(&vec!["account".to_owned()])
    );

    assert!(
        sim.cloud()
            .revoke_grant("mara", &consumer.key)
            .expect("a user")
    );
    api.call("GET", "/user", None, 401).await;
    let refresh = token["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(
        consumer
            .token(
                &sim,
                &[("grant_type", "refresh_token"), ("refresh_token", refresh)]
            )
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_person_revokes_on_the_settings_page() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let token = consumer.connect(&sim, "mara").await;
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let page = browser.open("/account/settings/app-authorizations/").await;
    assert!(page.html.contains("Pipewright") && page.html.contains("Account: Read"));
    browser
        .submit(
            "/account/settings/app-authorizations/",
            &[("key", &consumer.key)],
        )
        .await;
    Api::bearer(&sim, token["access_token"].as_str().expect("a token"))
        .call("GET", "/user", None, 401)
        .await;
}

#[tokio::test]
async fn an_administrator_makes_a_consumer_on_the_settings_page() {
    let sim = team().await;
    let mut browser = Browser::new(&sim);
    browser.sign_in("ivo").await;
    assert_eq!(
        browser.open("/harbor/workspace/settings/api").await.status,
        StatusCode::NOT_FOUND,
        "only owners see it"
    );
    browser.sign_in("mara").await;
    let form = [
        ("name", "CI"),
        ("callback_url", CALLBACK),
        ("scope", "account"),
        ("scope", "webhook"),
        ("scope", "nonsense"),
    ];
    let saved = browser
        .submit("/harbor/workspace/settings/api", &form)
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let page = browser.open("/harbor/workspace/settings/api").await;
    assert!(
        page.html.contains("CI")
            && page.html.contains("<code>webhook</code>")
            && !page.html.contains("nonsense")
    );
    let twice = browser
        .submit("/harbor/workspace/settings/api", &form)
        .await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_bitbuckets_words() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let (status, body) = consumer
        .token(&sim, &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("unauthorized_client")),
        "not a private consumer"
    );
    let (status, body) = consumer.token(&sim, &[]).await;
    assert_eq!(
        (status, body),
        (
            400,
            serde_json::json!({ "error": "invalid_grant", "error_description": "Unsupported grant type: None" })
        )
    );
    let wrong = crate::support::Consumer {
        key: consumer.key.clone(),
        secret: "wrong".to_owned(),
    };
    assert_eq!(
        wrong
            .token(&sim, &[("grant_type", "refresh_token")])
            .await
            .0,
        401
    );

    sim.cloud().set_oauth_callback(&consumer.key, "");
    let (status, body) = consumer
        .token(&sim, &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error_description"],
        "No callback uri defined for the OAuth client."
    );
}

#[tokio::test]
async fn client_credentials_act_as_a_bot_without_refresh() {
    let sim = team().await;
    let (key, secret) = sim
        .cloud()
        .add_private_oauth_consumer("harbor", "Robot", CALLBACK, &["account", "repository"])
        .expect("a consumer");
    let consumer = crate::support::Consumer { key, secret };
    let (status, token) = consumer
        .token(&sim, &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(status, 200);
    assert!(token.get("refresh_token").is_none());
    let api = Api::bearer(&sim, token["access_token"].as_str().expect("a token"));
    assert_eq!(api.get("/user").await["display_name"], "Robot");
    api.get("/repositories/harbor/api").await;
}

#[tokio::test]
async fn the_consent_form_belongs_to_its_session() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let mut browser = Browser::new(&sim);
    browser.sign_in("mara").await;
    let request = format!("client_id={}&response_type=code", consumer.key);
    let forged = [
        ("request", request.as_str()),
        ("confirmation", "0000"),
        ("decision", "grant"),
    ];
    let page = browser.submit("/site/oauth2/authorize", &forged).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(sim.cloud().grants("mara").expect("a user").is_empty());
}

#[tokio::test]
async fn a_token_revoked_by_its_client_is_dead() {
    let sim = team().await;
    let consumer = consumer(&sim, &["account"]);
    let token = consumer.connect(&sim, "mara").await;
    let access = token["access_token"].as_str().expect("a token");
    let address = format!("{}/site/oauth2/revoke", sim.cloud_web_url());
    let post = crate::support::client()
        .post(address)
        .basic_auth(&consumer.key, Some(&consumer.secret))
        .form(&[("token", access)]);
    assert!(post.send().await.expect("an answer").status().is_success());
    Api::bearer(&sim, access)
        .call("GET", "/user", None, 401)
        .await;
    let _ = signed_in(&sim, "mara").await;
}
