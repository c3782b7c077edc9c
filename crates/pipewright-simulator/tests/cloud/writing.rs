//! Wiring up: webhooks, SSH keys, deploy keys.

use pipewright_simulator::CloudSettings;
use serde_json::json;

use crate::support::{Api, Machine, consumer, signed_in, team};

const HOOKS: &str = "/repositories/harbor/api/hooks";

#[tokio::test]
async fn a_webhook_is_made_found_changed_and_deleted_without_telling_its_secret() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let body = json!({
        "description": "Pipewright", "url": "http://127.0.0.1:9/hooks/x", "active": true, "secret": "hush",
        "events": ["repo:push", "pullrequest:created"],
    });
    let made = api.call("POST", HOOKS, Some(body), 201).await;
    assert_eq!(
        (made["secret_set"].as_bool(), made.get("secret")),
        (Some(true), None)
    );
    let path = format!(
        "{HOOKS}/{}",
        made["uuid"]
            .as_str()
            .expect("an id")
            .replace('{', "%7B")
            .replace('}', "%7D")
    );
    assert_eq!(
        api.get(HOOKS).await["values"][0]["url"],
        "http://127.0.0.1:9/hooks/x"
    );
    assert_eq!(
        sim.cloud().webhooks("harbor/api").expect("webhooks")[0]
            .secret
            .as_deref(),
        Some("hush")
    );

    let changed = json!({ "description": "Renamed", "url": "http://127.0.0.1:9/y", "active": false, "events": ["repo:push"] });
    let changed = api.call("PUT", &path, Some(changed), 200).await;
    assert_eq!(
        (changed["secret_set"].as_bool(), changed["active"].as_bool()),
        (Some(true), Some(false)),
        "a missing secret stays"
    );
    let removed = json!({ "url": "http://127.0.0.1:9/y", "events": ["repo:push"], "secret": null });
    assert_eq!(
        api.call("PUT", &path, Some(removed), 200).await["secret_set"],
        false
    );
    api.call("DELETE", &path, None, 204).await;
    api.call("GET", &path, None, 404).await;
    assert_eq!(api.get(HOOKS).await["size"], 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_said() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let long = "x".repeat(129);
    for body in [
        json!({ "events": ["repo:push"] }),
        json!({ "url": "http://127.0.0.1/", "events": [] }),
        json!({ "url": "http://127.0.0.1/", "events": ["repo:nonsense"] }),
        json!({ "url": "not an address", "events": ["repo:push"] }),
        json!({ "url": "http://127.0.0.1/", "events": ["repo:push"], "secret": long }),
    ] {
        let refused = api.call("POST", HOOKS, Some(body.clone()), 400).await;
        assert!(refused["error"]["fields"].is_object(), "{body}: {refused}");
    }
    sim.cloud().set_settings(CloudSettings {
        refuse_private_hook_urls: true,
        ..CloudSettings::default()
    });
    let body = |url: &str| Some(json!({ "url": url, "events": ["repo:push"] }));
    for url in [
        "http://127.0.0.1:8080/h",
        "https://10.1.2.3/h",
        "https://localhost/h",
        "http://[::1]/h",
    ] {
        api.call("POST", HOOKS, body(url), 400).await;
    }
    api.call("POST", HOOKS, body("https://ci.example.com/h"), 201)
        .await;
}

#[tokio::test]
async fn making_a_webhook_takes_scope_and_permission() {
    let sim = team().await;
    let body = Some(
        json!({ "url": "http://127.0.0.1:9/h", "events": ["repo:push", "pullrequest:created"] }),
    );
    let writer = signed_in(&sim, "ivo").await;
    let refused = writer.call("POST", HOOKS, body.clone(), 403).await;
    assert!(
        refused["error"].get("detail").is_none(),
        "a missing permission has no detail"
    );

    let narrow = consumer(&sim, &["account", "repository"])
        .connect(&sim, "mara")
        .await;
    let narrow = Api::bearer(&sim, narrow["access_token"].as_str().expect("a token"));
    let refused = narrow.call("POST", HOOKS, body.clone(), 403).await;
    assert_eq!(refused["error"]["detail"]["required"], json!(["webhook"]));

    let eventless = consumer(&sim, &["repository", "webhook"])
        .connect(&sim, "mara")
        .await;
    let eventless = Api::bearer(&sim, eventless["access_token"].as_str().expect("a token"));
    let refused = eventless.call("POST", HOOKS, body, 403).await;
    assert_eq!(
        refused["error"]["detail"]["required"],
        json!(["pullrequest"]),
        "each event needs its resource's scope"
    );

    let events = Api::anonymous(&sim)
        .get("/hook_events/repository?pagelen=100")
        .await;
    assert!(
        events["values"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|event| event["event"] == "repo:push")
    );
}

#[tokio::test]
async fn workspace_webhooks_hear_of_every_repository() {
    let sim = team().await;
    let receiver = crate::support::Receiver::start(&[]).await;
    let api = signed_in(&sim, "mara").await;
    let body = json!({ "url": receiver.url(), "events": ["repo:push"] });
    api.call("POST", "/workspaces/harbor/hooks", Some(body.clone()), 201)
        .await;
    signed_in(&sim, "ivo")
        .await
        .call("POST", "/workspaces/harbor/hooks", Some(body), 403)
        .await;
    sim.cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    sim.cloud().settled().await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_users_ssh_key_is_added_once_and_opens_connections() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    let api = signed_in(&sim, "mara").await;
    let user = api.get("/user").await["uuid"]
        .as_str()
        .expect("an id")
        .replace('{', "%7B")
        .replace('}', "%7D");
    let path = format!("/users/{user}/ssh-keys");
    let body = json!({ "key": machine.public_key(), "label": "Pipewright" });
    let made = api.call("POST", &path, Some(body.clone()), 201).await;
    assert_eq!(
        (made["label"].as_str(), made["comment"].as_str()),
        (Some("Pipewright"), Some("test key"))
    );
    assert!(
        machine
            .public_key()
            .contains(made["key"].as_str().expect("a key"))
    );
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
    api.call("POST", &path, Some(body.clone()), 400).await;
    let deploy = api
        .call(
            "POST",
            "/repositories/harbor/api/deploy-keys",
            Some(body.clone()),
            400,
        )
        .await;
    assert!(
        deploy["error"]["message"]
            .as_str()
            .is_some_and(|message| message.contains("already registered"))
    );
    api.call("POST", &path, Some(json!({ "key": "not a key" })), 400)
        .await;

    let stranger = signed_in(&sim, "ivo").await;
    stranger.call("GET", &path, None, 403).await;
    let read_only = consumer(&sim, &["account"]).connect(&sim, "mara").await;
    let read_only = Api::bearer(&sim, read_only["access_token"].as_str().expect("a token"));
    let refused = read_only.call("POST", &path, Some(body.clone()), 403).await;
    assert_eq!(
        refused["error"]["detail"]["required"],
        json!(["account:write"])
    );
    sim.cloud().set_settings(CloudSettings {
        ssh_keys_by_oauth: false,
        ..CloudSettings::default()
    });
    api.call("POST", &path, Some(body), 403).await;

    let one = format!(
        "{path}/{}",
        made["uuid"]
            .as_str()
            .expect("an id")
            .trim_matches(['{', '}'])
    );
    assert_eq!(
        api.call("PUT", &one, Some(json!({ "label": "Other" })), 200)
            .await["label"],
        "Other"
    );
    api.call("DELETE", &one, None, 204).await;
    assert!(!machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
}

#[tokio::test]
async fn a_person_pastes_a_key_on_the_settings_page() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    let mut browser = crate::support::Browser::new(&sim);
    browser.sign_in("mara").await;
    browser
        .submit(
            "/account/settings/ssh-keys/",
            &[("label", "CI"), ("key", &machine.public_key())],
        )
        .await;
    assert!(
        browser
            .open("/account/settings/ssh-keys/")
            .await
            .html
            .contains("SHA256:")
    );
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
    let twice = browser
        .submit(
            "/account/settings/ssh-keys/",
            &[("key", &machine.public_key())],
        )
        .await;
    assert!(twice.html.contains("already registered"));
}

#[tokio::test]
async fn a_deploy_key_serves_several_repositories() {
    let sim = team().await;
    sim.cloud()
        .add_repository("harbor", "web", true)
        .expect("a repository");
    let machine = Machine::new(&sim).await;
    let api = signed_in(&sim, "mara").await;
    let body = json!({ "key": machine.public_key(), "label": "ci" });
    let made = api
        .call(
            "POST",
            "/repositories/harbor/api/deploy-keys",
            Some(body.clone()),
            200,
        )
        .await;
    assert!(made["id"].is_u64());
    api.call(
        "POST",
        "/repositories/harbor/web/deploy-keys",
        Some(body.clone()),
        200,
    )
    .await;
    api.call(
        "POST",
        "/repositories/harbor/web/deploy-keys",
        Some(body),
        400,
    )
    .await;
    for repository in ["harbor/api", "harbor/web"] {
        machine
            .git_ok(
                &machine.path(""),
                &["ls-remote", &machine.ssh_url(repository)],
            )
            .await;
    }
    api.call(
        "DELETE",
        &format!("/repositories/harbor/api/deploy-keys/{}", made["id"]),
        None,
        204,
    )
    .await;
    assert!(
        !machine
            .git(
                &machine.path(""),
                &["ls-remote", &machine.ssh_url("harbor/api")]
            )
            .await
            .status
            .success()
    );
    machine
        .git_ok(
            &machine.path(""),
            &["ls-remote", &machine.ssh_url("harbor/web")],
        )
        .await;
    signed_in(&sim, "ivo")
        .await
        .call("GET", "/repositories/harbor/api/deploy-keys", None, 403)
        .await;
}
