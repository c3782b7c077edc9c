//! What the record keeps and what passes it by.

use axum::{Json, Router, body::Body, middleware::from_fn_with_state, routing::post};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{KEPT_EXCHANGES, Recorder, record};
use crate::installation::Product;

async fn serve() -> (Recorder, String) {
    let recorder = Recorder::new(Product::Cloud);
    let echo = |Json(body): Json<Value>| async move { Json(json!({ "echo": body })) };
    let raw = |request: Request<Body>| async move { request.into_body() };
    let router = Router::new()
        .route("/2.0/echo", post(echo))
        .route("/raw", post(raw))
        .route("/x.git/git-receive-pack", post(raw))
        .layer(from_fn_with_state(recorder.clone(), record));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound port");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (recorder, format!("http://{address}"))
}

#[tokio::test]
async fn json_is_kept_on_both_sides_and_arrives_whole() {
    let (recorder, base) = serve().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = client
        .post(format!("{base}/2.0/echo?a%20b=c"))
        .json(&json!({ "x": 1 }))
        .bearer_auth("secret-token");
    let answer: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer, json!({ "echo": { "x": 1 } }));
    let exchanges = recorder.exchanges();
    let [exchange] = exchanges.as_slice() else {
        panic!("one exchange, not {}", exchanges.len())
    };
    assert_eq!(
        (
            exchange.method.as_str(),
            exchange.path.as_str(),
            exchange.status
        ),
        ("POST", "/2.0/echo", 200)
    );
    assert_eq!(exchange.query.as_deref(), Some("a%20b=c"));
    assert_eq!(
        (&exchange.request, &exchange.answer),
        (&Some(json!({ "x": 1 })), &Some(answer))
    );
    assert!(!format!("{exchange:?}").contains("secret-token"));
}

#[tokio::test]
async fn other_bodies_pass_unread_and_git_is_not_recorded() {
    let (recorder, base) = serve().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for path in ["/raw", "/x.git/git-receive-pack"] {
        let answer = client
            .post(format!("{base}{path}"))
            .body("bytes")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), "bytes");
    }
    let exchanges = recorder.exchanges();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        (&exchanges[0].path[..], &exchanges[0].request),
        ("/raw", &None)
    );
    recorder.clear();
    assert!(recorder.exchanges().is_empty());
}

#[test]
fn the_oldest_exchange_goes_first() {
    let recorder = Recorder::new(Product::Cloud);
    for number in 0..=KEPT_EXCHANGES {
        recorder.push(super::Exchange {
            product: Product::Cloud,
            method: "GET".to_owned(),
            path: format!("/{number}"),
            query: None,
            request: None,
            status: 200,
            answer_type: None,
            answer: None,
        });
    }
    let exchanges = recorder.exchanges();
    assert_eq!(
        (exchanges.len(), exchanges[0].path.as_str()),
        (KEPT_EXCHANGES, "/1")
    );
}
