//! What is kept of repositories, on each database.

use std::time::{Duration, Instant};

use pipewright_core::Timestamp;

use super::testing::{a_repository, seen};
use super::{
    Search, administered, beside, get, mark_unseen_gone, of_account, owners, remember, search,
};
use crate::integrations::testing::{an_account, an_integration};
use crate::testing::on_each_database;

fn find(text: &str) -> Search {
    Search {
        text: text.to_owned(),
        owner: None,
        integration: None,
        limit: 50,
        offset: 0,
    }
}

#[test]
fn search_is_by_owner_and_name_in_any_case_and_grouped() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let (other, other_user) = an_account(&mut tx, "other").await;
        let integration = an_integration(&mut tx, account, user).await;
        let foreign = an_integration(&mut tx, other, other_user).await;
        for name in [
            "harbor/checkout-api",
            "labs/checkout_web",
            "harbor/Ledger",
            "harbor/100%",
        ] {
            a_repository(&mut tx, account, integration, name).await;
        }
        let hidden = a_repository(&mut tx, other, foreign, "harbor/checkout-secret").await;
        tx.commit().await.expect("commits");
        let names = async |wanted: Search| {
            let (found, count) = search(&db, account, &wanted).await.expect("searches");
            assert!(found.len() as u64 <= count);
            found
                .into_iter()
                .map(|repository| repository.full_name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(find("CHECKOUT")).await,
            ["harbor/checkout-api", "labs/checkout_web"]
        );
        assert_eq!(names(find("harbor/l")).await, ["harbor/Ledger"]);
        assert_eq!(names(find("labs check")).await, ["labs/checkout_web"]);
        assert_eq!(
            names(find("out_")).await,
            ["labs/checkout_web"],
            "an underscore is no wildcard"
        );
        assert_eq!(names(find("0%")).await, ["harbor/100%"]);
        assert_eq!(
            names(Search {
                owner: Some("labs".to_owned()),
                ..find("")
            })
            .await,
            ["labs/checkout_web"]
        );
        let all = owners(&db, account).await.expect("reads");
        assert_eq!(
            all.iter()
                .map(|owner| (owner.key.as_str(), owner.repositories))
                .collect::<Vec<_>>(),
            [("harbor", 3), ("labs", 1)]
        );
        assert!(
            of_account(&db, account, hidden)
                .await
                .expect("reads")
                .is_none()
        );
        assert!(
            of_account(&db, other, hidden)
                .await
                .expect("reads")
                .is_some()
        );
    });
}

#[test]
fn a_renamed_repository_keeps_its_id_and_one_no_longer_listed_is_gone() {
    on_each_database(async |db| {
        let (first, second) = (Timestamp::from_seconds(20), Timestamp::from_seconds(30));
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let integration = an_integration(&mut tx, account, user).await;
        let old = remember(&mut tx, account, integration, &seen("harbor/old"), first)
            .await
            .expect("keeps");
        let lost = remember(&mut tx, account, integration, &seen("harbor/lost"), first)
            .await
            .expect("keeps");
        let mut renamed = seen("harbor/new");
        renamed.remote_id = "harbor/old".to_owned();
        renamed.default_branch = None;
        assert_eq!(
            remember(&mut tx, account, integration, &renamed, second)
                .await
                .expect("keeps"),
            old
        );
        assert_eq!(
            mark_unseen_gone(&mut tx, integration, second, second)
                .await
                .expect("marks"),
            1
        );
        tx.commit().await.expect("commits");
        let found = get(&db, old).await.expect("reads").expect("is there");
        assert_eq!(
            (
                found.full_name.as_str(),
                found.default_branch.as_deref(),
                found.gone_at
            ),
            ("harbor/new", Some("main"), None)
        );
        assert_eq!(
            get(&db, lost)
                .await
                .expect("reads")
                .expect("is there")
                .gone_at,
            Some(second)
        );
        let (listed, count) = search(&db, account, &find("")).await.expect("searches");
        assert_eq!((listed.len(), count), (1, 1));
        assert_eq!(
            administered(&db, integration).await.expect("counts"),
            (1, 1)
        );
    });
}

#[test]
fn five_thousand_repositories_stay_searchable() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let integration = an_integration(&mut tx, account, user).await;
        for number in 0..5000 {
            a_repository(
                &mut tx,
                account,
                integration,
                &format!("team-{}/service-{number:04}", number % 7),
            )
            .await;
        }
        tx.commit().await.expect("commits");
        let began = Instant::now();
        let (found, count) = search(&db, account, &find("service-49"))
            .await
            .expect("searches");
        let took = began.elapsed();
        assert_eq!((found.len(), count), (50, 100));
        assert!(took < Duration::from_secs(2), "a search took {took:?}");
        let (last, _) = search(
            &db,
            account,
            &Search {
                offset: 4990,
                ..find("")
            },
        )
        .await
        .expect("searches");
        assert_eq!(last.len(), 10);
    });
}

#[test]
fn a_repository_beside_another_is_of_the_same_account_and_integration() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let (other, other_user) = an_account(&mut tx, "other").await;
        let integration = an_integration(&mut tx, account, user).await;
        let foreign = an_integration(&mut tx, other, other_user).await;
        let own = a_repository(&mut tx, account, integration, "harbor/shop").await;
        for name in ["apps/tools", "harbor/tools", "harbor/other"] {
            a_repository(&mut tx, account, integration, name).await;
        }
        let hidden = a_repository(&mut tx, other, foreign, "harbor/secret").await;
        a_repository(&mut tx, other, foreign, "harbor/tools").await;
        tx.commit().await.expect("commits");
        let names = async |account, own, name: &str| {
            let found = beside(&db, account, own, name).await.expect("reads");
            found
                .into_iter()
                .map(|repository| (repository.account, repository.full_name))
                .collect::<Vec<_>>()
        };
        let both = [
            (account, "harbor/tools".to_owned()),
            (account, "apps/tools".to_owned()),
        ];
        assert_eq!(
            names(account, own, "tools").await,
            both,
            "its own workspace first, never another account's"
        );
        assert_eq!(
            names(account, own, "harbor/other").await,
            [(account, "harbor/other".to_owned())],
            "by what never changes"
        );
        assert!(names(account, own, "secret").await.is_empty());
        assert!(
            names(account, hidden, "tools").await.is_empty(),
            "nobody asks from another account's repository"
        );
        assert!(names(account, own, "too%").await.is_empty());
    });
}
