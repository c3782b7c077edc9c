//! SSH keys of users, access keys of repositories and projects.

use serde_json::{Value, json};

use super::lab::{As, JONAS, Lab, MARA};
use crate::{
    datacenter::{TokenLevel, Version},
    ssh::HostKey,
    state::Permission,
};

const USER_KEYS: &str = "/rest/ssh/1.0/keys";
const REPOSITORY_KEYS: &str = "/rest/keys/1.0/projects/FIN/repos/ledger/ssh";
const PROJECT_KEYS: &str = "/rest/keys/1.0/projects/FIN/ssh";

/// A new public key as OpenSSH text.
fn public_key() -> String {
    HostKey::random().openssh()
}

fn access(text: &str, permission: &str) -> Value {
    json!({ "key": { "text": text, "label": "ci" }, "permission": permission })
}

#[tokio::test]
async fn a_user_key_is_added_once_in_the_whole_server() {
    let lab = Lab::start().await;
    let key = public_key();
    let made = lab
        .post(
            MARA,
            USER_KEYS,
            json!({ "text": format!("{key} mara@desk") }),
        )
        .await
        .expect(201);
    assert_eq!(
        (&made["label"], &made["algorithmType"]),
        (&json!("mara@desk"), &json!("ED25519"))
    );
    lab.post(MARA, USER_KEYS, json!({ "text": key }))
        .await
        .expect(409);
    lab.post(JONAS, USER_KEYS, json!({ "text": key }))
        .await
        .expect(409);
    let bad = lab
        .post(MARA, USER_KEYS, json!({ "text": "ssh-ed25519 nonsense" }))
        .await;
    assert_eq!(bad.refused(400), "You must enter a valid public key");
    assert_eq!(lab.get(MARA, USER_KEYS).await.expect(200)["size"], 1);
    let id = made["id"].as_u64().expect("an id");
    lab.delete(JONAS, &format!("{USER_KEYS}/{id}"))
        .await
        .expect(401);
    lab.delete(MARA, &format!("{USER_KEYS}/{id}"))
        .await
        .expect(204);
    lab.delete(MARA, &format!("{USER_KEYS}/{id}"))
        .await
        .expect(204);
    lab.post(JONAS, USER_KEYS, json!({ "text": key }))
        .await
        .expect(201);
}

#[tokio::test]
async fn deleting_without_an_id_deletes_all_own_keys_and_no_others() {
    let lab = Lab::start().await;
    for who in [MARA, MARA, JONAS] {
        lab.post(who, USER_KEYS, json!({ "text": public_key() }))
            .await
            .expect(201);
    }
    lab.delete(MARA, USER_KEYS).await.expect(204);
    assert_eq!(lab.get(MARA, USER_KEYS).await.expect(200)["size"], 0);
    assert_eq!(lab.get(JONAS, USER_KEYS).await.expect(200)["size"], 1);
}

#[tokio::test]
async fn another_users_keys_are_the_administrators_business() {
    let lab = Lab::start().await;
    let path = format!("{USER_KEYS}?user=jonas");
    lab.get(MARA, &path).await.expect(401);
    lab.dc.make_administrator("mara").expect("a user");
    lab.post(MARA, &path, json!({ "text": public_key() }))
        .await
        .expect(201);
    assert_eq!(lab.get(JONAS, USER_KEYS).await.expect(200)["size"], 1);
    lab.get(As::Nobody, USER_KEYS).await.expect(401);
}

#[tokio::test]
async fn a_token_adds_user_keys_only_where_that_is_switched_on() {
    let lab = Lab::start().await;
    let token = lab
        .dc
        .create_token("mara", "t", &[TokenLevel::Repository(Permission::Admin)])
        .expect("a user");
    lab.post(
        As::Bearer(&token),
        USER_KEYS,
        json!({ "text": public_key() }),
    )
    .await
    .expect(401);
    lab.dc.allow_tokens_to_add_user_keys(true);
    lab.post(
        As::Bearer(&token),
        USER_KEYS,
        json!({ "text": public_key() }),
    )
    .await
    .expect(201);
}

#[tokio::test]
async fn a_key_is_a_users_or_an_access_key_and_never_both() {
    let lab = Lab::start().await;
    let (users, access_key) = (public_key(), public_key());
    lab.post(MARA, USER_KEYS, json!({ "text": users }))
        .await
        .expect(201);
    lab.post(MARA, REPOSITORY_KEYS, access(&users, "REPO_READ"))
        .await
        .expect(409);
    lab.post(MARA, REPOSITORY_KEYS, access(&access_key, "REPO_READ"))
        .await
        .expect(201);
    lab.post(JONAS, USER_KEYS, json!({ "text": access_key }))
        .await
        .expect(409);
}

#[tokio::test]
async fn one_access_key_serves_many_places_and_is_revoked_per_place() {
    let lab = Lab::start().await;
    let key = public_key();
    let made = lab
        .post(MARA, REPOSITORY_KEYS, access(&key, "REPO_WRITE"))
        .await
        .expect(201);
    assert_eq!(
        (&made["permission"], &made["repository"]["slug"]),
        (&json!("REPO_WRITE"), &json!("ledger"))
    );
    let in_project = lab
        .post(MARA, PROJECT_KEYS, access(&key, "PROJECT_READ"))
        .await
        .expect(201);
    assert_eq!(
        (&in_project["key"]["id"], &in_project["project"]["key"]),
        (&made["key"]["id"], &json!("FIN"))
    );
    lab.post(MARA, REPOSITORY_KEYS, access(&key, "REPO_READ"))
        .await
        .expect(409);
    let id = made["key"]["id"].as_u64().expect("an id");
    let one = format!("{REPOSITORY_KEYS}/{id}");
    lab.ask(
        MARA,
        http::Method::PUT,
        &format!("{one}/permission/REPO_READ"),
        None,
    )
    .await
    .expect(200);
    assert_eq!(
        lab.get(MARA, &one).await.expect(200)["permission"],
        "REPO_READ"
    );
    lab.delete(MARA, &one).await.expect(204);
    lab.delete(MARA, &one).await.expect(204);
    let unknown = lab.get(MARA, &one).await.expect(404);
    assert!(unknown.get("errors").is_none(), "the bare form: {unknown}");
    assert_eq!(lab.get(MARA, PROJECT_KEYS).await.expect(200)["size"], 1);
}

#[tokio::test]
async fn access_keys_need_an_administrator_a_known_level_and_the_setting() {
    let lab = Lab::start().await;
    lab.post(JONAS, REPOSITORY_KEYS, access(&public_key(), "REPO_READ"))
        .await
        .expect(401);
    for level in ["REPO_ADMIN", "PROJECT_READ", ""] {
        lab.post(MARA, REPOSITORY_KEYS, access(&public_key(), level))
            .await
            .expect(400);
    }
    let filtered = lab
        .get(
            MARA,
            &format!("{REPOSITORY_KEYS}?filter=CI&permission=REPO_READ"),
        )
        .await
        .expect(200);
    assert_eq!(filtered["size"], 0);
    lab.dc.set_access_keys_enabled(false);
    let settings = lab
        .get(JONAS, "/rest/ssh/latest/settings")
        .await
        .expect(200);
    assert_eq!(
        (&settings["accessKeysEnabled"], &settings["port"]),
        (&json!(false), &json!(7999))
    );
    lab.post(MARA, REPOSITORY_KEYS, access(&public_key(), "REPO_READ"))
        .await
        .expect(400);
    lab.get(As::Nobody, "/rest/ssh/1.0/settings")
        .await
        .expect(401);
}

#[tokio::test]
async fn older_versions_describe_keys_less() {
    let lab = Lab::start().await;
    lab.dc.set_version(Version::new(7, 21, 0));
    let made = lab
        .post(
            MARA,
            USER_KEYS,
            json!({ "text": public_key(), "label": "desk" }),
        )
        .await
        .expect(201);
    let mut keys: Vec<&String> = made.as_object().expect("an object").keys().collect();
    // Their order is the JSON library's choice.
    keys.sort();
    assert_eq!(keys, ["id", "label", "text"]);
}
