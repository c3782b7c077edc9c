//! Windows of logs, however long the log is.

use std::time::Duration;

use http::StatusCode;
use pipewright_core::build::AttemptOutcome;

use super::scene::{APPLICATION, Scene};

fn long_log(lines: usize) -> Vec<u8> {
    (1..=lines)
        .flat_map(|line| format!("this is line {line}\n").into_bytes())
        .collect()
}

#[tokio::test]
async fn a_long_log_is_read_in_windows_whatever_its_length() {
    let mut scene = Scene::new().await;
    let (_, running) = scene
        .passed("main", '7', "Change", &long_log(100_000))
        .await;
    let path = format!("{APPLICATION}/builds/1");
    let shown = |text: &str| {
        let numbers: Vec<u64> = text
            .split("<li id=\"L")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect();
        (
            numbers.first().copied().unwrap_or(0),
            numbers.last().copied().unwrap_or(0),
        )
    };
    let page = scene.owner.get(&path).await;
    assert_eq!(
        shown(&page.text),
        (1, 600),
        "a log of what passed is read from its beginning"
    );
    assert!(
        page.text.len() < 200_000,
        "the page stays small: {}",
        page.text.len()
    );
    assert!(page.text.contains("at=601\">Later lines") && !page.text.contains("Earlier lines"));
    let middle = scene.owner.get(&format!("{path}?line=50000")).await;
    assert_eq!(shown(&middle.text), (49_800, 50_399));
    assert!(
        middle.text.contains("<li id=\"L50000\" class=\"hit\">"),
        "the line is marked"
    );
    assert!(
        middle.text.contains("at=49200\">Earlier lines")
            && middle.text.contains("at=50400\">Later lines")
    );
    for (query, expected) in [
        ("line=999999", (1, 600)),
        ("at=100000", (99_401, 100_000)),
        ("at=0", (1, 600)),
        ("line=0", (1, 600)),
    ] {
        let page = scene.owner.get(&format!("{path}?{query}")).await;
        assert_eq!(
            (page.status, shown(&page.text)),
            (StatusCode::OK, expected),
            "{query}"
        );
    }
    let found = scene.owner.get(&format!("{path}?find=LINE%2077777")).await;
    assert!(
        found.text.contains("<li id=\"L77777\" class=\"hit\">"),
        "text is found whatever its case"
    );
    assert!(
        found.text.contains("1 of 1") && found.text.contains("name=\"line\" value=\"77777\""),
        "what is next is found around the end"
    );
    assert!(
        scene
            .owner
            .get(&format!("{path}?find=nothing"))
            .await
            .text
            .contains("not found")
    );
    let lines = scene
        .owner
        .get(&format!(
            "/harbor/logs/{}/lines?from=99998&count=5000",
            running.id
        ))
        .await;
    let lines: serde_json::Value = serde_json::from_str(&lines.text).expect("JSON");
    assert_eq!(
        lines,
        serde_json::json!({ "first": 99998, "total": 100_000, "lines": [["this is line 99999", false], ["this is line 100000", false]], "open": false, "times": [] })
    );
    let most = scene
        .owner
        .get(&format!(
            "/harbor/logs/{}/lines?from=0&count=99999",
            running.id
        ))
        .await;
    assert_eq!(
        most.text.matches("this is line").count(),
        1000,
        "one answer has its bound"
    );
}

#[tokio::test]
async fn the_raw_log_is_what_was_printed() {
    let mut scene = Scene::new().await;
    let mut log = b"\x1d+ make\n\xff\xfe\x1b[31m<red>\x1b[0m\n".to_vec();
    log.extend(long_log(50_000));
    let (_, running) = scene.passed("main", '7', "Change", &log).await;
    let response = scene
        .owner
        .open(&format!("/harbor/logs/{}/raw", running.id))
        .await;
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    assert!(
        bytes.starts_with(b"+ make\n\xff\xfe\x1b[31m<red>"),
        "less the mark before a command"
    );
    assert_eq!(bytes.len(), log.len() - 1);
}

#[tokio::test]
async fn colours_reach_into_a_window_that_begins_behind_them() {
    let mut scene = Scene::new().await;
    let (_, running) = scene
        .passed(
            "main",
            '7',
            "Change",
            b"\x1b[31mred\nstill red\nand now\x1b[0m not\nplain\n",
        )
        .await;
    let lines = scene
        .owner
        .get(&format!("/harbor/logs/{}/lines?from=1&count=9", running.id))
        .await;
    let lines: serde_json::Value = serde_json::from_str(&lines.text).expect("JSON");
    assert_eq!(lines["lines"][0][0], "<span class=\"f1\">still red</span>");
    assert_eq!(
        lines["lines"][1][0],
        "<span class=\"f1\">and now</span> not"
    );
    assert_eq!(lines["lines"][2][0], "plain");
}

#[tokio::test]
async fn of_several_attempts_the_last_is_shown_and_each_can_be() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Unit tests"]]).await;
    let first = scene.run(build, 0, 1).await;
    scene.print(first, b"first try\n");
    scene.site.clock.advance(Duration::from_mins(1));
    scene
        .finish(
            first,
            AttemptOutcome::Lost,
            Some("The runner was lost; the step is queued again."),
        )
        .await;
    let second = scene.run(build, 0, 2).await;
    scene.print(second, b"second try\n");
    let path = format!("{APPLICATION}/builds/1");
    let page = scene.owner.get(&path).await;
    assert!(page.text.contains("second try") && !page.text.contains("first try"));
    scene.site.clock.advance(Duration::from_secs(5));
    let head = scene.owner.get(&format!("{path}?part=head")).await;
    assert!(
        head.text.contains("<small>5 s</small>"),
        "each attempt is timed anew: {}",
        head.text
    );
    assert!(
        head.text.contains("started 180 ms after the push"),
        "what was rerun changes nothing about the first start"
    );
    let page = scene.owner.get(&format!("{path}?step=1&attempt=1")).await;
    assert!(
        page.text.contains("first try") && page.text.contains("The runner was lost"),
        "{}",
        page.text
    );
    let page = scene.owner.get(&format!("{path}?step=9&attempt=9")).await;
    assert!(
        page.text.contains("second try"),
        "what is not there leads to what is"
    );
}
