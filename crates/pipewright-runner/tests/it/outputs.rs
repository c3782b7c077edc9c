//! Variables that a script hands to later steps.

use pipewright_core::build::AttemptOutcome;
use pipewright_runner::executor::StepEnd;

use crate::step::Bench;
use crate::support::dispatcher::{Memory, assignment};
use crate::support::step;

/// Runs a script that declares these variables.
async fn run(declared: &[&str], script: &[&str]) -> (StepEnd, String) {
    let mut plan = step(script, &[]);
    plan.output_variables = declared.iter().map(|name| (*name).to_owned()).collect();
    Bench::new().watch(&plan, |_| {}).await
}

#[tokio::test]
async fn what_a_script_writes_is_handed_on() {
    let script = [
        "echo VERSION=1.2.3 >> \"$BITBUCKET_PIPELINES_VARIABLES_PATH\"",
        "printf 'EMPTY=\\nNOTE=\"two words\"\\nVERSION=1.2.4\\n' >> \"$BITBUCKET_PIPELINES_VARIABLES_PATH\"",
    ];
    let (end, text) = run(&["VERSION", "NOTE", "EMPTY", "UNUSED"], &script).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    let expected = [("NOTE", "two words"), ("VERSION", "1.2.4")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(end.output_variables, expected);
}

#[tokio::test]
async fn the_file_is_there_only_where_the_step_declares_variables_and_its_name_always() {
    let there = "test -n \"$BITBUCKET_PIPELINES_VARIABLES_PATH\"; [ -e \"$BITBUCKET_PIPELINES_VARIABLES_PATH\" ] && echo there || echo not there";
    let (_, text) = run(&["A"], &[there]).await;
    assert!(text.contains("\nthere\n"), "{text}");
    let (end, text) = run(&[], &[there]).await;
    assert!(text.contains("\nnot there\n"), "{text}");
    assert_eq!(end.outcome, AttemptOutcome::Passed);
}

#[tokio::test]
async fn what_cannot_be_handed_on_fails_the_step_with_a_sentence() {
    let file = "$BITBUCKET_PIPELINES_VARIABLES_PATH";
    let cases = [
        (
            format!("echo B=1 >> {file}"),
            "B is not defined in the output variables of this step (A)",
        ),
        (
            format!("echo A >> {file}"),
            "line 1: A has no value; write A=value",
        ),
        (format!("echo 'just words' >> {file}"), "mistake on line 1"),
        (format!("echo 'A=\"x' >> {file}"), "not closed"),
        (format!("printf 'A=\\377\\n' >> {file}"), "not UTF-8"),
        (
            format!("head -c 70000 /dev/zero | tr '\\0' x > {file}"),
            "larger than 64 KiB",
        ),
        (
            format!("(printf A=; head -c 40000 /dev/zero | tr '\\0' x) > {file}"),
            "A has 40000 bytes",
        ),
        (
            format!("rm {file}; ln -s /etc/passwd {file}"),
            "cannot be read",
        ),
        (format!("rm {file}; mkfifo {file}"), "not a regular file"),
        (format!("rm {file}; mkdir {file}"), "not a regular file"),
    ];
    for (script, sentence) in cases {
        let (end, text) = run(&["A"], &[&script]).await;
        assert_eq!(
            (end.outcome, end.exit_code),
            (AttemptOutcome::Failed, Some(0)),
            "{script}: {text}"
        );
        let message = end.message.expect("a sentence");
        assert!(
            message.contains(sentence) && text.contains(&message),
            "{script}: {message}"
        );
        assert!(end.output_variables.is_empty(), "{script}");
    }
}

#[tokio::test]
async fn a_failed_script_keeps_its_own_code_and_a_removed_file_hands_on_nothing() {
    let (end, text) = run(
        &["A"],
        &["echo A=1 >> $BITBUCKET_PIPELINES_VARIABLES_PATH", "exit 3"],
    )
    .await;
    assert_eq!(
        (end.outcome, end.exit_code, end.output_variables.len()),
        (AttemptOutcome::Failed, Some(3), 1),
        "{text}"
    );
    let (end, text) = run(
        &["A"],
        &["echo B=1 >> $BITBUCKET_PIPELINES_VARIABLES_PATH", "exit 3"],
    )
    .await;
    assert_eq!((end.exit_code, end.message), (Some(3), None));
    assert!(text.contains("B is not defined"), "{text}");
    let (end, _) = run(&["A"], &["rm $BITBUCKET_PIPELINES_VARIABLES_PATH"]).await;
    assert_eq!(
        (end.outcome, end.output_variables.len()),
        (AttemptOutcome::Passed, 0)
    );
}

#[tokio::test]
async fn a_later_step_is_given_them_and_its_log_shows_them() {
    let bench = crate::runner::Bench::start(1);
    let mut given = assignment(
        step(&["echo \"got $VERSION\""], &[]),
        None,
        &[("VERSION", "default")],
        &["s3cret-value"],
    );
    given.output_variables = vec![
        ("VERSION".to_owned(), "1.2.3".to_owned()),
        ("LEAK".to_owned(), "s3cret-value".to_owned()),
    ];
    let (report, text) = report_of(&bench.dispatcher, given).await;
    assert_eq!(report, AttemptOutcome::Passed);
    assert!(
        text.contains("Variables from earlier steps:\n  VERSION=1.2.3\n  LEAK=$LEAK\n"),
        "{text}"
    );
    assert!(text.contains("\ngot 1.2.3\n"), "{text}");
    bench.end().await;
}

async fn report_of(
    dispatcher: &Memory,
    given: pipewright_core::wire::Assignment,
) -> (AttemptOutcome, String) {
    let attempt = dispatcher.give(given);
    let (report, text) = dispatcher.report(attempt).await;
    (report.outcome, text)
}
