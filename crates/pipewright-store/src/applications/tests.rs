//! What is kept of applications, on each database.

use pipewright_core::Timestamp;
use pipewright_core::ids::ApplicationId;

use super::testing::an_application;
use super::{
    NewApplication, Rules, Watch, by_account, by_slug, for_repository, get, insert, last_builds,
    of_integration, remove, set_rules, set_watch,
};
use crate::integrations::testing::{an_account, an_integration};
use crate::repositories::testing::a_repository;
use crate::retention::{Removal, removals};
use crate::testing::on_each_database;
use crate::testing_builds::a_planned_build;

#[test]
fn an_application_reads_back_and_its_rules_change() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let (other, _) = an_account(&mut tx, "other").await;
        let integration = an_integration(&mut tx, account, user).await;
        let repository = a_repository(&mut tx, account, integration, "harbor/api").await;
        let id = an_application(&mut tx, account, user, repository, "api").await;
        let rules = Rules {
            auto_build: false,
            pushes: true,
            pull_requests: false,
            tags: true,
            branches: vec![
                "main".parse().expect("a pattern"),
                "release/*".parse().expect("a pattern"),
            ],
            cancel_superseded: true,
        };
        set_rules(&mut tx, id, &rules).await.expect("changes");
        set_watch(&mut tx, id, Watch::Polling)
            .await
            .expect("changes");
        tx.commit().await.expect("commits");
        let found = by_slug(&db, account, "api")
            .await
            .expect("reads")
            .expect("is there");
        assert_eq!(
            (found.id, &found.rules, found.watch, found.next_number),
            (id, &rules, Watch::Polling, 1)
        );
        assert!(by_slug(&db, other, "api").await.expect("reads").is_none());
        assert_eq!(
            for_repository(&db, repository).await.expect("reads").len(),
            1
        );
        assert_eq!(
            of_integration(&db, integration).await.expect("reads").len(),
            1
        );
        let listed = by_account(&db, account).await.expect("reads");
        assert_eq!(
            (listed[0].full_name.as_str(), listed[0].integration),
            ("harbor/api", integration)
        );
        assert!(last_builds(&db, &[id]).await.expect("reads").is_empty());
        let mut tx = db.begin().await.expect("begins");
        assert!(!remove(&mut tx, other, id).await.expect("is not theirs"));
        assert!(remove(&mut tx, account, id).await.expect("goes"));
        tx.commit().await.expect("commits");
        assert!(get(&db, id).await.expect("reads").is_none());
    });
}

#[test]
fn neither_name_nor_repository_is_taken_twice() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let integration = an_integration(&mut tx, account, user).await;
        let first = a_repository(&mut tx, account, integration, "harbor/api").await;
        let second = a_repository(&mut tx, account, integration, "labs/api").await;
        an_application(&mut tx, account, user, first, "api").await;
        let rules = Rules {
            auto_build: true,
            pushes: true,
            pull_requests: true,
            tags: true,
            branches: Vec::new(),
            cancel_superseded: false,
        };
        let mut new = NewApplication {
            id: ApplicationId::new(),
            account,
            repository: second,
            slug: "api".to_owned(),
            name: "api".to_owned(),
            rules,
            watch: Watch::Webhook,
            created_by: user,
        };
        let now = Timestamp::from_seconds(30);
        assert!(!insert(&mut tx, &new, now).await.expect("the name is taken"));
        new.slug = "api-2".to_owned();
        assert!(insert(&mut tx, &new, now).await.expect("another name"));
        new.id = ApplicationId::new();
        new.slug = "api-3".to_owned();
        assert!(
            !insert(&mut tx, &new, now)
                .await
                .expect("the repository is taken")
        );
        tx.commit().await.expect("commits");
    });
}

#[test]
fn what_goes_with_an_application_leaves_no_file() {
    on_each_database(async |db| {
        let made = crate::testing_builds::an_application(&db, "gone").await;
        let kept = crate::testing_builds::an_application(&db, "kept").await;
        let mut tx = db.begin().await.expect("begins");
        a_planned_build(&mut tx, made, "main", 'a').await;
        a_planned_build(&mut tx, kept, "main", 'a').await;
        assert!(
            !remove(&mut tx, kept.account, made.application)
                .await
                .expect("is another account's")
        );
        assert!(
            remove(&mut tx, made.account, made.application)
                .await
                .expect("removes")
        );
        tx.commit().await.expect("commits");
        let waiting = removals(&db, 10).await.expect("reads");
        assert!(
            matches!(waiting[..], [Removal::Log(_)]),
            "the one attempt's log: {waiting:?}"
        );
    });
}
