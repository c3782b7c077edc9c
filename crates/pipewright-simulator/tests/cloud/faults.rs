//! Things go wrong on demand.

use std::time::{Duration, Instant};

use pipewright_simulator::AnswerFault;
use pipewright_simulator::state::DeliveryState;

use crate::support::{Machine, Receiver, client, signed_in, team};

#[tokio::test]
async fn answers_fail_slow_down_and_recover() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    let faults = sim.cloud().faults();
    faults.fail_next(2, 503);
    assert_eq!(api.raw("GET", "/user", None).await.status(), 503);
    assert_eq!(api.raw("GET", "/user", None).await.status(), 503);
    api.get("/user").await;

    faults.rate_limit_next(1, Some(7));
    let limited = api.raw("GET", "/user", None).await;
    assert_eq!(
        (
            limited.status().as_u16(),
            limited.headers()["retry-after"].to_str().expect("text")
        ),
        (429, "7")
    );
    let body: serde_json::Value = limited.json().await.expect("JSON");
    assert_eq!(
        body["error"]["message"],
        "Rate limit for this resource has been exceeded"
    );

    faults.answer(AnswerFault::under("/2.0/repositories/", 500));
    api.get("/user").await;
    assert_eq!(
        api.raw("GET", "/repositories/harbor", None).await.status(),
        500
    );
    faults.clear();
    api.get("/repositories/harbor").await;

    faults.slow(Duration::from_millis(150), Some("/2.0/user"));
    let started = Instant::now();
    api.get("/user").await;
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn an_answer_can_fail_after_the_work_was_done() {
    let sim = team().await;
    let api = signed_in(&sim, "mara").await;
    sim.cloud().faults().answer(AnswerFault {
        after_the_fact: true,
        method: Some("POST".to_owned()),
        ..AnswerFault::next(1, 504)
    });
    let body = serde_json::json!({ "url": "http://127.0.0.1:9/h", "events": ["repo:push"] });
    assert_eq!(
        api.raw("POST", "/repositories/harbor/api/hooks", Some(body))
            .await
            .status(),
        504
    );
    assert_eq!(
        sim.cloud().webhooks("harbor/api").expect("webhooks").len(),
        1
    );
}

#[tokio::test]
async fn webhooks_are_lost_doubled_held_and_reordered() {
    let sim = team().await;
    let cloud = sim.cloud();
    let receiver = Receiver::start(&[]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    let mut number = 0;
    let mut push = async || {
        number += 1;
        cloud
            .commit(
                "harbor/api",
                "main",
                &[("a", &number.to_string())],
                &number.to_string(),
                "mara",
            )
            .await
            .expect("a commit");
    };
    let messages = || -> Vec<String> {
        let message = |body: serde_json::Value| {
            body["push"]["changes"][0]["new"]["target"]["message"]
                .as_str()
                .expect("text")
                .trim()
                .to_owned()
        };
        receiver
            .got()
            .iter()
            .map(|received| message(received.json()))
            .collect()
    };

    cloud.faults().lose_webhooks(1);
    push().await;
    cloud.settled().await;
    assert!(messages().is_empty());
    assert_eq!(
        cloud.deliveries("harbor/api").expect("deliveries")[0].state,
        DeliveryState::Lost
    );

    cloud.faults().duplicate_webhooks(1);
    push().await;
    cloud.settled().await;
    assert_eq!(messages(), ["2", "2"]);
    let got = receiver.got();
    assert_eq!(
        got[0].headers["x-request-uuid"],
        got[1].headers["x-request-uuid"]
    );

    cloud.faults().reorder_webhooks(2);
    push().await;
    push().await;
    cloud.settled().await;
    assert_eq!(messages()[2..], ["4", "3"]);

    cloud.faults().hold_webhooks();
    push().await;
    push().await;
    cloud.settled().await;
    assert_eq!(messages().len(), 4);
    cloud.release_webhooks();
    cloud.settled().await;
    assert_eq!(messages()[4..], ["5", "6"]);

    let last = cloud
        .deliveries("harbor/api")
        .expect("deliveries")
        .last()
        .expect("some")
        .id;
    cloud.redeliver(last).expect("it is known");
    cloud.settled().await;
    assert_eq!(messages().last().map(String::as_str), Some("6"));
    assert_eq!(messages().len(), 7);
}

#[tokio::test]
async fn an_unreachable_cloud_drops_everything_and_comes_back() {
    let sim = team().await;
    let machine = Machine::new(&sim).await;
    sim.cloud()
        .add_user_ssh_key("mara", &machine.public_key(), "")
        .expect("a key");
    let kept = client();
    let url = format!("{}/hook_events", sim.cloud_api_url());
    assert!(kept.get(&url).send().await.is_ok());
    sim.cloud().faults().unreachable(true);
    assert!(
        kept.get(&url).send().await.is_err(),
        "an open connection breaks too"
    );
    assert!(!machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
    let other = format!(
        "{}/rest/api/1.0/application-properties",
        sim.datacenter_url()
    );
    assert!(
        client()
            .get(other)
            .send()
            .await
            .expect("Data Center is another house")
            .status()
            .is_success()
    );
    sim.cloud().faults().unreachable(false);
    assert!(kept.get(&url).send().await.is_ok());
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
}
