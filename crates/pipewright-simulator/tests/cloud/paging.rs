//! Lists: pages, filters, order, and a workspace of thousands.

use std::time::Instant;

use serde_json::Value;

use crate::support::{signed_in, team};

#[tokio::test]
async fn five_thousand_repositories_are_cheap() {
    let sim = team().await;
    let cloud = sim.cloud();
    for number in 0..5_000 {
        cloud
            .add_repository("harbor", &format!("service-{number}"), true)
            .expect("a repository");
    }
    let api = signed_in(&sim, "mara").await;
    let started = Instant::now();
    let mut page = api
        .get(
            "/repositories/harbor?role=member&sort=-updated_on&pagelen=100&fields=next,values.slug",
        )
        .await;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let values = page["values"].as_array().expect("a list").clone();
        seen.extend(
            values
                .iter()
                .map(|value| value["slug"].as_str().expect("a slug").to_owned()),
        );
        match page.get("next").and_then(Value::as_str) {
            Some(next) => page = api.get(next).await,
            None => break,
        }
    }
    assert_eq!(seen.len(), 5_001, "every one once");
    assert!(
        started.elapsed().as_secs() < 60,
        "51 pages took {:?}",
        started.elapsed()
    );

    let found = api
        .get("/repositories/harbor?q=name%20~%20%22service-49%22&sort=name&pagelen=100")
        .await;
    assert_eq!(found["size"], 111);
    assert_eq!(found["values"][0]["slug"], "service-49");
    assert_eq!(
        found["values"][1]["slug"], "service-490",
        "in natural order"
    );
}

#[tokio::test]
async fn the_last_change_comes_first_and_bad_queries_are_refused() {
    let sim = team().await;
    let cloud = sim.cloud();
    for slug in ["one", "two", "three"] {
        cloud
            .add_repository("harbor", slug, true)
            .expect("a repository");
    }
    cloud
        .commit("harbor/one", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let api = signed_in(&sim, "mara").await;
    let page = api
        .get("/repositories/harbor?sort=-updated_on&pagelen=2&page=1")
        .await;
    assert_eq!(page["values"][0]["slug"], "one");
    assert_eq!(
        (
            page["size"].as_u64(),
            page["page"].as_u64(),
            page["pagelen"].as_u64()
        ),
        (Some(4), Some(1), Some(2))
    );
    let next = page["next"].as_str().expect("another page");
    assert!(next.starts_with(&sim.cloud_api_url()), "{next}");
    let second = api.get(next).await;
    assert!(second.get("next").is_none() && second["previous"].is_string());
    for query in [
        "pagelen=101",
        "pagelen=0",
        "page=0",
        "page=x",
        "q=name%20~",
        "role=nobody",
    ] {
        api.call("GET", &format!("/repositories/harbor?{query}"), None, 400)
            .await;
    }
    let private = api
        .get("/repositories/harbor?q=is_private%20%3D%20true%20AND%20name%20!%3D%20%22one%22")
        .await;
    assert_eq!(private["size"], 3);
}
