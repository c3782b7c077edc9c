//! Steps in containers of a real engine. `PIPEWRIGHT_TEST_ENGINE` is the path of its socket; without it these tests say that they
//! skip.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::{ImagePlan, PipePlan, ScriptItem, ServicePlan, StepPlan};
use pipewright_runner::executor::{
    Control, EitherExecutor, EngineExecutor, EngineOptions, Executor as _, HostExecutor, Pull,
};

use crate::step::{Bench, lines};
use crate::support::step;

/// An image with busybox, made once.
const IMAGE: &str = "pipewright-test/busybox:1";

/// The engine, with the images of these tests; `None` where there is none to test with.
fn socket() -> Option<PathBuf> {
    static READY: OnceLock<Option<PathBuf>> = OnceLock::new();
    READY
        .get_or_init(|| {
            let socket: PathBuf = std::env::var_os("PIPEWRIGHT_TEST_ENGINE")?.into();
            import_busybox(&socket);
            Some(socket)
        })
        .clone()
}

/// A root file system of one static program and its names.
fn import_busybox(socket: &std::path::Path) {
    let root = tempfile::tempdir().expect("a directory");
    let bin = root.path().join("bin");
    for name in ["bin", "tmp", "root", "etc"] {
        std::fs::create_dir(root.path().join(name)).expect("a directory");
    }
    std::fs::copy("/usr/bin/busybox", bin.join("busybox")).expect("a static busybox is installed");
    let listed = Command::new("/usr/bin/busybox")
        .arg("--list")
        .output()
        .expect("busybox runs");
    for name in String::from_utf8_lossy(&listed.stdout).lines() {
        if name != "busybox" {
            std::os::unix::fs::symlink("busybox", bin.join(name)).expect("a link");
        }
    }
    std::fs::write(
        root.path().join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\n",
    )
    .expect("a file");
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(root.path())
        .args(["-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar runs");
    let archive = tar.stdout.take().expect("its output");
    let changes =
        "ENV%20PATH%3D%2Fbin&changes=ENTRYPOINT%20%5B%22%2Fbin%2Ffalse%22%5D&changes=USER%20nobody";
    let done = Command::new("curl")
        .args(["-sf", "-X", "POST", "-H", "Content-Type: application/x-tar", "-T", "-"])
        .arg("--unix-socket")
        .arg(socket)
        .arg(format!("http://engine/v1.40/images/create?fromSrc=-&repo=pipewright-test/busybox&tag=1&changes={changes}"))
        .stdin(archive)
        .output()
        .expect("curl runs");
    assert!(done.status.success(), "the image is made: {done:?}");
    tar.wait().expect("tar ended");
}

macro_rules! engine_or_skip {
    () => {
        match socket() {
            Some(socket) => socket,
            None => {
                eprintln!("skipped: PIPEWRIGHT_TEST_ENGINE names no engine");
                return;
            }
        }
    };
}

fn options(socket: PathBuf) -> EngineOptions {
    let owner = format!("test-{}", uuid::Uuid::now_v7());
    EngineOptions {
        default_image: IMAGE.to_owned(),
        open_files: Some(1024),
        pull: Pull::IfNotPresent,
        ..EngineOptions::new(socket, owner)
    }
}

/// An executor of a test, and its containers.
struct Engine {
    executor: EitherExecutor,
    options: EngineOptions,
}

impl Engine {
    fn new(socket: PathBuf) -> Self {
        Self::of(options(socket))
    }

    fn of(options: EngineOptions) -> Self {
        let engine = EngineExecutor::new(options.clone());
        Self {
            executor: EitherExecutor::new(HostExecutor::default(), Some(engine)),
            options,
        }
    }

    fn bench(&self) -> Bench {
        Bench::of(self.executor.clone()).without_path()
    }

    /// The names of what is left at the engine.
    fn left(&self) -> String {
        let filter = format!(
            "http://engine/v1.40/containers/json?all=true&filters=%7B%22label%22%3A%5B%22app.pipewright.runner%3D{}%22%5D%7D",
            self.options.owner
        );
        let listed = Command::new("curl")
            .args(["-sfg", "--unix-socket"])
            .arg(&self.options.socket)
            .arg(filter)
            .output()
            .expect("curl runs");
        String::from_utf8(listed.stdout)
            .expect("text")
            .trim()
            .to_owned()
    }

    /// Gives up what is kept ready; nothing may be left then.
    async fn end(self) {
        self.executor.leave().await;
        assert_eq!(self.left(), "[]", "containers are left");
    }
}

#[tokio::test]
async fn a_script_runs_in_its_image_as_on_bitbucket() {
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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
                seen = inspect_all(&engine);
                std::fs::write(workspace.join("go"), "").expect("a file");
            }
        })
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert!(
        seen.contains("pipewright") && !seen.contains("sesame"),
        "{seen}"
    );
    assert!(!text.contains("found"), "{text}");
    engine.end().await;
}

/// What the engine says of every container of a test.
fn inspect_all(engine: &Engine) -> String {
    let listed: serde_json::Value = serde_json::from_str(&engine.left()).expect("a list");
    let ids = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|container| container["Id"].as_str().expect("an id").to_owned());
    ids.map(|id| {
        let said = Command::new("curl")
            .args(["-sf", "--unix-socket"])
            .arg(&engine.options.socket)
            .arg(format!("http://engine/v1.40/containers/{id}/json"))
            .output()
            .expect("curl runs");
        String::from_utf8(said.stdout).expect("text")
    })
    .collect()
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
    let socket = engine_or_skip!();
    // An image that listens, and says on which port.
    make_image(
        &socket,
        "pipewright-test/greeter",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"sleep 0.4; echo up >&2; while :; do nc -l -p $PORT -e echo hello $WHO; done\"]\nEXPOSE 8099",
    );
    let engine = Engine::new(socket);
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
    let socket = engine_or_skip!();
    make_image(
        &socket,
        "pipewright-test/broken",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"echo no configuration; exit 3\"]\nEXPOSE 8098",
    );
    let engine = Engine::new(socket);
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
    let socket = engine_or_skip!();
    make_image(
        &socket,
        "pipewright-test/pipe",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"echo pipe says $WORD in $PWD for $BITBUCKET_BRANCH not $OTHER; echo made >from-pipe; exit $STATUS\"]",
    );
    let engine = Engine::new(socket);
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
    let mut options = options(engine_or_skip!());
    options.share.memory = Some(512 << 20);
    let engine = Engine::of(options);
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
    let socket = engine_or_skip!();
    make_empty_image(&socket);
    for (name, expected) in [
        ("pipewright-test/nothing:1", "has no shell"),
        ("localhost:1/not/there:1", "cannot be pulled"),
    ] {
        let engine = Engine::new(socket.clone());
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
    let engine = Engine::new(engine_or_skip!());
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
    let engine = Engine::new(engine_or_skip!());
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

/// Makes an image of busybox with other settings.
fn make_image(socket: &std::path::Path, name: &str, changes: &str) {
    let made = Command::new("curl")
        .args(["-sf", "--unix-socket"])
        .arg(socket)
        .args(["-X", "POST", "-H", "Content-Type: application/json", "-d"])
        .arg(
            serde_json::json!({ "Image": IMAGE, "Entrypoint": ["/bin/true"], "User": "root" })
                .to_string(),
        )
        .arg("http://engine/v1.40/containers/create")
        .output()
        .expect("curl runs");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).expect("a container");
    let id = made["Id"].as_str().expect("an id");
    let committed = Command::new("curl")
        .args(["-sf", "--unix-socket"])
        .arg(socket)
        .args(["-X", "POST", "-G", "--data-urlencode"])
        .arg(format!("changes={changes}"))
        .arg(format!(
            "http://engine/v1.40/commit?container={id}&repo={name}&tag=1"
        ))
        .output()
        .expect("curl runs");
    assert!(committed.status.success(), "{committed:?}");
    let removed = Command::new("curl")
        .args(["-sf", "--unix-socket"])
        .arg(socket)
        .args(["-X", "DELETE"])
        .arg(format!("http://engine/v1.40/containers/{id}"))
        .status()
        .expect("curl runs");
    assert!(removed.success());
}

/// An image with one empty file.
fn make_empty_image(socket: &std::path::Path) {
    let mut tar = Command::new("tar")
        .args(["-c", "-C", "/usr/bin", "true"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar runs");
    let done = Command::new("curl")
        .args([
            "-sf",
            "-X",
            "POST",
            "-H",
            "Content-Type: application/x-tar",
            "-T",
            "-",
        ])
        .arg("--unix-socket")
        .arg(socket)
        .arg("http://engine/v1.40/images/create?fromSrc=-&repo=pipewright-test/nothing&tag=1")
        .stdin(tar.stdout.take().expect("its output"))
        .status()
        .expect("curl runs");
    assert!(done.success());
    tar.wait().expect("tar ended");
}
