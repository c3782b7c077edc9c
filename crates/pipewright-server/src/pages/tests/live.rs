//! What moves without a reload: followers of a log and of a build.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use pipewright_core::build::AttemptOutcome;

use super::scene::{Running, Scene};

/// Reads events of a stream.
struct Events {
    body: axum::body::BodyDataStream,
    text: String,
}

/// One event: its name, its id and its data.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: serde_json::Value,
}

impl Events {
    fn of(response: http::Response<Body>) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let event = Event {
                    name: field("event:"),
                    id: field("id:"),
                    data: serde_json::from_str(&field("data:")).unwrap_or_default(),
                };
                self.text = rest.to_owned();
                if event.name.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next())
                .await
                .expect("an event in time");
            self.text
                .push_str(std::str::from_utf8(&chunk?.expect("bytes")).expect("text"));
        }
    }
}

async fn running(scene: &Scene) -> Running {
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"]]).await;
    scene.run(build, 0, 1).await
}

#[tokio::test]
async fn a_follower_sees_lines_as_they_come_an_open_line_grow_and_the_end() {
    let mut scene = Scene::new().await;
    let running = running(&scene).await;
    scene.print(running, b"one\ntwo\n");
    let path = format!("/harbor/logs/{}/live", running.id);
    let mut events = Events::of(scene.owner.open(&path).await);
    let first = events.next().await.expect("an event");
    assert_eq!((first.name.as_str(), first.id.as_str()), ("lines", "2"));
    assert_eq!(
        first.data["lines"],
        serde_json::json!([["one", false], ["two", false]])
    );
    scene.print(running, b"comp");
    let open = events.next().await.expect("an event");
    assert_eq!(
        (
            &open.data["first"],
            &open.data["lines"][0][0],
            &open.data["open"]
        ),
        (&2.into(), &"comp".into(), &true.into())
    );
    scene.print(running, b"iling <x>\nlast");
    let longer = events.next().await.expect("an event");
    assert_eq!(
        longer.data["lines"],
        serde_json::json!([["compiling &lt;x&gt;", false], ["last", false]])
    );
    assert_eq!(
        (&longer.data["first"], longer.id.as_str()),
        (&2.into(), "3")
    );
    scene.finish(running, AttemptOutcome::Passed, None).await;
    let end = events.next().await.expect("the end is told");
    assert_eq!(end.name, "end");
    assert_eq!(events.next().await, None, "and then the stream ends");
}

#[tokio::test]
async fn a_browser_that_lost_the_connection_goes_on_where_it_was() {
    let mut scene = Scene::new().await;
    let running = running(&scene).await;
    scene.print(running, b"one\ntwo\nthree\n");
    scene.finish(running, AttemptOutcome::Passed, None).await;
    scene
        .owner
        .headers
        .insert("last-event-id", "2".parse().expect("a header"));
    let mut events = Events::of(
        scene
            .owner
            .open(&format!("/harbor/logs/{}/live?from=0", running.id))
            .await,
    );
    let event = events.next().await.expect("an event");
    assert_eq!(
        (&event.data["first"], &event.data["lines"]),
        (&2.into(), &serde_json::json!([["three", false]]))
    );
    assert_eq!(
        events.next().await.map(|event| event.name),
        Some("end".to_owned())
    );
}

#[tokio::test]
async fn a_follower_far_behind_is_shown_the_newest_and_is_not_cut_off() {
    let mut scene = Scene::new().await;
    let running = running(&scene).await;
    let torrent: Vec<u8> = (0..50_000)
        .flat_map(|line| format!("line {line}\n").into_bytes())
        .collect();
    scene.print(running, &torrent);
    let mut events = Events::of(
        scene
            .owner
            .open(&format!("/harbor/logs/{}/live", running.id))
            .await,
    );
    let event = events.next().await.expect("an event");
    assert_eq!(
        (&event.data["first"], &event.data["total"]),
        (&49_500.into(), &50_000.into())
    );
    scene.print(running, b"and on\n");
    let event = events.next().await.expect("an event");
    assert_eq!(event.data["lines"], serde_json::json!([["and on", false]]));
    scene.finish(running, AttemptOutcome::Failed, None).await;
    assert_eq!(
        events.next().await.map(|event| event.name),
        Some("end".to_owned())
    );
}

#[tokio::test]
async fn one_answer_tells_of_logs_and_news_and_only_of_what_the_user_may_see() {
    let mut scene = Scene::new().await;
    let running = running(&scene).await;
    scene.print(running, b"one\ntwo\n");
    let on = format!("on=log%3Aharbor%3A{}%3A1&on=news%3Aharbor", running.id);
    let mut events = Events::of(scene.owner.open(&format!("/live?{on}")).await);
    let mut stranger = scene.site.owner_of("other").await;
    let mut theirs = stranger
        .open(&format!("/live?{on}"))
        .await
        .into_body()
        .into_data_stream();
    let lines = events.next().await.expect("an event");
    assert_eq!(
        (lines.name.as_str(), &lines.data["on"], &lines.data["lines"]),
        (
            "lines",
            &format!("log:harbor:{}", running.id).into(),
            &serde_json::json!([["two", false]])
        )
    );
    scene
        .site
        .app
        .live()
        .news
        .tell(crate::live::NewsItem::Build {
            account: scene.account,
            build: pipewright_core::ids::BuildId::new(),
        });
    let news = events.next().await.expect("an event");
    assert_eq!(
        (news.name.as_str(), &news.data["on"]),
        ("news", &"news:harbor".into())
    );
    scene.finish(running, AttemptOutcome::Passed, None).await;
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "end") {
        names.push(events.next().await.expect("an event").name);
    }
    let silence = tokio::time::timeout(Duration::from_millis(300), theirs.next()).await;
    assert!(silence.is_err(), "a stranger is told nothing: {silence:?}");
    assert_eq!(
        scene
            .site
            .anonymous()
            .get(&format!("/live?{on}"))
            .await
            .status,
        http::StatusCode::SEE_OTHER
    );
}
