//! Reading: workspaces, repositories, refs, files, pull requests.

use crate::lab::{Lab, address, all_repositories};
use crate::support::{hash, judge_requests};
use pipewright_bitbucket::remote::{CommitId, Permission, PullRequestState};
use pipewright_bitbucket::{ApiError, Bitbucket};
use pipewright_core::RefName;
use pipewright_simulator::NewPullRequest;

#[tokio::test]
async fn a18_workspaces_and_repositories_are_listed_to_the_end() {
    let lab = Lab::start().await;
    for number in 0..130 {
        lab.simulator
            .cloud()
            .add_repository("harbor-labs", &format!("lab-{number}"), true)
            .expect("a repository");
    }
    let bitbucket = lab.connected("mara").await;
    let spaces = bitbucket.spaces().await.expect("workspaces");
    let mut names: Vec<_> = spaces
        .iter()
        .map(|space| (space.key.as_str(), space.name.as_str()))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("harbor", "Harbor"),
            ("harbor-labs", "Harbor Labs"),
            ("mara", "Mara Lindqvist")
        ]
    );
    let all = all_repositories(&bitbucket).await;
    assert_eq!(
        all.iter()
            .filter(|repository| repository.name.starts_with("lab-"))
            .count(),
        130,
        "t9: both pages were read"
    );
    let checkout = all
        .iter()
        .find(|repository| repository.full_name == "harbor/checkout-api")
        .expect("the sample repository");
    assert_eq!(checkout.space.name, "Harbor");
    assert!(checkout.remote_id.starts_with('{') && checkout.updated_at.is_some());
    assert!(
        !checkout
            .http_url
            .as_deref()
            .expect("a clone address")
            .contains('@')
    );
    let read = bitbucket
        .repository(&checkout.address())
        .await
        .expect("the repository");
    assert_eq!(
        (
            read.permission,
            read.default_branch.as_ref().map(RefName::short)
        ),
        (Some(Permission::Admin), Some("main"))
    );
    let Bitbucket::Cloud(client) = &bitbucket else {
        panic!("a client of Cloud")
    };
    assert_eq!(
        client
            .repositories("harbor")
            .await
            .expect("one workspace's")
            .len(),
        3
    );
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}

#[tokio::test]
async fn t13_hostile_branch_and_tag_names_make_the_round_trip() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let Bitbucket::Cloud(client) = &bitbucket else {
        panic!("a client of Cloud")
    };
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let cloud = lab.simulator.cloud();
    for name in [
        "feature/x",
        "100%",
        "a#b",
        "größe/日本",
        "$(touch${IFS}pwned)",
        "a'b\"c",
        "a;b&c|d",
        "x%2Fy",
    ] {
        cloud
            .create_branch("harbor/checkout-api", name, "main", "mara")
            .await
            .expect("git accepts it");
        cloud
            .create_tag(
                "harbor/checkout-api",
                name,
                "main",
                Some("annotated"),
                "mara",
            )
            .await
            .expect("git accepts it");
        let head = hash(
            &cloud
                .head("harbor/checkout-api", "main")
                .await
                .expect("a head")
                .expect("a head"),
        );
        for name in [
            RefName::branch(name).expect("a name"),
            RefName::tag(name).expect("a name"),
        ] {
            let found = client
                .reference(&address, &name)
                .await
                .expect("found by its name");
            assert_eq!(
                (&found.name, &found.commit),
                (&name, &head),
                "an annotated tag gives its commit"
            );
        }
    }
    let listed = bitbucket.branches(&address).await.expect("branches");
    assert!(
        listed
            .refs
            .iter()
            .any(|branch| branch.name.short() == "$(touch${IFS}pwned)")
            && listed.refused.is_empty()
    );
    assert_eq!(
        listed
            .refs
            .iter()
            .filter(|branch| branch.is_default)
            .map(|branch| branch.name.short())
            .collect::<Vec<_>>(),
        ["main"]
    );
    assert_eq!(bitbucket.tags(&address).await.expect("tags").refs.len(), 8);
}

#[tokio::test]
async fn files_commits_and_empty_repositories() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    let path = "docs/größe & 100% #1.txt";
    let commit = cloud
        .commit(
            "harbor/checkout-api",
            "main",
            &[(path, "tief\n")],
            "Add a name\n\nWith a body.",
            "ivo",
        )
        .await
        .expect("a commit");
    let commit = hash(&commit);
    let file = |path: &'static str, limit| bitbucket.file_at(&address, &commit, path, limit);
    assert_eq!(
        file(path, 100).await.expect("an answer").as_deref(),
        Some(b"tief\n".as_slice())
    );
    let files = [("package.json", "{\"values\":[]}")];
    let with_json = hash(
        &cloud
            .commit("harbor/checkout-api", "main", &files, "Add JSON", "ivo")
            .await
            .expect("a commit"),
    );
    let json = bitbucket
        .file_at(&address, &with_json, "package.json", 100)
        .await
        .expect("an answer");
    assert_eq!(
        json.as_deref(),
        Some(b"{\"values\":[]}".as_slice()),
        "a file of JSON is no directory"
    );
    assert_eq!(file("no/such.file", 100).await.expect("an answer"), None);
    assert_eq!(
        file("docs", 10_000).await.expect("an answer"),
        None,
        "a directory is no file"
    );
    assert!(matches!(
        file(path, 3).await,
        Err(ApiError::TooLarge { limit: 3, .. })
    ));
    let unknown = hash("7c1e09a4b2c3d4e5f60718293a4b5c6d7e8f9012");
    assert!(
        bitbucket
            .file_at(&address, &unknown, path, 100)
            .await
            .expect_err("no such commit")
            .is_not_found()
    );

    let short = CommitId::parse(&commit.as_str()[..12]).expect("a short id");
    assert_eq!(
        bitbucket
            .resolve_commit(&address, &short)
            .await
            .expect("the commit"),
        commit
    );
    let read = bitbucket
        .commit(&address, &short)
        .await
        .expect("the commit");
    assert_eq!(
        (read.message.trim(), read.author.name.as_str()),
        ("Add a name\n\nWith a body.", "Ivo Tanaka")
    );
    assert!(read.date.is_some() && read.parents.len() == 1 && read.author.email.is_some());

    cloud
        .add_repository("harbor", "empty", true)
        .expect("a repository");
    let empty = self::address(&bitbucket, "harbor/empty").await;
    assert_eq!(
        bitbucket
            .branches(&empty)
            .await
            .expect("no branches")
            .refs
            .len(),
        0
    );
    bitbucket
        .default_branch(&empty)
        .await
        .expect("an empty repository is no error");
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}

#[tokio::test]
async fn pull_requests_are_read_with_both_ends() {
    let lab = Lab::start().await;
    let bitbucket = lab.connected("mara").await;
    let cloud = lab.simulator.cloud();
    let address = address(&bitbucket, "harbor/checkout-api").await;
    cloud
        .commit(
            "harbor/checkout-api",
            "feature/a",
            &[("a", "a")],
            "A",
            "ivo",
        )
        .await
        .expect("a commit");
    cloud
        .fork("harbor/checkout-api", "noor", "checkout-api", "noor")
        .await
        .expect("a fork");
    cloud
        .commit("noor/checkout-api", "fix", &[("b", "b")], "B", "noor")
        .await
        .expect("a commit");
    let new = |source: &'static str, source_repository, author| NewPullRequest {
        repository: "harbor/checkout-api",
        title: "T",
        source,
        source_repository,
        destination: "main",
        author,
    };
    let own = cloud
        .open_pull_request(new("feature/a", None, "ivo"))
        .await
        .expect("opened");
    let forked = cloud
        .open_pull_request(new("fix", Some("noor/checkout-api"), "noor"))
        .await
        .expect("opened");
    let open = bitbucket
        .open_pull_requests(&address)
        .await
        .expect("pull requests");
    let found = |id| {
        open.iter()
            .find(|pull_request| pull_request.id == id)
            .expect("listed")
    };
    assert!(!found(own).is_from_fork() && found(forked).is_from_fork());
    assert_eq!(
        found(own)
            .source
            .reference
            .as_ref()
            .expect("a branch")
            .to_string(),
        "refs/heads/feature/a"
    );
    let fork = found(forked).source.repository.as_ref().expect("the fork");
    assert_eq!(fork.full_name, "noor/checkout-api");
    cloud
        .merge_pull_request("harbor/checkout-api", own, "mara")
        .await
        .expect("merged");
    let merged = bitbucket.pull_request(&address, own).await.expect("read");
    assert!(merged.state == PullRequestState::Merged && merged.merge_commit.is_some());
    judge_requests(
        pipewright_simulator::Product::Cloud,
        lab.simulator.cloud_record(),
    );
}
