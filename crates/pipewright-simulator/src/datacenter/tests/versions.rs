//! What one version does and another does not.

use serde_json::json;

use super::lab::{As, JONAS, Lab, MARA, ledger};
use crate::datacenter::{DatacenterOptions, Version};

#[tokio::test]
async fn capabilities_follow_the_version() {
    let lab = Lab::start().await;
    for (version, kinds) in [
        (Version::new(7, 21, 23), json!(["richBuildStatus"])),
        (
            Version::new(8, 9, 27),
            json!(["richBuildStatus", "cancelledStatus"]),
        ),
        (
            Version::new(9, 4, 24),
            json!(["richBuildStatus", "cancelledStatus"]),
        ),
    ] {
        lab.dc.set_version(version);
        let shown = lab
            .get(As::Nobody, "/rest/api/latest/build/capabilities")
            .await
            .expect(200);
        assert_eq!(shown["buildStatus"], kinds, "{version}");
    }
    lab.dc.set_version(Version::new(7, 3, 0));
    lab.get(As::Nobody, "/rest/api/latest/build/capabilities")
        .await
        .expect(404);
    let all = lab.get(As::Nobody, "/rest/capabilities").await.expect(200);
    assert_eq!(
        (&all["application"], all["capabilities"].get("build")),
        (&json!("stash"), None)
    );
    let commit = lab
        .dc
        .head("FIN/ledger", "main")
        .await
        .expect("git")
        .expect("a head");
    let old = lab
        .post(
            JONAS,
            &ledger(&format!("/commits/{commit}/builds")),
            json!({}),
        )
        .await
        .expect(404);
    assert_eq!(old["status-code"], 404);
}

#[tokio::test]
async fn version_7_refuses_the_cancelled_state_and_knows_no_archive() {
    let lab = Lab::start().await;
    lab.dc.set_version(Version::new(7, 21, 23));
    let answer = lab.get(JONAS, &ledger("")).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.expect(200).get("archived").is_none());
    let commit = lab
        .dc
        .head("FIN/ledger", "main")
        .await
        .expect("git")
        .expect("a head");
    let status = json!({ "key": "k", "state": "CANCELLED", "url": "https://ci.example.com/1" });
    lab.post(JONAS, &ledger(&format!("/commits/{commit}/builds")), status)
        .await
        .expect(400);
    // Unknown there, and ignored in silence.
    let ignored = lab
        .get(MARA, "/rest/api/1.0/repos?projectkey=OTHER")
        .await
        .expect(200);
    assert_eq!(ignored["size"], 2);
}

#[tokio::test]
async fn webhooks_of_projects_and_new_branches_resource_are_younger_than_some_servers() {
    let lab = Lab::start().await;
    lab.dc.set_version(Version::new(8, 9, 27));
    let missing = lab
        .get(MARA, "/rest/api/1.0/projects/FIN/webhooks")
        .await
        .expect(404);
    assert_eq!(missing["status-code"], 404);
    lab.dc.set_version(Version::new(7, 4, 0));
    assert_eq!(
        lab.get(MARA, &ledger("/default-branch")).await.expect(404)["status-code"],
        404
    );
    lab.get(MARA, &ledger("/branches/default"))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_server_without_a_context_path_stands_at_the_root() {
    let lab = Lab::start_with(DatacenterOptions {
        context_path: String::new(),
        version: Version::default(),
    })
    .await;
    lab.get(As::Nobody, "/rest/api/1.0/application-properties")
        .await
        .expect(200);
    lab.get(JONAS, &ledger("")).await.expect(200);
    lab.get(JONAS, "/rest/api/1.0/none").await.expect(404);
}
