//! Reading: people, workspaces, repositories, refs, commits, files, diffs.

use pipewright_simulator::state::Permission;
use serde_json::json;

use crate::support::{Api, client, signed_in, team};

#[tokio::test]
async fn people_and_workspaces() {
    let sim = team().await;
    sim.cloud()
        .add_personal_workspace("mara", "mara")
        .expect("a workspace");
    let api = signed_in(&sim, "mara").await;
    let user = api.get("/user").await;
    assert_eq!(
        (user["type"].as_str(), user["display_name"].as_str()),
        (Some("user"), Some("Mara Lindqvist"))
    );
    assert!(
        user["uuid"]
            .as_str()
            .is_some_and(|uuid| uuid.starts_with('{') && uuid.ends_with('}'))
    );
    assert_eq!(
        api.get("/user/emails").await["values"][0]["email"],
        "mara@harbor.example"
    );

    let mine = api.get("/user/workspaces?sort=slug").await;
    let slugs: Vec<_> = mine["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|access| access["workspace"]["slug"].clone())
        .collect();
    assert_eq!(slugs, ["harbor", "mara"]);
    assert!(mine["values"][0]["workspace"].get("name").is_none());
    assert_eq!(
        api.get("/user/workspaces/harbor/permission").await["permission"],
        "owner"
    );
    let workspace = api.get("/workspaces/harbor").await;
    assert_eq!(
        (
            workspace["name"].as_str(),
            workspace["is_personal"].as_bool()
        ),
        (Some("Harbor"), Some(false))
    );
    let uuid = workspace["uuid"]
        .as_str()
        .expect("an id")
        .replace('{', "%7B")
        .replace('}', "%7D");
    assert_eq!(
        api.get(&format!("/workspaces/{uuid}")).await["slug"],
        "harbor"
    );
    signed_in(&sim, "noor")
        .await
        .call("GET", "/workspaces/harbor", None, 404)
        .await;
}

#[tokio::test]
async fn errors_have_their_shapes() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let nobody = Api::anonymous(&sim);
    nobody.call("GET", "/user", None, 401).await;
    let bad = Api::bearer(&sim, "nonsense")
        .call("GET", "/repositories/harbor/api", None, 401)
        .await;
    assert_eq!(
        bad["error"]["message"],
        "Token is invalid, expired, or not supported for this endpoint."
    );
    let missing = api
        .call("GET", "/repositories/harbor/nothing", None, 404)
        .await;
    assert_eq!(
        missing["error"]["message"],
        "Repository harbor/nothing not found"
    );
    let hidden = signed_in(&sim, "noor")
        .await
        .call("GET", "/repositories/harbor/api", None, 404)
        .await;
    assert_eq!(
        hidden["error"]["message"],
        "Repository harbor/api not found"
    );
    for path in [
        "/repositories",
        "/workspaces",
        "/user/permissions/repositories",
        "/user/permissions/workspaces",
    ] {
        let gone = api.call("GET", path, None, 410).await;
        assert!(
            gone["error"]["message"]
                .as_str()
                .is_some_and(|message| message.contains("CHANGE-2770"))
        );
    }
    let no_api = api.call("GET", "/nothing/here", None, 404).await;
    assert_eq!(
        no_api["error"]["detail"],
        "There is no API hosted at this URL"
    );
    let bare = sim.cloud_api_url().trim_end_matches("/2.0").to_owned();
    let forbidden = client()
        .get(format!("{bare}/user"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(forbidden.status(), 403);
}

#[tokio::test]
async fn a_repository_by_slug_and_by_uuid() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let empty = api.get("/repositories/harbor/api").await;
    assert!(empty["mainbranch"].is_null());
    sim.cloud()
        .commit("harbor/api", "trunk", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let repository = api.get("/repositories/HARBOR/API").await;
    assert_eq!(
        repository["mainbranch"],
        json!({ "name": "trunk", "type": "branch" })
    );
    assert_eq!(repository["full_name"], "harbor/api");
    let (host, port) = sim.cloud_ssh();
    let clone = &repository["links"]["clone"];
    assert_eq!(
        clone[0]["href"],
        sim.cloud_web_url().replace("://", "://mara@") + "/harbor/api.git"
    );
    assert_eq!(
        clone[1]["href"],
        format!("ssh://git@{host}:{port}/harbor/api.git")
    );
    let uuid = repository["uuid"]
        .as_str()
        .expect("an id")
        .replace('{', "%7B")
        .replace('}', "%7D");
    assert_eq!(
        api.get(&format!("/repositories/harbor/{uuid}")).await["slug"],
        "api"
    );
    assert_eq!(
        api.get(&format!("/repositories/%7B%7D/{uuid}")).await["slug"],
        "api"
    );

    sim.cloud()
        .rename_repository("harbor/api", "core", "mara")
        .await
        .expect("a new name");
    assert_eq!(
        api.get(&format!("/repositories/harbor/{uuid}")).await["slug"],
        "core"
    );
    api.call("GET", "/repositories/harbor/api", None, 404).await;
}

#[tokio::test]
async fn what_one_may_do_with_each_repository() {
    let sim = team().await;
    sim.cloud()
        .add_repository("harbor", "secret", true)
        .expect("a repository");
    sim.cloud()
        .set_access("harbor/secret", "ivo", None)
        .expect("access");
    sim.cloud()
        .add_repository("harbor", "shared", true)
        .expect("a repository");
    sim.cloud()
        .set_access("harbor/shared", "ivo", Some(Permission::Admin))
        .expect("access");
    let api = signed_in(&sim, "ivo").await;
    let page = api
        .get("/user/workspaces/harbor/permissions/repositories?sort=repository.name")
        .await;
    let pairs: Vec<_> = page["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|value| {
            (
                value["repository"]["name"].as_str().expect("a name"),
                value["permission"].as_str().expect("a permission"),
            )
        })
        .collect();
    assert_eq!(pairs, [("api", "write"), ("shared", "admin")]);
    let admin = api.get("/repositories/harbor?role=admin").await;
    assert_eq!(admin["size"], 1);
}

#[tokio::test]
async fn refs_with_names_of_every_kind_are_found() {
    let sim = team().await;
    let cloud = sim.cloud();
    let hash = cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let names = [
        "feature/one",
        "50%done",
        "quote'\"",
        "$(id)",
        "läng/ä",
        "a#b",
        "plus+sign",
        "semi;colon&amp",
    ];
    for name in &names {
        cloud
            .create_branch("harbor/api", name, "main", "mara")
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let api = signed_in(&sim, "mara").await;
    for name in &names {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let branch = api
            .get(&format!("/repositories/harbor/api/refs/branches/{encoded}"))
            .await;
        assert_eq!(
            (branch["name"].as_str(), branch["target"]["hash"].as_str()),
            (Some(*name), Some(hash.as_str()))
        );
    }
    let page = api.get("/repositories/harbor/api/refs/branches?pagelen=100&fields=next,values.name,values.target.hash").await;
    let mut listed: Vec<_> = page["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|branch| branch["name"].as_str().expect("a name"))
        .collect();
    listed.sort_unstable();
    let mut expected = names.to_vec();
    expected.push("main");
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(
        page["values"][0].as_object().map(serde_json::Map::len),
        Some(2),
        "fields narrows"
    );
    api.call(
        "GET",
        "/repositories/harbor/api/refs/branches/nothing",
        None,
        404,
    )
    .await;
    api.call(
        "GET",
        "/repositories/harbor/api/refs/branches/feature",
        None,
        404,
    )
    .await;
}

#[tokio::test]
async fn tags_name_the_commit_and_tell_their_message() {
    let sim = team().await;
    let cloud = sim.cloud();
    let hash = cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud
        .create_tag("harbor/api", "v1", "main", None, "mara")
        .await
        .expect("a tag");
    cloud
        .create_tag(
            "harbor/api",
            "release/v2",
            "main",
            Some("Version two"),
            "mara",
        )
        .await
        .expect("a tag");
    let api = signed_in(&sim, "mara").await;
    let plain = api.get("/repositories/harbor/api/refs/tags/v1").await;
    assert_eq!(
        (plain["target"]["hash"].as_str(), plain["message"].is_null()),
        (Some(hash.as_str()), true)
    );
    let annotated = api
        .get("/repositories/harbor/api/refs/tags/release%2Fv2")
        .await;
    assert_eq!(annotated["target"]["hash"], hash);
    assert_eq!(annotated["message"], "Version two\n");
    assert_eq!(
        annotated["tagger"]["user"]["display_name"],
        "Mara Lindqvist"
    );
    assert_eq!(api.get("/repositories/harbor/api/refs").await["size"], 3);
}

#[tokio::test]
async fn commits_between_two_and_one_by_its_short_hash() {
    let sim = team().await;
    let cloud = sim.cloud();
    let mut hashes = Vec::new();
    for number in 1..=4 {
        let text = number.to_string();
        hashes.push(
            cloud
                .commit(
                    "harbor/api",
                    "main",
                    &[("a", &text)],
                    &format!("Commit {text}"),
                    "mara",
                )
                .await
                .expect("a commit"),
        );
    }
    let api = signed_in(&sim, "mara").await;
    let page = api
        .get(&format!(
            "/repositories/harbor/api/commits?include={}&exclude={}",
            hashes[3], hashes[1]
        ))
        .await;
    let listed: Vec<_> = page["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|commit| commit["hash"].as_str().expect("a hash"))
        .collect();
    assert_eq!(listed, [&hashes[3], &hashes[2]]);
    assert!(page.get("size").is_none());
    let first = api
        .get("/repositories/harbor/api/commits/main?pagelen=3")
        .await;
    let next = first["next"].as_str().expect("another page");
    assert_eq!(
        api.get(next).await["values"].as_array().map(Vec::len),
        Some(1)
    );
    let commit = api
        .get(&format!(
            "/repositories/harbor/api/commit/{}",
            &hashes[0][..12]
        ))
        .await;
    assert_eq!(commit["hash"], hashes[0]);
    assert_eq!(
        commit["author"]["raw"],
        "Mara Lindqvist <mara@harbor.example>"
    );
    assert_eq!(commit["parents"], json!([]));
    let base = api
        .get(&format!(
            "/repositories/harbor/api/merge-base/{}..{}",
            hashes[3], hashes[1]
        ))
        .await;
    assert_eq!(base["hash"], hashes[1]);
    api.call(
        "GET",
        "/repositories/harbor/api/commit/0000000000000000000000000000000000000000",
        None,
        404,
    )
    .await;
    api.call("GET", "/repositories/harbor/api/commit/--help", None, 404)
        .await;
}

#[tokio::test]
async fn files_raw_and_described_and_directories() {
    let sim = team().await;
    let cloud = sim.cloud();
    let files = [
        ("bitbucket-pipelines.yml", "pipelines: {}\n"),
        ("src/deep/a b.txt", "text"),
        ("src/ü.txt", "ü"),
    ];
    let hash = cloud
        .commit("harbor/api", "main", &files, "Files", "mara")
        .await
        .expect("a commit");
    let api = signed_in(&sim, "mara").await;
    let at = format!("/repositories/harbor/api/src/{hash}");
    let raw = api
        .raw("GET", &format!("{at}/bitbucket-pipelines.yml"), None)
        .await;
    assert!(
        raw.headers()["content-disposition"]
            .to_str()
            .expect("text")
            .starts_with("attachment")
    );
    assert_eq!(raw.text().await.expect("a body"), "pipelines: {}\n");
    assert_eq!(
        api.raw("GET", &format!("{at}/src/deep/a%20b.txt"), None)
            .await
            .text()
            .await
            .expect("a body"),
        "text"
    );
    let meta = api.get(&format!("{at}/src/%C3%BC.txt?format=meta")).await;
    assert_eq!(
        (meta["type"].as_str(), meta["size"].as_u64()),
        (Some("commit_file"), Some(2))
    );
    let missing = api.call("GET", &format!("{at}/nothing"), None, 404).await;
    assert_eq!(
        missing["error"]["message"],
        "No such file or directory: nothing"
    );
    let top = api.get(&format!("{at}/")).await;
    assert_eq!(top["values"].as_array().map(Vec::len), Some(2));
    let deep = api.get(&format!("{at}/src?max_depth=2")).await;
    let paths: Vec<_> = deep["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["path"].as_str().expect("a path"))
        .collect();
    assert_eq!(paths, ["src/deep", "src/deep/a b.txt", "src/ü.txt"]);
}

#[tokio::test]
async fn diffstat_takes_new_before_old() {
    let sim = team().await;
    let cloud = sim.cloud();
    let old = cloud
        .commit(
            "harbor/api",
            "main",
            &[("keep", "1\n2\n"), ("dir/x", "x\n")],
            "One",
            "mara",
        )
        .await
        .expect("a commit");
    let new = cloud
        .commit(
            "harbor/api",
            "main",
            &[("keep", "1\n2\n3\n"), ("new", "n\n")],
            "Two",
            "mara",
        )
        .await
        .expect("a commit");
    let api = signed_in(&sim, "mara").await;
    let page = api
        .get(&format!("/repositories/harbor/api/diffstat/{new}..{old}"))
        .await;
    assert_eq!(page["pagelen"], 500);
    let entries: Vec<_> = page["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            (
                entry["status"].as_str().expect("a status"),
                entry["new"]["path"].as_str(),
                entry["lines_added"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("modified", Some("keep"), Some(1)),
            ("added", Some("new"), Some(1))
        ]
    );
    let back = api
        .get(&format!("/repositories/harbor/api/diffstat/{old}..{new}"))
        .await;
    assert_eq!(back["values"][1]["status"], "removed");
    assert!(back["values"][1]["new"].is_null());
    let one = api
        .get(&format!("/repositories/harbor/api/diffstat/{new}?path=new"))
        .await;
    assert_eq!(one["size"], 1);
    let root = api
        .get(&format!("/repositories/harbor/api/diffstat/{old}"))
        .await;
    assert_eq!(
        root["size"], 2,
        "a commit without parents is compared with nothing"
    );
}

#[tokio::test]
async fn api_tokens_imply_nothing_and_access_tokens_reach_their_own() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .add_repository("harbor", "other", true)
        .expect("a repository");
    let token = cloud
        .add_api_token(
            "mara",
            &["write:repository:bitbucket", "read:user:bitbucket"],
            None,
        )
        .expect("a token");
    let api = Api::basic(&sim, "mara@harbor.example", &token);
    api.get("/user").await;
    let refused = api.call("GET", "/repositories/harbor/api", None, 403).await;
    assert_eq!(
        refused["error"]["detail"]["required"],
        json!(["read:repository"])
    );
    Api::basic(&sim, "mara", &token)
        .call("GET", "/user", None, 401)
        .await;

    let token = cloud
        .add_access_token(
            "harbor/api",
            &["repository:admin", "repository:write", "webhook"],
        )
        .expect("a token");
    let api = Api::bearer(&sim, &token);
    api.get("/repositories/harbor/api").await;
    api.call("GET", "/repositories/harbor/other", None, 404)
        .await;
    let keys = api
        .call("GET", "/repositories/harbor/api/deploy-keys", None, 403)
        .await;
    assert_eq!(
        keys["error"]["message"],
        "This API is not accessible by this authentication mechanism"
    );
}

#[tokio::test]
async fn pull_requests_are_listed_by_state() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let tip = cloud
        .commit("harbor/api", "feature/x", &[("b", "b")], "Feature", "ivo")
        .await
        .expect("a commit");
    let new = pipewright_simulator::NewPullRequest {
        repository: "harbor/api",
        title: "Feature",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "ivo",
    };
    for _ in 0..2 {
        cloud
            .open_pull_request(new.clone())
            .await
            .expect("a pull request");
    }
    cloud
        .decline_pull_request("harbor/api", 1, "mara")
        .await
        .expect("a no");
    let api = signed_in(&sim, "mara").await;
    let open = api.get("/repositories/harbor/api/pullrequests").await;
    assert_eq!(
        (open["size"].as_u64(), open["values"][0]["id"].as_u64()),
        (Some(1), Some(2))
    );
    let both = api
        .get("/repositories/harbor/api/pullrequests?state=OPEN&state=DECLINED&pagelen=50")
        .await;
    assert_eq!(both["size"], 2);
    api.call(
        "GET",
        "/repositories/harbor/api/pullrequests?pagelen=51",
        None,
        400,
    )
    .await;
    let one = api.get("/repositories/harbor/api/pullrequests/2").await;
    assert_eq!(one["source"]["commit"]["hash"], tip[..12]);
    let diffstat = api
        .raw(
            "GET",
            "/repositories/harbor/api/pullrequests/2/diffstat",
            None,
        )
        .await;
    assert_eq!(diffstat.status(), 302);
    let target = diffstat.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(api.get(&target).await["values"][0]["new"]["path"], "b");
    api.call("GET", "/repositories/harbor/api/pullrequests/9", None, 404)
        .await;
}
