//! Basic, tokens, CAPTCHA, rate limit, XSRF.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::lab::{As, JONAS, Lab, MARA, OLGA, ledger};
use crate::{
    datacenter::{TokenLevel, Version},
    state::Permission,
};

const ME: &str = "/rest/api/1.0/users/mara";

#[tokio::test]
async fn every_answer_carries_a_request_id_and_signed_in_ones_a_name() {
    let lab = Lab::start().await;
    let anonymous = lab
        .get(As::Nobody, "/rest/api/1.0/application-properties")
        .await;
    assert_eq!(anonymous.json()["version"], "9.4.24");
    assert!(anonymous.header("x-arequestid").is_some());
    assert!(anonymous.header("x-ausername").is_none());
    assert_eq!(
        anonymous.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    lab.dc
        .add_user("anna.lee@example.com", "Anna Lee", "anna@example.com", "pw")
        .expect("a new name");
    let named = lab
        .get(
            As::Password("anna.lee@example.com", "pw"),
            "/rest/api/latest/build/capabilities",
        )
        .await;
    assert_eq!(named.header("x-ausername"), Some("anna.lee%40example.com"));
    lab.get(MARA, "/rest/api/1.0/users/anna.lee_example.com")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_wrong_password_is_401_and_a_missing_permission_too() {
    let lab = Lab::start().await;
    let wrong = lab.get(As::Password("mara", "guess"), ME).await;
    assert!(wrong.refused(401).contains("Authentication failed"));
    assert_eq!(
        lab.get(OLGA, &ledger("")).await.refused(401),
        "You are not permitted to access this resource"
    );
    lab.get(JONAS, &ledger("")).await.expect(200);
    lab.get(JONAS, &ledger("/webhooks")).await.expect(401);
    let missing = lab
        .get(JONAS, "/rest/api/1.0/projects/FIN/repos/nothing")
        .await;
    assert_eq!(
        missing.refused(404),
        "Repository FIN/nothing does not exist."
    );
    assert_eq!(
        lab.get(JONAS, "/rest/api/1.0/projects/NONE")
            .await
            .refused(404),
        "Project NONE does not exist."
    );
}

#[tokio::test]
async fn version_10_refuses_basic_before_it_looks_at_credentials() {
    let lab = Lab::start().await;
    let token = lab
        .dc
        .create_token("mara", "ci", &[TokenLevel::Repository(Permission::Read)])
        .expect("a user");
    lab.get(As::Password("mara", &token), ME).await.expect(200);
    lab.dc.set_version(Version::new(10, 2, 6));
    let sentence = "Basic Authentication has been disabled on this instance.";
    for who in [
        MARA,
        As::Password("mara", "wrong"),
        As::Password("mara", &token),
        As::Password("nobody", ""),
    ] {
        assert_eq!(lab.get(who, ME).await.refused(403), sentence);
    }
    lab.get(As::Bearer(&token), ME).await.expect(200);
    lab.dc.allow_basic_for("mara");
    lab.get(MARA, ME).await.expect(200);
    lab.get(JONAS, ME).await.expect(403);
    lab.dc.allow_basic();
    lab.get(JONAS, ME).await.expect(200);
    lab.dc.set_version(Version::default());
    lab.dc.disable_basic();
    lab.get(JONAS, ME).await.expect(403);
}

#[tokio::test]
async fn five_wrong_passwords_ask_for_a_captcha_that_the_right_one_does_not_answer() {
    let lab = Lab::start().await;
    for _ in 0..5 {
        lab.get(As::Password("mara", "guess"), ME).await.expect(401);
    }
    let asked = lab.get(MARA, ME).await;
    let reason = asked
        .header("x-authentication-denied-reason")
        .expect("the reason header")
        .to_owned();
    assert_eq!(
        reason,
        format!("CAPTCHA_CHALLENGE; login-url={}/login", lab.base)
    );
    assert_eq!(
        asked.header("x-seraph-loginreason"),
        Some("AUTHENTICATION_DENIED")
    );
    assert!(asked.refused(403).starts_with("CAPTCHA required"));
    let token = lab
        .dc
        .create_token("mara", "ci", &[TokenLevel::Repository(Permission::Read)])
        .expect("a user");
    lab.get(As::Bearer(&token), ME).await.expect(200);
    lab.dc.clear_captcha("mara").expect("a user");
    lab.get(MARA, ME).await.expect(200);
    lab.dc.require_captcha("mara").expect("a user");
    lab.get(MARA, ME).await.expect(403);
}

#[tokio::test]
async fn a_good_password_forgives_the_bad_ones_before_it() {
    let lab = Lab::start().await;
    for _ in 0..3 {
        for _ in 0..4 {
            lab.get(As::Password("mara", "guess"), ME).await.expect(401);
        }
        lab.get(MARA, ME).await.expect(200);
    }
}

#[tokio::test]
async fn tokens_reach_as_far_as_they_say_and_no_further_than_their_user() {
    let lab = Lab::start().await;
    let read = lab
        .dc
        .create_token("mara", "r", &[TokenLevel::Repository(Permission::Read)])
        .expect("a user");
    lab.get(As::Bearer(&read), &ledger("")).await.expect(200);
    lab.get(As::Bearer(&read), &ledger("/webhooks"))
        .await
        .expect(401);
    let levels = [
        TokenLevel::Project(Permission::Read),
        TokenLevel::Repository(Permission::Admin),
    ];
    let admin = lab.dc.create_token("mara", "a", &levels).expect("a user");
    lab.get(As::Bearer(&admin), &ledger("/webhooks"))
        .await
        .expect(200);
    lab.get(As::Bearer(&admin), "/rest/api/1.0/projects/FIN/webhooks")
        .await
        .expect(401);
    let capped = lab.dc.create_token("jonas", "c", &levels).expect("a user");
    lab.get(As::Bearer(&capped), &ledger("")).await.expect(200);
    lab.get(As::Bearer(&capped), &ledger("/webhooks"))
        .await
        .expect(401);
    assert!(lab.dc.revoke_token(&admin));
    lab.get(As::Bearer(&admin), &ledger("")).await.expect(401);
}

#[tokio::test]
async fn tokens_of_a_project_or_a_repository_reach_only_that_and_only_as_bearer() {
    let lab = Lab::start().await;
    lab.dc.add_project("OPS", "Operations").expect("a new key");
    lab.dc
        .add_repository("OPS", "tools", true)
        .expect("a new slug");
    let own = lab
        .dc
        .create_repository_token("FIN/ledger", "ci", Permission::Admin)
        .expect("a repository");
    let answer = lab.get(As::Bearer(&own), &ledger("/webhooks")).await;
    assert!(
        answer
            .header("x-ausername")
            .expect("a synthetic user")
            .starts_with("access-token-user")
    );
    answer.expect(200);
    lab.get(As::Bearer(&own), "/rest/api/1.0/projects/OPS/repos/tools")
        .await
        .expect(401);
    lab.get(As::Password("mara", &own), &ledger(""))
        .await
        .expect(401);
    let project = lab
        .dc
        .create_project_token("FIN", "ci", &[TokenLevel::Project(Permission::Admin)])
        .expect("a project");
    lab.get(As::Bearer(&project), "/rest/api/1.0/projects/FIN/webhooks")
        .await
        .expect(200);
    lab.get(
        As::Bearer(&project),
        "/rest/api/1.0/projects/OPS/repos/tools",
    )
    .await
    .expect(401);
}

#[tokio::test]
async fn tokens_are_made_listed_and_deleted_by_their_person_only() {
    let lab = Lab::start().await;
    let path = "/rest/access-tokens/1.0/users/mara";
    let wanted =
        json!({ "name": "ci", "permissions": ["REPO_ADMIN", "PROJECT_READ"], "expiryDays": 1 });
    let made = lab.put(MARA, path, wanted.clone()).await.expect(200);
    assert!(made["createdDate"].is_i64());
    let token = made["token"]
        .as_str()
        .expect("the token is shown once")
        .to_owned();
    lab.get(As::Bearer(&token), ME).await.expect(200);
    lab.put(As::Bearer(&token), path, wanted.clone())
        .await
        .expect(401);
    lab.put(JONAS, path, wanted).await.expect(401);
    let listed = lab.get(MARA, path).await.expect(200);
    assert_eq!(listed["size"], 1);
    assert!(listed["values"][0].get("token").is_none());
    for wrong in [
        json!({ "permissions": ["REPO_READ"] }),
        json!({ "name": "x" }),
        json!({ "name": "x", "permissions": ["REPO_FLY"] }),
        json!({ "name": "x", "permissions": ["REPO_READ", "PROJECT_WRITE"] }),
        json!({ "name": "x", "permissions": ["REPO_READ", "REPO_WRITE"] }),
    ] {
        lab.put(MARA, path, wrong).await.expect(400);
    }
    lab.clock.advance(Duration::from_hours(25));
    lab.get(As::Bearer(&token), ME).await.expect(401);
    let id = made["id"].as_str().expect("ids are strings");
    lab.delete(MARA, &format!("{path}/{id}")).await.expect(204);
    lab.delete(MARA, &format!("{path}/{id}")).await.expect(404);
}

#[tokio::test]
async fn repository_tokens_take_no_project_levels() {
    let lab = Lab::start().await;
    let path = "/rest/access-tokens/latest/projects/FIN/repos/ledger";
    lab.put(
        MARA,
        path,
        json!({ "name": "x", "permissions": ["PROJECT_READ"] }),
    )
    .await
    .expect(400);
    lab.put(
        MARA,
        path,
        json!({ "name": "x", "permissions": ["REPO_READ"] }),
    )
    .await
    .expect(200);
    lab.put(
        JONAS,
        path,
        json!({ "name": "x", "permissions": ["REPO_READ"] }),
    )
    .await
    .expect(401);
}

#[tokio::test]
async fn the_rate_limit_is_a_bucket_that_fills_with_time() {
    let lab = Lab::start().await;
    let settings = "/rest/api/latest/admin/rate-limit/settings";
    assert_eq!(lab.get(JONAS, settings).await.expect(200)["enabled"], false);
    lab.dc.set_rate_limit(Some((2, 1)));
    lab.get(MARA, ME).await.expect(200);
    lab.get(MARA, ME).await.expect(200);
    let refused = lab.get(MARA, ME).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("1"))
    );
    lab.get(JONAS, ME).await.expect(200);
    lab.clock.advance(Duration::from_secs(1));
    lab.get(MARA, ME).await.expect(200);
    lab.get(MARA, ME).await.expect(429);
}

#[tokio::test]
async fn a_write_that_a_page_could_forge_is_refused() {
    let lab = Lab::start().await;
    let url = format!("{}{}", lab.base, ledger("/pull-requests/1/merge?version=0"));
    let forged = Lab::send(MARA, lab.client().post(&url)).await;
    assert_eq!(
        (forged.status, forged.text.as_str()),
        (403, "XSRF check failed")
    );
    lab.ask(
        MARA,
        Method::POST,
        &ledger("/pull-requests/1/merge?version=0"),
        None,
    )
    .await
    .expect(404);
}

#[tokio::test]
async fn a_route_that_does_not_exist_answers_in_a_shape_of_its_own() {
    let lab = Lab::start().await;
    let missing = lab.get(MARA, "/rest/api/1.0/wizards").await.expect(404);
    assert_eq!(
        missing,
        json!({ "message": "HTTP 404 Not Found", "status-code": 404, "sub-code": -1 })
    );
    let xml = Lab::send(
        MARA,
        lab.client()
            .get(format!("{}/rest/api/1.0/wizards", lab.base)),
    )
    .await;
    assert_eq!(
        (xml.status, xml.header("content-type")),
        (404, Some("application/xml"))
    );
    let outside = lab.client().get(
        lab.base
            .replace("/bitbucket", "/rest/api/1.0/application-properties"),
    );
    assert_eq!(Lab::send(As::Nobody, outside).await.status, 404);
}
