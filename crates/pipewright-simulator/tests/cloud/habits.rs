//! What clients in use rely on: addresses with a slash at their end, a type on empty answers, what errors name, and what an
//! access token sees.

use serde_json::json;

use crate::support::{Api, signed_in, team};

const REPOSITORY: &str = "/repositories/harbor/api";

#[tokio::test]
async fn a_slash_at_the_end_is_the_same_address_and_every_answer_has_a_type() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    for path in [REPOSITORY, "/repositories/harbor", "/user"] {
        assert_eq!(
            api.get(&format!("{path}/")).await,
            api.get(path).await,
            "{path}"
        );
    }
    let hook = api
        .call(
            "POST",
            &format!("{REPOSITORY}/hooks/"),
            Some(json!({ "url": "http://127.0.0.1:9/x", "events": ["repo:push"] })),
            201,
        )
        .await;
    let id = hook["uuid"].as_str().expect("an id");
    let path = format!(
        "{REPOSITORY}/hooks/{}",
        id.replace('{', "%7B").replace('}', "%7D")
    );
    for (method, path, status) in [("DELETE", path.as_str(), 204), ("PATCH", REPOSITORY, 405)] {
        let answer = api.raw(method, path, None).await;
        assert_eq!(answer.status(), status, "{method}");
        assert!(answer.headers().contains_key("content-type"), "{method}");
    }
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_named_in_the_error() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let wanted = "7".repeat(40);
    let error = api
        .call("GET", &format!("{REPOSITORY}/commit/{wanted}"), None, 404)
        .await;
    assert_eq!(error["error"]["data"]["shas"], json!([wanted]));
}

#[tokio::test]
async fn a_repositorys_access_token_sees_no_other_repository() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .add_repository("harbor", "web", true)
        .expect("another repository");
    let names = async |of: &str| {
        let token = cloud
            .add_access_token(of, &["repository"])
            .expect("a token");
        let listed = Api::bearer(&sim, &token).get("/repositories/harbor").await;
        let values = listed["values"].as_array().expect("a list").clone();
        let mut names: Vec<String> = values
            .iter()
            .map(|one| one["slug"].as_str().expect("a slug").to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("harbor/api").await, ["api"]);
    assert_eq!(names("harbor").await, ["api", "web"]);
}

#[tokio::test]
async fn a_pull_request_is_opened_changed_commented_and_declined() {
    let sim = team().await;
    for branch in ["main", "release", "gift"] {
        sim.cloud()
            .commit("harbor/api", branch, &[("a", branch)], "Change", "mara")
            .await
            .expect("a branch");
    }
    let api = signed_in(&sim, "mara").await;
    let requests = format!("{REPOSITORY}/pullrequests");
    let new = json!({
        "title": "Gift cards",
        "source": { "branch": { "name": "gift" } },
        "destination": { "branch": { "name": "main" } },
    });
    let opened = api.call("POST", &requests, Some(new), 201).await;
    let one = format!("{requests}/{}", opened["id"]);
    let change = json!({ "destination": { "branch": { "name": "release" } } });
    let changed = api.call("PUT", &one, Some(change), 200).await;
    assert_eq!(changed["destination"]["branch"]["name"], "release");
    let comment = json!({ "content": { "raw": "Nice." } });
    api.call("POST", &format!("{one}/comments"), Some(comment), 201)
        .await;
    let comments = api.get(&format!("{one}/comments")).await;
    assert_eq!(comments["values"][0]["content"]["raw"], "Nice.");
    let declined = api.call("POST", &format!("{one}/decline"), None, 200).await;
    assert_eq!(declined["state"], "DECLINED");
    api.call("POST", &format!("{one}/merge"), None, 400).await;
}
