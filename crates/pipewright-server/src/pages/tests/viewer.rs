//! What a viewer sends: every address below an account that accepts a form refuses it, and nothing changes. The addresses are
//! read from the router itself, so that no new form is forgotten.

use std::path::Path;

use http::StatusCode;
use pipewright_core::Role;
use pipewright_store::schedules;

use super::scene::{APPLICATION, Scene};

/// Every field that any form has, filled so that only the sender can be what is wrong with it.
const FIELDS: &[(&str, &str)] = &[
    ("act", "save"),
    ("application", "checkout-api"),
    ("auto_build", "off"),
    ("branch", "main"),
    ("branches", "main"),
    ("builds_days", "7"),
    ("bodies_days", "7"),
    ("logs_days", "7"),
    ("confirm", "checkout-api"),
    ("cron", "0 4 * * *"),
    ("custom", ""),
    ("email", "x@example.com"),
    ("environment", ""),
    ("fingerprint", "SHA256:abc"),
    ("from", "list"),
    ("host", "bitbucket.example"),
    ("algorithm", "ES256"),
    ("lines", "bitbucket.example ssh-ed25519 AAAA"),
    ("private_key", "none"),
    ("name", "other"),
    ("others", ""),
    ("owner", "mara@example.com"),
    ("password", "correct horse battery"),
    ("ref", "main"),
    ("repository", "checkout-api"),
    ("role", "owner"),
    ("slug", "other"),
    ("ssh_port", "22"),
    ("to", "off"),
    ("username", "mara"),
    ("value", "1"),
    ("via", "https"),
    ("what", "all"),
    ("zone", "UTC"),
];

/// The addresses below an account, as the router names them.
fn addresses(scene: &Scene) -> Vec<String> {
    let router = format!("{:?}", crate::routes::router(scene.site.app.clone()));
    let mut addresses: Vec<String> = router
        .split('"')
        .filter(|piece| piece.starts_with("/{account}"))
        .map(str::to_owned)
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// Everything that is stored, as a copy of the database's file.
async fn stored(scene: &Scene, to: &Path) -> Vec<u8> {
    let database = scene.site.app.config.data_directory.join("test.db");
    pipewright_store::copy_sqlite(&database, to)
        .await
        .expect("copies");
    std::fs::read(to).expect("the copy")
}

#[tokio::test]
async fn a_viewer_changes_nothing_whatever_form_is_sent() {
    let mut scene = Scene::new().await;
    let (build, running) = scene.passed("main", '7', "Change", b"hello\n").await;
    let schedule = [
        ("act", "save"),
        ("ref", "main"),
        ("cron", "0 4 * * *"),
        ("zone", "UTC"),
    ];
    let made = scene
        .owner
        .post(&format!("{APPLICATION}/schedules/new"), &schedule)
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let delivery = scene.delivery("one", "{}").await;
    let db = &scene.site.app.db;
    let integration = pipewright_store::repositories::get(db, scene.repository)
        .await
        .expect("reads")
        .expect("a repository")
        .integration;
    let mut viewer = scene.member(Role::Viewer).await;
    let user = pipewright_store::users::by_email(db, "mara@example.com")
        .await
        .expect("reads")
        .expect("the owner");
    viewer.get("/harbor/applications").await;
    let schedules = schedules::list(db, scene.account, scene.application)
        .await
        .expect("lists");
    let schedule = schedules[0].schedule.id.to_string();
    let place = tempfile::tempdir().expect("a directory");
    let before = stored(&scene, &place.path().join("before.db")).await;
    let user_id = user.id.to_string();
    let mut fields = FIELDS.to_vec();
    fields.extend([
        ("id", user_id.as_str()),
        ("user", user_id.as_str()),
        ("step", "1"),
    ]);

    let mut forms = 0;
    for address in addresses(&scene) {
        let path = address
            .replace("{account}", "harbor")
            .replace("{application}", "checkout-api")
            .replace("{number}", "1")
            .replace("{build}", "1")
            .replace("{integration}", &integration.to_string())
            .replace("{repository}", &scene.repository.to_string())
            .replace("{delivery}", &delivery.to_string())
            .replace("{attempt}", &running.id.to_string())
            .replace("{schedule}", &schedule);
        let path: String = match path.split_once('{') {
            // Something there is none of: an artifact.
            Some((before, rest)) => format!(
                "{before}{build}{}",
                rest.split_once('}').map_or("", |(_, after)| after)
            ),
            None => path,
        };
        let status = viewer.post(&path, &fields).await.status;
        if status == StatusCode::METHOD_NOT_ALLOWED {
            continue;
        }
        forms += 1;
        assert_eq!(status, StatusCode::FORBIDDEN, "{address} as {path}");
    }
    assert!(forms > 35, "only {forms} forms were found");
    let after = stored(&scene, &place.path().join("after.db")).await;
    assert!(before == after, "what is stored is another");
}
