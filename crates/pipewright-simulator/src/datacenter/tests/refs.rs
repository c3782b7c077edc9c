//! Branches, tags, commits, files.

use serde_json::{Value, json};

use super::lab::{As, JONAS, Lab, ledger};
use crate::git::RefUpdate;

const REPOSITORY: &str = "FIN/ledger";

fn names(page: &Value) -> Vec<&str> {
    page["values"]
        .as_array()
        .expect("a page")
        .iter()
        .filter_map(|row| row["displayId"].as_str())
        .collect()
}

#[tokio::test]
async fn branches_are_filtered_ordered_and_paged() {
    let lab = Lab::start().await;
    for branch in ["feature/one", "feature/two", "release 1.0"] {
        let branch = branch.replace(' ', "-");
        lab.dc
            .create_branch(REPOSITORY, &branch, "main", "mara")
            .await
            .expect("a branch");
    }
    let all = lab
        .get(JONAS, &ledger("/branches?orderBy=ALPHABETICAL"))
        .await
        .expect(200);
    assert_eq!(
        names(&all),
        ["feature/one", "feature/two", "main", "release-1.0"]
    );
    let defaults: Vec<&Value> = all["values"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|row| &row["isDefault"])
        .collect();
    assert_eq!(defaults, [false, false, true, false]);
    let some = lab
        .get(
            JONAS,
            &ledger("/branches?filterText=FEATURE&limit=1&orderBy=ALPHABETICAL"),
        )
        .await
        .expect(200);
    assert_eq!(
        (names(&some), &some["nextPageStart"]),
        (vec!["feature/one"], &json!(1))
    );
}

#[tokio::test]
async fn an_annotated_tag_shows_its_object_and_its_commit() {
    let lab = Lab::start().await;
    lab.dc
        .create_tag(REPOSITORY, "v1.0", "main", Some("First"), "mara")
        .await
        .expect("a tag");
    lab.dc
        .create_tag(REPOSITORY, "light/one", "main", None, "mara")
        .await
        .expect("a tag");
    let head = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let annotated = lab.get(JONAS, &ledger("/tags/v1.0")).await.expect(200);
    assert_eq!(annotated["latestCommit"], json!(head));
    let object = annotated["hash"].as_str().expect("a tag object").to_owned();
    assert_ne!(object, head);
    for name in ["light/one", "light%2Fone"] {
        let light = lab
            .get(JONAS, &ledger(&format!("/tags/{name}")))
            .await
            .expect(200);
        assert_eq!(
            (&light["displayId"], &light["hash"]),
            (&json!("light/one"), &Value::Null)
        );
    }
    let commit = lab
        .get(JONAS, &ledger(&format!("/commits/{object}")))
        .await
        .expect(200);
    assert_eq!(commit["id"], json!(head));
    lab.get(JONAS, &ledger("/tags/v2.0")).await.expect(404);
}

#[tokio::test]
async fn the_default_branch_is_told_in_two_ways() {
    let lab = Lab::start().await;
    let new = lab.get(JONAS, &ledger("/default-branch")).await.expect(200);
    assert_eq!(new["id"], "refs/heads/main");
    let empty = "/rest/api/1.0/projects/FIN/repos/handbook";
    let unborn = lab
        .get(JONAS, &format!("{empty}/default-branch"))
        .await
        .expect(200);
    assert_eq!(
        unborn,
        json!({ "id": "refs/heads/main", "displayId": "main", "type": "BRANCH" })
    );
    lab.get(JONAS, &format!("{empty}/branches/default"))
        .await
        .expect(204);
    lab.dc
        .set_default_branch(REPOSITORY, "trunk")
        .await
        .expect("a repository");
    lab.get(JONAS, &ledger("/branches/default"))
        .await
        .expect(404);
    lab.get(JONAS, &format!("{empty}/commits"))
        .await
        .expect(404);
}

#[tokio::test]
async fn commits_are_found_by_id_and_not_by_name() {
    let lab = Lab::start().await;
    let first = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let second = lab
        .dc
        .commit(REPOSITORY, "main", &[("a b.txt", "1\n")], "Second", "mara")
        .await
        .expect("a commit");
    let shown = lab
        .get(JONAS, &ledger(&format!("/commits/{second}")))
        .await
        .expect(200);
    assert_eq!(
        (&shown["message"], &shown["author"]["slug"]),
        (&json!("Second"), &json!("mara"))
    );
    assert_eq!(shown["displayId"], json!(second[..11]));
    assert_eq!(
        (
            &shown["parents"][0]["id"],
            &shown["parents"][0]["author"]["slug"]
        ),
        (&json!(first), &Value::Null)
    );
    assert!(shown["authorTimestamp"].is_i64());
    for wrong in [
        "main",
        "deadbeef00",
        "0000000000000000000000000000000000000000",
    ] {
        lab.get(JONAS, &ledger(&format!("/commits/{wrong}")))
            .await
            .expect(404);
    }
    let between = lab
        .get(
            JONAS,
            &ledger(&format!("/commits?since={first}&until=main")),
        )
        .await
        .expect(200);
    assert_eq!(
        (between["size"].as_u64(), &between["values"][0]["id"]),
        (Some(1), &json!(second))
    );
    let gone = "1".repeat(40);
    lab.get(JONAS, &ledger(&format!("/commits?since={gone}")))
        .await
        .expect(404);
    let forgiven = lab
        .get(
            JONAS,
            &ledger(&format!("/commits?since={gone}&ignoreMissing=true")),
        )
        .await
        .expect(200);
    assert_eq!(forgiven["size"], 2);
    let of_path = lab
        .get(JONAS, &ledger("/commits?path=README.md"))
        .await
        .expect(200);
    assert_eq!(of_path["size"], 1);
}

#[tokio::test]
async fn changes_name_every_kind_and_stop_at_the_cap() {
    let lab = Lab::start().await;
    let first = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let second = lab
        .dc
        .commit(
            REPOSITORY,
            "main",
            &[("README.md", "# Books\n"), ("docs/new.md", "New.\n")],
            "Second",
            "mara",
        )
        .await
        .expect("a commit");
    let page = lab
        .get(JONAS, &ledger(&format!("/commits/{second}/changes")))
        .await
        .expect(200);
    let kinds: Vec<(&str, &str)> = page["values"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|row| {
            (
                row["path"]["toString"].as_str().expect("a path"),
                row["type"].as_str().expect("a type"),
            )
        })
        .collect();
    assert_eq!(kinds, [("README.md", "MODIFY"), ("docs/new.md", "ADD")]);
    assert_eq!(
        (&page["fromHash"], &page["toHash"]),
        (&Value::Null, &json!(second))
    );
    let same = lab
        .get(
            JONAS,
            &ledger(&format!("/changes?since={first}&until={second}")),
        )
        .await
        .expect(200);
    assert_eq!(
        (&same["size"], &same["fromHash"]),
        (&json!(2), &json!(first))
    );
    let compared = lab
        .get(
            JONAS,
            &ledger(&format!("/compare/changes?from={second}&to={first}")),
        )
        .await
        .expect(200);
    assert_eq!(compared["size"], 2);
    let backwards = lab
        .get(
            JONAS,
            &ledger(&format!("/compare/changes?from={first}&to={second}")),
        )
        .await
        .expect(200);
    assert_eq!(backwards["size"], 0);
    lab.dc.set_changes_limit(1);
    let cut = lab
        .get(JONAS, &ledger(&format!("/commits/{second}/changes")))
        .await
        .expect(200);
    assert_eq!(
        (&cut["size"], &cut["isLastPage"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn files_are_read_listed_and_asked_for_their_type() {
    let lab = Lab::start().await;
    let raw = lab
        .get(JONAS, &ledger("/raw/src/lib.rs?at=refs/heads/main"))
        .await;
    assert_eq!((raw.status, raw.text.as_str()), (200, "//! Ledger.\n"));
    lab.get(JONAS, &ledger("/raw/nothing.txt"))
        .await
        .expect(404);
    lab.get(JONAS, &ledger("/raw/README.md?at=refs/heads/none"))
        .await
        .expect(404);
    lab.get(JONAS, &ledger("/raw/src")).await.expect(400);
    assert_eq!(
        lab.get(JONAS, &ledger("/browse/src?type=true"))
            .await
            .expect(200),
        json!({ "type": "DIRECTORY" })
    );
    let file = lab
        .get(JONAS, &ledger("/browse/src/lib.rs?type=true&size=true"))
        .await
        .expect(200);
    assert_eq!(file, json!({ "size": 12 }));
    let top = lab.get(JONAS, &ledger("/browse")).await.expect(200);
    assert_eq!(top["children"]["size"], 2);
    let lines = lab
        .get(JONAS, &ledger("/browse/README.md"))
        .await
        .expect(200);
    assert_eq!(lines["lines"], json!([{ "text": "# Ledger" }]));
    let files = lab.get(JONAS, &ledger("/files")).await.expect(200);
    assert_eq!(files["values"], json!(["README.md", "src/lib.rs"]));
    assert_eq!(
        lab.get(JONAS, &ledger("/files/src")).await.expect(200)["values"],
        json!(["lib.rs"])
    );
    lab.get(As::Nobody, &ledger("/raw/README.md"))
        .await
        .expect(401);
}

#[tokio::test]
async fn hostile_names_go_there_and_back() {
    let lab = Lab::start().await;
    let branch = "fix/100%-$(id)-'ä'#1";
    lab.dc
        .push(
            REPOSITORY,
            &[RefUpdate::branch(branch).commit(&[("a b/ü#%.txt", "x\n")], "Odd")],
            "mara",
        )
        .await
        .expect("a push");
    let page = lab
        .get(JONAS, &ledger("/branches?filterText=100%25"))
        .await
        .expect(200);
    assert_eq!(names(&page), [branch]);
    let at = percent_encoding::utf8_percent_encode(branch, percent_encoding::NON_ALPHANUMERIC);
    let raw = lab
        .get(
            JONAS,
            &ledger(&format!(
                "/raw/a%20b/%C3%BC%23%25.txt?at=refs%2Fheads%2F{at}"
            )),
        )
        .await;
    assert_eq!((raw.status, raw.text.as_str()), (200, "x\n"));
}
