//! Reading: projects, repositories, refs, files, pull requests.

use crate::lab::{Lab, REPOSITORY, address, all_repositories};
use crate::support::{hash, judge_requests};
use pipewright_bitbucket::remote::{CommitId, Permission, PullRequestState};
use pipewright_bitbucket::{ApiError, RepositoryAddress};
use pipewright_core::RefName;
use pipewright_simulator::Version;
use rstest::rstest;

#[tokio::test]
async fn a18_projects_and_repositories_are_listed_to_the_end() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    for number in 0..130 {
        datacenter
            .add_repository("OPS", &format!("lab-{number}"), true)
            .expect("a repository");
    }
    datacenter.set_page_limit(40);
    let bitbucket = lab.connected("mara");
    let keys: Vec<_> = bitbucket
        .spaces()
        .await
        .expect("projects")
        .into_iter()
        .map(|space| space.key)
        .collect();
    assert!(
        ["FIN", "OPS"]
            .iter()
            .all(|key| keys.iter().any(|have| have == key)),
        "{keys:?}"
    );
    let all = all_repositories(&bitbucket).await;
    assert!(
        all.iter()
            .filter(|repository| repository.space.key == "OPS")
            .count()
            >= 130,
        "t9: all pages were read"
    );
    let mut ids: Vec<_> = all.iter().map(|repository| &repository.remote_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "no repository comes twice");
    assert!(
        all.iter()
            .all(|repository| repository.permission == Some(Permission::Admin))
    );

    let reader = lab.connected("noor");
    let theirs = all_repositories(&reader).await;
    let checkout = theirs
        .iter()
        .find(|repository| repository.full_name == REPOSITORY)
        .expect("readable");
    assert_eq!(checkout.permission, Some(Permission::Read));
    assert!(
        checkout
            .ssh_url
            .as_deref()
            .expect("an address")
            .starts_with("ssh://git@127.0.0.1:")
    );
    assert!(
        !checkout
            .http_url
            .as_deref()
            .expect("an address")
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
    judge_requests(
        pipewright_simulator::Product::Datacenter,
        lab.simulator.datacenter_record(),
    );
}

#[tokio::test]
async fn a_moved_repository_is_found_by_its_number_and_an_impostor_is_not_it() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    datacenter
        .move_repository(REPOSITORY, "OPS", "mara")
        .await
        .expect("moved");
    assert!(
        bitbucket
            .repository(&address)
            .await
            .expect_err("gone from there")
            .is_not_found()
    );
    datacenter
        .add_repository("FIN", "ledger", true)
        .expect("the path is free");
    assert!(
        bitbucket
            .repository(&address)
            .await
            .expect_err("another one")
            .is_not_found()
    );
    let moved = bitbucket
        .find_moved_repository(&address)
        .await
        .expect("a search")
        .expect("found");
    assert_eq!(
        (moved.full_name.as_str(), &moved.remote_id),
        ("OPS/ledger", &address.remote_id)
    );
}

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[tokio::test]
async fn t12_t13_refs_files_and_tags_with_hostile_names(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    let names = [
        "feature/x",
        "100%",
        "a#b",
        "größe/日本",
        "$(touch${IFS}pwned)",
        "a'b\"c",
        "x%2Fy",
    ];
    let head = hash(
        &datacenter
            .head(REPOSITORY, "main")
            .await
            .expect("a head")
            .expect("a head"),
    );
    for name in names {
        datacenter
            .create_branch(REPOSITORY, name, "main", "mara")
            .await
            .expect("git accepts it");
        datacenter
            .create_tag(REPOSITORY, name, "main", Some("annotated"), "mara")
            .await
            .expect("git accepts it");
        let object = datacenter
            .head(REPOSITORY, &format!("refs/tags/{name}"))
            .await
            .expect("an object")
            .expect("an object");
        let tag = RefName::tag(name).expect("a name");
        assert_eq!(
            bitbucket
                .peel_tag(&address, &tag, &hash(&object))
                .await
                .expect("peeled"),
            head,
            "{name}"
        );
    }
    let branches = bitbucket.branches(&address).await.expect("branches");
    assert!(names.iter().all(|name| {
        branches
            .refs
            .iter()
            .any(|branch| branch.name.short() == *name && branch.commit == head)
    }));
    assert_eq!(
        branches
            .refs
            .iter()
            .filter(|branch| branch.is_default)
            .map(|branch| branch.name.short())
            .collect::<Vec<_>>(),
        ["main"]
    );
    let tags = bitbucket.tags(&address).await.expect("tags");
    assert!(
        tags.refs.len() >= names.len() && tags.refs.iter().all(|tag| tag.commit == head),
        "commits, not tag objects"
    );
    assert_eq!(
        bitbucket
            .default_branch(&address)
            .await
            .expect("an answer")
            .as_ref()
            .map(RefName::short),
        Some("main")
    );

    let path = "docs/größe & 100% #1.txt";
    let commit = datacenter
        .commit(REPOSITORY, "main", &[(path, "tief\n")], "Add a name", "ivo")
        .await
        .expect("a commit");
    let commit = hash(&commit);
    let file = |path: &'static str, limit| bitbucket.file_at(&address, &commit, path, limit);
    assert_eq!(
        file(path, 100).await.expect("an answer").as_deref(),
        Some(b"tief\n".as_slice())
    );
    assert_eq!(file("no/such.file", 100).await.expect("an answer"), None);
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
    let read = bitbucket
        .commit(&address, &CommitId::Full(commit.clone()))
        .await
        .expect("the commit");
    assert_eq!(
        (read.message.trim(), read.author.name.as_str(), read.parents),
        ("Add a name", "Ivo Tanaka", vec![head])
    );

    datacenter
        .add_repository("FIN", "empty", true)
        .expect("a repository");
    let empty = RepositoryAddress {
        remote_id: String::new(),
        space: "FIN".to_owned(),
        slug: "empty".to_owned(),
    };
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
}

#[tokio::test]
async fn pull_requests_are_read_with_both_ends() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let bitbucket = lab.connected("mara");
    let address = address(&bitbucket).await;
    datacenter
        .commit(REPOSITORY, "feature/a", &[("a", "a")], "A", "ivo")
        .await
        .expect("a commit");
    datacenter
        .create_tag(REPOSITORY, "v1", "feature/a", None, "ivo")
        .await
        .expect("tagged");
    let number = datacenter
        .open_pull_request_from_tag(REPOSITORY, "From a tag", "v1", "main", "ivo")
        .await
        .expect("opened");
    let open = bitbucket
        .open_pull_requests(&address)
        .await
        .expect("pull requests");
    assert_eq!(
        open.iter().map(|found| found.id).collect::<Vec<_>>(),
        [number]
    );
    assert!(
        !open[0].is_from_fork()
            && open[0]
                .source
                .commit
                .as_ref()
                .is_some_and(|commit| commit.full().is_some())
    );
    datacenter
        .merge_pull_request(REPOSITORY, number, "mara")
        .await
        .expect("merged");
    let merged = bitbucket
        .pull_request(&address, number)
        .await
        .expect("read");
    assert!(merged.state == PullRequestState::Merged && merged.merge_commit.is_some());
    judge_requests(
        pipewright_simulator::Product::Datacenter,
        lab.simulator.datacenter_record(),
    );
}
