//! Projects and repositories.

use serde_json::{Value, json};

use super::lab::{As, JONAS, Lab, MARA, OLGA, ledger};
use crate::state::Permission;

fn slugs(page: &Value) -> Vec<&str> {
    page["values"]
        .as_array()
        .expect("a page")
        .iter()
        .filter_map(|row| row["slug"].as_str())
        .collect()
}

#[tokio::test]
async fn project_keys_and_slugs_are_read_in_any_case() {
    let lab = Lab::start().await;
    let shown = lab
        .get(JONAS, "/rest/api/latest/projects/fin/repos/LEDGER")
        .await
        .expect(200);
    assert_eq!(
        (&shown["slug"], &shown["project"]["key"]),
        (&json!("ledger"), &json!("FIN"))
    );
}

#[tokio::test]
async fn clone_links_know_the_context_path_for_http_only() {
    let lab = Lab::start().await;
    let shown = lab.get(JONAS, &ledger("")).await.expect(200);
    let link = |name: &str| {
        let links = shown["links"]["clone"].as_array().expect("links");
        links
            .iter()
            .find(|link| link["name"] == name)
            .map(|link| link["href"].clone())
    };
    assert_eq!(
        link("http"),
        Some(json!(format!("{}/scm/fin/ledger.git", lab.base)))
    );
    assert_eq!(
        link("ssh"),
        Some(json!("ssh://git@127.0.0.1:7999/fin/ledger.git"))
    );
    lab.dc.set_ssh_enabled(false);
    let without = lab.get(JONAS, &ledger("")).await.expect(200);
    assert_eq!(without["links"]["clone"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_search_cuts_pages_before_it_filters_by_permission() {
    let lab = Lab::start().await;
    lab.dc.add_project("OPS", "Operations").expect("a new key");
    for slug in ["alpha", "beta", "gamma", "delta"] {
        lab.dc
            .add_repository("OPS", slug, true)
            .expect("a new slug");
    }
    let mut start = 0;
    let (mut seen, mut short) = (Vec::new(), false);
    loop {
        let page = lab
            .get(JONAS, &format!("/rest/api/1.0/repos?limit=2&start={start}"))
            .await
            .expect(200);
        short |= page["size"].as_u64() < Some(2) && page["isLastPage"] == false;
        seen.extend(slugs(&page).into_iter().map(str::to_owned));
        match page["nextPageStart"].as_u64() {
            Some(next) => start = next,
            None => break,
        }
    }
    assert_eq!(seen, ["handbook", "ledger"]);
    assert!(short, "a page in the middle was short");
}

#[tokio::test]
async fn the_search_knows_permission_name_project_and_visibility() {
    let lab = Lab::start().await;
    let search = async |who: As<'_>, query: &str| {
        let page = lab
            .get(who, &format!("/rest/api/1.0/repos?{query}"))
            .await
            .expect(200);
        slugs(&page)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        search(MARA, "permission=REPO_ADMIN").await,
        ["handbook", "ledger"]
    );
    assert!(search(JONAS, "permission=REPO_ADMIN").await.is_empty());
    assert_eq!(search(OLGA, "permission=REPO_READ").await, ["handbook"]);
    assert_eq!(search(As::Nobody, "").await, ["handbook"]);
    assert_eq!(search(MARA, "name=LED").await, ["ledger"]);
    assert!(search(MARA, "projectkey=OPS").await.is_empty());
    assert_eq!(search(MARA, "visibility=public").await, ["handbook"]);
    lab.dc
        .set_archived("FIN/ledger", true)
        .expect("a repository");
    assert_eq!(search(MARA, "").await, ["handbook"]);
    assert_eq!(search(MARA, "archived=ALL").await, ["handbook", "ledger"]);
    lab.get(MARA, "/rest/api/1.0/repos?permission=REPO_FLY")
        .await
        .expect(400);
}

#[tokio::test]
async fn personal_projects_have_a_tilde_and_an_owner() {
    let lab = Lab::start().await;
    lab.dc.add_personal_project("mara").expect("a user");
    lab.dc
        .add_repository("~mara", "notes", true)
        .expect("a new slug");
    let shown = lab
        .get(MARA, "/rest/api/1.0/projects/~mara/repos/notes")
        .await
        .expect(200);
    assert_eq!(
        (&shown["project"]["key"], &shown["project"]["type"]),
        (&json!("~MARA"), &json!("PERSONAL"))
    );
    assert_eq!(shown["project"]["owner"]["slug"], "mara");
    let browse = format!("{}/users/mara/repos/notes/browse", lab.base);
    assert_eq!(shown["links"]["self"][0]["href"], json!(browse));
    lab.get(JONAS, "/rest/api/1.0/projects/~mara/repos/notes")
        .await
        .expect(401);
}

#[tokio::test]
async fn a_moved_repository_keeps_its_id_and_frees_its_path() {
    let lab = Lab::start().await;
    let before = lab.get(MARA, &ledger("")).await.expect(200);
    lab.dc.add_project("OPS", "Operations").expect("a new key");
    lab.dc
        .add_member("OPS", "mara", Permission::Admin)
        .expect("both are there");
    lab.dc
        .move_repository("FIN/ledger", "OPS", "mara")
        .await
        .expect("a move");
    lab.dc
        .rename_repository("OPS/ledger", "books", "mara")
        .await
        .expect("a rename");
    let after = lab
        .get(MARA, "/rest/api/1.0/projects/OPS/repos/books")
        .await
        .expect(200);
    assert_eq!(before["id"], after["id"]);
    lab.get(MARA, &ledger("")).await.expect(404);
    lab.dc
        .add_repository("FIN", "ledger", true)
        .expect("the old path is free");
}

#[tokio::test]
async fn lists_of_projects_need_no_sign_in_and_hide_what_is_private() {
    let lab = Lab::start().await;
    lab.dc.add_project("OPS", "Operations").expect("a new key");
    let keys = async |who: As<'_>, query: &str| {
        let page = lab
            .get(who, &format!("/rest/api/1.0/projects{query}"))
            .await
            .expect(200);
        page["values"]
            .as_array()
            .expect("a page")
            .iter()
            .map(|row| row["key"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(As::Nobody, "").await, [json!("FIN")]);
    assert!(keys(JONAS, "?permission=PROJECT_ADMIN").await.is_empty());
    assert_eq!(
        keys(MARA, "?permission=PROJECT_ADMIN&name=fina").await,
        [json!("FIN")]
    );
}
