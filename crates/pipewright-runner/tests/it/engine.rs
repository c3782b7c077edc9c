//! Steps in containers of a real engine. `PIPEWRIGHT_TEST_ENGINE` is the path of its socket; without it these tests say that they
//! skip.

use std::time::{Duration, Instant};

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::{ImagePlan, PipePlan, ScriptItem, ServicePlan, StepPlan};
use pipewright_runner::executor::{
    Control, EitherExecutor, EngineExecutor, EngineOptions, Executor as _, HostExecutor, Pull,
};
use pipewright_runner::testing::{IMAGE, TestEngine};

use crate::step::{Bench, lines};
use crate::support::step;

fn options(engine: &TestEngine) -> EngineOptions {
    let owner = format!("test-{}", uuid::Uuid::now_v7());
    EngineOptions {
        default_image: IMAGE.to_owned(),
        open_files: Some(1024),
        pull: Pull::IfNotPresent,
        ..EngineOptions::new(engine.socket().to_owned(), owner)
    }
}

/// An executor of a test, and its containers.
struct Engine {
    executor: EitherExecutor,
    label: String,
    engine: TestEngine,
}

impl Engine {
    fn new(engine: TestEngine) -> Self {
        let options = options(&engine);
        Self::of(engine, options)
    }

    fn of(engine: TestEngine, options: EngineOptions) -> Self {
        let label = format!("app.pipewright.runner={}", options.owner);
        let containers = EngineExecutor::new(options);
        Self {
            executor: EitherExecutor::new(HostExecutor::default(), Some(containers)),
            label,
            engine,
        }
    }

    fn bench(&self) -> Bench {
        Bench::of(self.executor.clone()).without_path()
    }

    /// What the engine says of every container of the test.
    fn containers(&self) -> Vec<String> {
        self.engine.containers(&self.label)
    }

    /// Gives up what is kept ready; nothing may be left then.
    async fn end(self) {
        self.executor.leave().await;
        let none: [String; 0] = [];
        assert_eq!(self.containers(), none, "containers are left");
    }
}

#[tokio::test]
async fn a_script_runs_in_its_image_as_on_bitbucket() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let script = [
        "mkdir sub && cd sub",
        "export A='it'\"'\"'s'",
        "f() { echo \"f: $A $? $PWD\"; }",
        "if true; then",
        "f",
        "fi",
        "echo one;\necho two >&2",
        "cat; echo stdin is empty",
        "id -u",
        "echo home $HOME path $PATH",
        "echo file >made",
        "busybox | head -1",
    ];
    let bench = engine.bench();
    let (end, text) = bench
        .run(&script, &["echo after $BITBUCKET_EXIT_CODE"])
        .await;
    assert_eq!(
        (end.outcome, end.exit_code, end.message.as_deref()),
        (AttemptOutcome::Passed, Some(0), None),
        "{text}"
    );
    let shown = lines(&text);
    for line in [
        "+ f",
        "f: it's 0 /opt/atlassian/pipelines/agent/build/sub",
        "one",
        "two",
        "stdin is empty",
        "0",
        "home /root path /bin",
        "after 0",
    ] {
        assert!(shown.contains(&line), "{line} in {shown:?}");
    }
    assert!(text.contains("BusyBox"), "{text}");
    engine.end().await;
}

#[tokio::test]
async fn the_first_failure_ends_the_script_with_its_status() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let (end, text) = engine
        .bench()
        .run(
            &["false && true", "echo here", "(exit 7)", "echo never"],
            &["echo after $BITBUCKET_EXIT_CODE", "false", "echo not this"],
        )
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Failed, Some(7)),
        "{text}"
    );
    assert!(
        text.contains("after 7") && !text.contains("never") && !text.contains("\nnot this"),
        "{text}"
    );
    engine.end().await;
}

#[tokio::test]
async fn a_stop_lets_the_script_clean_up_and_ends_all_that_it_started() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let bench = engine.bench();
    let plan = step(
        &[
            "trap 'echo heard; exit 3' TERM",
            "sleep 1000 &",
            "echo begun",
            "while true; do sleep 0.05; done",
        ],
        &["echo after; ps | grep -c '[s]leep 1000' || true"],
    );
    let mut told = None;
    let (end, text) = bench
        .watch(&plan, |log| {
            if log.contains("\nbegun") && told.is_none() {
                bench.tell(Control::Stop);
                told = Some(Instant::now());
            }
        })
        .await;
    let took = told.expect("it began").elapsed();
    assert_eq!(end.outcome, AttemptOutcome::Stopped, "{text}");
    assert!(
        text.contains("heard") && text.contains("after\n0"),
        "{text}"
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
    engine.end().await;
}

#[tokio::test]
async fn a_script_that_ignores_term_is_ended_after_the_grace() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let bench = engine.bench();
    let plan = step(
        &[
            "trap '' TERM",
            "echo begun",
            "while true; do sleep 0.05; done",
        ],
        &["echo after $BITBUCKET_EXIT_CODE"],
    );
    let (end, text) = bench
        .watch(&plan, |log| {
            if log.contains("\nbegun") {
                bench.tell(Control::Stop);
            }
        })
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Stopped, "{text}");
    assert!(text.contains("after 137"), "{text}");
    engine.end().await;
}

#[tokio::test]
async fn a_script_that_ends_what_watches_it_is_ended_all_the_same() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let bench = engine.bench();
    let plan = step(
        &[
            "kill -9 1; kill -9 -1",
            "trap '' TERM; echo begun; while true; do sleep 0.05; done",
        ],
        &["echo not here"],
    );
    let (end, text) = bench
        .watch(&plan, |log| {
            if log.contains("\nbegun") {
                bench.tell(Control::Stop);
            }
        })
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Stopped, "{text}");
    assert!(text.contains("The after-script was not run"), "{text}");
    engine.end().await;
}

#[tokio::test]
async fn secrets_are_in_no_book_of_the_engine_and_on_no_disk() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let bench = engine.bench().with("TOKEN", "sesame'\"\n$(x)");
    let mut seen = String::new();
    let plan = step(
        &[
            "printf '%s' \"$TOKEN\" | md5sum",
            "find /opt /tmp -type f ! -name script | xargs grep -l sesame && echo found || true",
            "tr '\\0' ' ' </proc/1/cmdline | grep sesame && echo found || true",
            "echo begun; while [ ! -e go ]; do sleep 0.05; done",
        ],
        &[],
    );
    let workspace = bench.workspace();
    let (end, text) = bench
        .watch(&plan, |log| {
            if log.contains("\nbegun") && seen.is_empty() {
                seen = engine.containers().concat();
                std::fs::write(workspace.join("go"), "").expect("a file");
            }
        })
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        seen.contains("pipewright") && !seen.contains("sesame"),
        "{seen}"
    );
    assert!(!text.contains("\nfound"), "{text}");
    engine.end().await;
}

fn image(name: &str) -> ImagePlan {
    ImagePlan {
        name: name.to_owned(),
        username: None,
        password: None,
        run_as_user: None,
        aws: Vec::new(),
    }
}

#[tokio::test]
async fn services_are_on_localhost_and_by_name_before_the_script_begins() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    // An image that listens, and says on which port.
    found.make_image(
        "pipewright-test/greeter",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"sleep 0.4; echo up >&2; while :; do nc -l -p $PORT -e echo hello $WHO; done\"]\nEXPOSE 8099",
    );
    let engine = Engine::new(found);
    let plan = StepPlan {
        services: vec![ServicePlan {
            name: "greeter".to_owned(),
            image: Some(image("pipewright-test/greeter:1")),
            memory_mb: 128,
            variables: vec![
                ("PORT".to_owned(), "8099".to_owned()),
                ("WHO".to_owned(), "$NAME".to_owned()),
            ],
            docker: false,
        }],
        ..step(
            &[
                "nc localhost 8099 </dev/null",
                "until nc greeter 8099 </dev/null; do sleep 0.05; done",
            ],
            &[],
        )
    };
    let (end, text) = engine
        .bench()
        .with("NAME", "world")
        .watch(&plan, |_| {})
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert_eq!(text.matches("hello world").count(), 2, "{text}");
    assert!(text.contains("Services ready after"), "{text}");
    engine.end().await;
}

#[tokio::test]
async fn a_service_that_ends_is_named_with_its_last_words() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    found.make_image(
        "pipewright-test/broken",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"echo no configuration; exit 3\"]\nEXPOSE 8098",
    );
    let engine = Engine::new(found);
    let plan = StepPlan {
        services: vec![ServicePlan {
            name: "broken".to_owned(),
            image: Some(image("pipewright-test/broken:1")),
            memory_mb: 128,
            variables: Vec::new(),
            docker: false,
        }],
        ..step(&["true"], &[])
    };
    let begun = Instant::now();
    let (end, text) = engine.bench().watch(&plan, |_| {}).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        text.contains("The service broken has ended with exit status 3.")
            && text.contains("broken: no configuration"),
        "{text}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "it is not waited for"
    );
    engine.end().await;
}

#[tokio::test]
async fn a_pipe_runs_where_it_stands_with_the_values_of_the_script() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    found.make_image(
        "pipewright-test/pipe",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"echo pipe says $WORD in $PWD for $BITBUCKET_BRANCH not $OTHER; echo made >from-pipe; exit $STATUS\"]",
    );
    let engine = Engine::new(found);
    let pipe = |status: &str| {
        ScriptItem::Pipe(PipePlan {
            pipe: "docker://pipewright-test/pipe:1".to_owned(),
            name: None,
            variables: vec![
                ("WORD".to_owned(), "$GREETING \"quoted\"".to_owned()),
                ("STATUS".to_owned(), status.to_owned()),
            ],
        })
    };
    let command = |text: &str| ScriptItem::Command(text.to_owned());
    let plan = StepPlan {
        script: vec![
            command("mkdir sub && cd sub && export GREETING=hello OTHER=secret"),
            pipe("0"),
            command("cat from-pipe"),
            pipe("4"),
            command("echo never"),
        ],
        after_script: vec![command("cd sub"), pipe("0"), command("echo after")],
        ..step(&["true"], &[])
    };
    let (end, text) = engine
        .bench()
        .with("BITBUCKET_BRANCH", "main")
        .watch(&plan, |_| {})
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Failed, Some(4)),
        "{text}"
    );
    let said =
        "pipe says hello \"quoted\" in /opt/atlassian/pipelines/agent/build/sub for main not\n";
    assert!(text.contains(said), "{text}");
    assert!(
        text.contains("\nmade\n") && !text.contains("\nnever"),
        "{text}"
    );
    assert!(
        text.contains("pipe says \"quoted\"") && text.contains("\nafter"),
        "{text}"
    );
    engine.end().await;
}

#[tokio::test]
async fn memory_is_limited_and_said() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let mut options = options(&found);
    options.share.memory = Some(512 << 20);
    let engine = Engine::of(found, options);
    let (end, text) = engine
        .bench()
        .run(&["dd if=/dev/zero of=/dev/null bs=900M count=1"], &[])
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Failed, "{text}");
    let words = end.message.unwrap_or_default() + &text;
    assert!(words.contains("more than its 512 MB of memory"), "{words}");
    engine.end().await;
}

#[tokio::test]
async fn what_cannot_be_had_is_named() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    found.make_empty_image("pipewright-test/nothing");
    for (name, expected) in [
        ("pipewright-test/nothing:1", "has no shell"),
        ("localhost:1/not/there:1", "cannot be pulled"),
    ] {
        let engine = Engine::new(found.clone());
        let plan = StepPlan {
            image: Some(image(name)),
            ..step(&["true"], &[])
        };
        let (end, text) = engine.bench().watch(&plan, |_| {}).await;
        assert_eq!(end.outcome, AttemptOutcome::Errored, "{name}: {text}");
        let words = end.message.unwrap_or_default();
        assert!(words.contains(expected) && words.contains(name), "{words}");
        engine.end().await;
    }
}

#[tokio::test]
async fn a_user_of_the_image_may_be_chosen() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let plan = StepPlan {
        image: Some(ImagePlan {
            run_as_user: Some(1234),
            ..image(IMAGE)
        }),
        ..step(
            &["id -u", "echo x >mine && echo y >$HOME/mine", "exit 0"],
            &["id -u"],
        )
    };
    let (end, text) = engine.bench().watch(&plan, |_| {}).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert_eq!(text.matches("\n1234").count(), 2, "{text}");
    engine.end().await;
}

#[tokio::test]
async fn much_output_comes_whole_and_in_its_order() {
    let Some(found) = TestEngine::find() else {
        return;
    };
    let engine = Engine::new(found);
    let (end, text) = engine
        .bench()
        .run(
            &["i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"],
            &["echo the end"],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed);
    let numbers: Vec<usize> = text
        .lines()
        .filter_map(|line| line.strip_prefix("line ")?.parse().ok())
        .collect();
    assert_eq!(numbers, (0..20_000).collect::<Vec<_>>());
    assert!(
        text.trim_end().ends_with("the end"),
        "the after-script is last"
    );
    engine.end().await;
}
