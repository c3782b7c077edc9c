//! Problems of a pipeline file say the same in the terminal, as JSON, and on the build's page: one table of files.

use std::process::Command;

use pipewright_spec::Diagnostic;
use serde_json::Value;

use crate::team::House;

/// Files with problems of every severity; each has one at least.
const FILES: &[(&str, &str)] = &[
    (
        "misspelt",
        "pipelines:\n  default:\n    - step: {script: [make], nmae: x}\n    - step: {scrip: [make]}\n",
    ),
    (
        "not-yaml",
        "pipelines:\n  default:\n    - step\n   script: [make]\n",
    ),
    (
        "harmless",
        "image: [a]\nunknown: 1\npipelines:\n  default:\n    - step:\n        script:\n          - make\n          -\n",
    ),
    (
        "twice",
        "pipelines:\n  default:\n    - step:\n        name: größe\n        name: 日本\n        script: [echo a, echo b]\n",
    ),
    (
        "hostile",
        "pipelines:\n  default:\n    - step:\n        \"<b>x\": \"$(x)\"\n        script: [make]\n        max-time: soon\n",
    ),
    ("nothing", "pipelines: 7\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn b8_problems_say_the_same_in_the_terminal_as_json_and_on_the_page() {
    let mut house =
        House::with_application("pipelines:\n  default:\n    - step: {script: [true]}\n").await;
    house.build(1, |build| build.state.is_finished()).await;
    let directory = tempfile::tempdir().expect("a directory");
    for (index, (branch, file)) in FILES.iter().enumerate() {
        std::fs::write(directory.path().join("bitbucket-pipelines.yml"), file).expect("writes");
        let text = validate(directory.path(), &[]);
        let json: Value =
            serde_json::from_str(&validate(directory.path(), &["--json"])).expect("JSON");
        let found: Vec<Diagnostic> =
            serde_json::from_value(json["diagnostics"].clone()).expect("problems");
        assert!(!found.is_empty(), "{branch}");

        let cloud = house.simulator.cloud();
        cloud
            .commit(
                "harbor/subject",
                branch,
                &[("bitbucket-pipelines.yml", file)],
                branch,
                "ivo",
            )
            .await
            .expect("a push");
        let number = i64::try_from(index).expect("small") + 2;
        let build = house.build(number, |build| build.state.is_finished()).await;
        let kept = build.diagnostics.as_array().expect("a list").clone();
        let path = house.team.page(&format!(
            "/applications/subject/builds/{number}/pipeline-file"
        ));
        let page = house
            .team
            .person
            .goes_to(&path)
            .await
            .expect("the page")
            .text();
        for (diagnostic, value) in found
            .iter()
            .zip(json["diagnostics"].as_array().expect("a list"))
        {
            assert!(
                kept.contains(value),
                "{branch}: the build keeps {value} word for word, among {kept:?}"
            );
            let severity = diagnostic.severity.as_str();
            let place = diagnostic.primary;
            for words in [
                format!("{severity}[{}]: {}", diagnostic.code, diagnostic.message),
                format!("bitbucket-pipelines.yml:{}:{}", place.line, place.column),
                diagnostic.help.clone().unwrap_or_default(),
            ] {
                assert!(
                    text.contains(&words),
                    "{branch}: {words:?} is not in the terminal's\n{text}"
                );
            }
            for words in [
                severity.to_owned(),
                // The page draws as code what stands in backticks.
                diagnostic.message.replace('`', ""),
                format!("line {}, column {}", place.line, place.column),
                diagnostic.code.to_string(),
                diagnostic.help.clone().unwrap_or_default().replace('`', ""),
            ] {
                assert!(
                    spaced(&page).contains(&spaced(&words)),
                    "{branch}: {words:?} is not on the page\n{page}"
                );
            }
        }
    }
}

fn validate(directory: &std::path::Path, options: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pipewright"))
        .arg("validate")
        .args(options)
        .current_dir(directory)
        .output();
    String::from_utf8(output.expect("runs").stdout).expect("text")
}

/// Without white space, which a page's elements break up.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect()
}
