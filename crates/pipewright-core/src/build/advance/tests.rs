//! The rules as tables; what always holds is in `properties`.

mod properties;

use super::*;
use crate::plan::testing::{a_group as group, a_plan as plan, a_step as step};
use crate::plan::{Group, GroupKind, StepPlan};

fn sequence(names: &[&str]) -> Plan {
    plan(
        names
            .iter()
            .map(|name| group(GroupKind::Step, vec![step(name)]))
            .collect(),
    )
}

/// A condition with this answer: `run`, `skip` or `unclear`.
fn condition(answer: &str) -> Option<ConditionPlan> {
    Some(ConditionPlan {
        changesets: None,
        state: Some(answer.to_owned()),
    })
}

fn judge(condition: &ConditionPlan, _: usize, _: &[StepRun]) -> Verdict {
    match condition.state.as_deref() {
        Some("skip") => Verdict::Skip("it is so".to_owned()),
        Some("unclear") => Verdict::Unclear("who knows".to_owned()),
        _ => Verdict::Run,
    }
}

/// Plays events against a plan and remembers every effect.
struct Play {
    plan: Plan,
    run: BuildRun,
    effects: Vec<Effect>,
}

impl Play {
    fn of(plan: Plan) -> Self {
        let mut play = Self {
            plan,
            run: BuildRun::queued(),
            effects: Vec::new(),
        };
        play.take(BuildEvent::Planned);
        play
    }

    fn take(&mut self, event: BuildEvent) -> &mut Self {
        let before = self.run.clone();
        // A condition is asked when its step begins, once.
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let judge = |condition: &ConditionPlan, step: usize, now: &[StepRun]| {
            assert!(
                before
                    .steps
                    .get(step)
                    .is_none_or(|step| step.state == StepState::Waiting || event_reruns(event))
            );
            assert_eq!(now[step].state, StepState::Waiting);
            assert!(
                asked
                    .borrow_mut()
                    .insert((std::ptr::from_ref(condition), step)),
                "step {step} is asked for twice"
            );
            judge(condition, step, now)
        };
        let advanced = advance(&self.run, Some(&self.plan), event, &judge).expect("the event fits");
        self.run = advanced.run;
        self.effects.extend(advanced.effects);
        self
    }

    fn ends(&mut self, step: usize, outcome: AttemptOutcome) -> &mut Self {
        let attempt = self.run.steps[step].attempts;
        self.take(BuildEvent::AttemptFinished {
            step,
            attempt,
            outcome,
        })
    }

    fn crashes(&mut self, step: usize) -> &mut Self {
        let attempt = self.run.steps[step].attempts;
        self.take(BuildEvent::ServerDied { step, attempt })
    }

    fn words(&self) -> Vec<&'static str> {
        self.run
            .steps
            .iter()
            .map(|step| step.state.as_str())
            .collect()
    }
}

const fn event_reruns(event: BuildEvent) -> bool {
    matches!(event, BuildEvent::Rerun(_))
}

#[test]
fn steps_run_one_after_another() {
    let mut play = Play::of(sequence(&["lint", "test"]));
    assert_eq!(play.words(), ["queued", "waiting"]);
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(play.words(), ["passed", "queued"]);
    play.ends(1, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
    assert_eq!(
        play.effects,
        [
            Effect::BuildStarted,
            Effect::QueueAttempt {
                step: 0,
                attempt: 1
            },
            Effect::QueueAttempt {
                step: 1,
                attempt: 1
            },
            Effect::BuildFinished(BuildOutcome::Passed)
        ]
    );
}

#[test]
fn a_failure_ends_the_build_and_what_follows_is_not_run() {
    let mut play = Play::of(sequence(&["lint", "test"]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["failed", "not_run"]);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_lost_attempt_is_made_again_until_it_was_lost_too_often() {
    let mut play = Play::of(sequence(&["test"]));
    play.ends(0, AttemptOutcome::Lost)
        .ends(0, AttemptOutcome::Lost);
    assert_eq!(play.words(), ["queued"]);
    play.ends(0, AttemptOutcome::Lost);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Errored));
}

#[test]
fn restarts_of_the_server_do_not_end_a_build() {
    let mut play = Play::of(sequence(&["test"]));
    for _ in 0..1000 {
        play.ends(0, AttemptOutcome::Interrupted);
    }
    for _ in 1..CRASHES_ALLOWED {
        play.crashes(0);
    }
    // What the server did is not counted against the runner, nor the other way about.
    play.ends(0, AttemptOutcome::Lost)
        .ends(0, AttemptOutcome::Interrupted);
    assert_eq!(play.words(), ["queued"]);
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn a_step_that_ends_the_server_each_time_is_errored_in_the_end() {
    let mut play = Play::of(sequence(&["test"]));
    for _ in 0..CRASHES_ALLOWED {
        assert_eq!(play.words(), ["queued"]);
        play.crashes(0);
    }
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Errored));
}

#[test]
fn retries_are_not_used_up_by_restarts() {
    let mut play = Play::of(plan(vec![group(
        GroupKind::Step,
        vec![StepPlan {
            on_failure: FailureStrategy::Retry { times: 1 },
            ..step("test")
        }],
    )]));
    play.ends(0, AttemptOutcome::Interrupted)
        .ends(0, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["queued"], "its one retry is left");
    play.crashes(0).ends(0, AttemptOutcome::Failed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_late_report_of_an_older_attempt_is_refused() {
    let mut play = Play::of(sequence(&["test"]));
    play.ends(0, AttemptOutcome::Lost);
    let late = BuildEvent::AttemptFinished {
        step: 0,
        attempt: 1,
        outcome: AttemptOutcome::Passed,
    };
    assert!(advance(&play.run, Some(&play.plan), late, &judge).is_err());
}

#[test]
fn stopping_waits_for_the_running_step_and_is_not_a_failure() {
    let mut play = Play::of(sequence(&["test", "package"]));
    play.take(BuildEvent::StopRequested);
    assert_eq!(play.run.state, BuildState::Stopping);
    assert_eq!(play.effects.last(), Some(&Effect::StopAttempt { step: 0 }));
    play.ends(0, AttemptOutcome::Stopped);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Stopped));
}

#[test]
fn a_stopped_build_runs_its_final_step() {
    let mut play = Play::of(plan(vec![
        group(GroupKind::Step, vec![step("test")]),
        group(GroupKind::Final, vec![step("clean up")]),
    ]));
    play.take(BuildEvent::StopRequested)
        .ends(0, AttemptOutcome::Stopped);
    assert_eq!(play.words(), ["stopped", "queued"]);
    play.ends(1, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Stopped));
}

#[test]
fn fail_fast_stops_the_siblings() {
    let mut play = Play::of(plan(vec![group(
        GroupKind::Parallel { fail_fast: true },
        vec![step("a"), step("b")],
    )]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(play.effects.last(), Some(&Effect::StopAttempt { step: 1 }));
    play.ends(1, AttemptOutcome::Stopped);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_manual_step_pauses_the_build_until_a_person_resumes_it() {
    let mut deploy = step("deploy");
    deploy.manual = true;
    let mut play = Play::of(plan(vec![
        group(GroupKind::Step, vec![step("test")]),
        group(GroupKind::Step, vec![deploy]),
    ]));
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Paused);
    assert_eq!(play.words(), ["passed", "manual"]);
    play.take(BuildEvent::Resumed { step: 1 })
        .ends(1, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn manual_steps_beside_one_another_are_started_one_by_one() {
    let manual = |name| StepPlan {
        manual: true,
        ..step(name)
    };
    let beside = vec![step("test"), manual("one"), manual("two")];
    let mut play = Play::of(plan(vec![group(
        GroupKind::Parallel { fail_fast: false },
        beside,
    )]));
    assert_eq!(
        (play.run.state, play.words()),
        (BuildState::Running, vec!["queued", "manual", "manual"])
    );
    play.take(BuildEvent::Resumed { step: 1 });
    assert_eq!(
        play.words(),
        ["queued", "queued", "manual"],
        "a step may be started while others run"
    );
    let resumed = |play: &Play, step| {
        advance(
            &play.run,
            Some(&play.plan),
            BuildEvent::Resumed { step },
            &judge,
        )
    };
    assert!(resumed(&play, 1).is_err(), "it was started already");
    assert!(
        resumed(&play, 0).is_err() && resumed(&play, 3).is_err(),
        "it waits for no person"
    );
    play.ends(0, AttemptOutcome::Passed)
        .ends(1, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Paused);
    play.take(BuildEvent::Resumed { step: 2 })
        .ends(2, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn stopping_a_paused_build_ends_it() {
    let mut deploy = step("deploy");
    deploy.manual = true;
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![deploy])]));
    play.take(BuildEvent::StopRequested);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Stopped));
}

#[test]
fn retries_are_counted_and_ignored_failures_pass() {
    let mut flaky = step("flaky");
    flaky.on_failure = FailureStrategy::Retry { times: 1 };
    let mut lenient = step("lenient");
    lenient.on_failure = FailureStrategy::Ignore;
    let mut play = Play::of(plan(vec![
        group(GroupKind::Step, vec![flaky]),
        group(GroupKind::Step, vec![lenient]),
    ]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["queued", "waiting"]);
    play.ends(0, AttemptOutcome::Passed)
        .ends(1, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["passed", "failed_ignored"]);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn a_rerun_of_what_failed_leaves_the_rest_alone() {
    let parallel = group(
        GroupKind::Parallel { fail_fast: false },
        vec![step("a"), step("b")],
    );
    let last = group(GroupKind::Final, vec![step("clean up")]);
    let mut play = Play::of(plan(vec![
        parallel,
        group(GroupKind::Step, vec![step("deploy")]),
        last,
    ]));
    play.ends(0, AttemptOutcome::Passed)
        .ends(1, AttemptOutcome::Failed)
        .ends(3, AttemptOutcome::Passed);
    assert_eq!(play.words(), ["passed", "failed", "not_run", "passed"]);
    play.effects.clear();
    play.take(BuildEvent::Rerun(RerunFrom::Failed));
    assert_eq!(play.words(), ["passed", "queued", "waiting", "waiting"]);
    assert_eq!(
        play.effects,
        [
            Effect::BuildStarted,
            Effect::QueueAttempt {
                step: 1,
                attempt: 2
            }
        ]
    );
    play.ends(1, AttemptOutcome::Passed)
        .ends(2, AttemptOutcome::Passed)
        .ends(3, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
    assert_eq!(
        play.run.steps[3].attempts, 2,
        "the final step runs at the end of every run"
    );
}

#[test]
fn a_rerun_from_a_step_runs_everything_after_it_too() {
    let mut play = Play::of(sequence(&["lint", "test", "package"]));
    play.ends(0, AttemptOutcome::Passed)
        .ends(1, AttemptOutcome::Passed)
        .ends(2, AttemptOutcome::Passed);
    play.take(BuildEvent::Rerun(RerunFrom::Step(1)));
    assert_eq!(play.words(), ["passed", "queued", "waiting"]);
    play.ends(1, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["passed", "failed", "not_run"]);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_rerun_of_one_parallel_step_takes_its_failed_siblings_along() {
    let mut play = Play::of(plan(vec![group(
        GroupKind::Parallel { fail_fast: false },
        vec![step("a"), step("b"), step("c")],
    )]));
    play.ends(0, AttemptOutcome::Passed)
        .ends(1, AttemptOutcome::Failed)
        .ends(2, AttemptOutcome::Passed);
    play.take(BuildEvent::Rerun(RerunFrom::Step(2)));
    assert_eq!(play.words(), ["passed", "queued", "queued"]);
}

#[test]
fn a_rerun_that_cannot_be_is_refused() {
    let rerun =
        |play: &Play, from| advance(&play.run, Some(&play.plan), BuildEvent::Rerun(from), &judge);
    let mut play = Play::of(sequence(&["lint", "test"]));
    assert!(
        rerun(&play, RerunFrom::Failed).is_err(),
        "the build still runs"
    );
    play.ends(0, AttemptOutcome::Failed);
    assert!(
        rerun(&play, RerunFrom::Step(1)).is_err(),
        "what it waits for failed"
    );
    assert!(
        rerun(&play, RerunFrom::Step(2)).is_err(),
        "there is no such step"
    );
    assert!(rerun(&play, RerunFrom::Failed).is_ok());
    let mut play = Play::of(sequence(&["lint"]));
    play.ends(0, AttemptOutcome::Passed);
    assert!(rerun(&play, RerunFrom::Failed).is_err(), "nothing failed");
    let invalid = BuildRun {
        state: BuildState::Finished(BuildOutcome::Invalid),
        steps: Vec::new(),
    };
    assert!(
        advance(&invalid, None, BuildEvent::Rerun(RerunFrom::Failed), &judge).is_err(),
        "it was never planned"
    );
}

#[test]
fn a_rerun_of_a_manual_step_waits_for_a_person_again() {
    let mut deploy = step("deploy");
    deploy.manual = true;
    let mut play = Play::of(plan(vec![
        group(GroupKind::Step, vec![step("test")]),
        group(GroupKind::Step, vec![deploy]),
    ]));
    play.ends(0, AttemptOutcome::Passed)
        .take(BuildEvent::Resumed { step: 1 })
        .ends(1, AttemptOutcome::Failed);
    play.take(BuildEvent::Rerun(RerunFrom::Failed));
    assert_eq!(
        (play.run.state, play.words()),
        (BuildState::Paused, vec!["passed", "manual"])
    );
}

fn unsupported(name: &str) -> StepPlan {
    StepPlan {
        unsupported: vec!["`pipe` (line 7)".to_owned()],
        ..step(name)
    }
}

#[test]
fn what_nobody_here_can_run_is_refused_when_its_turn_comes() {
    let gated = StepPlan {
        manual: true,
        ..unsupported("deploy")
    };
    let steps = vec![step("test"), gated, step("notify")];
    let groups = steps
        .into_iter()
        .map(|step| group(GroupKind::Step, vec![step]));
    let mut play = Play::of(plan(groups.collect()));
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(
        (play.run.state, play.words()),
        (BuildState::Paused, vec!["passed", "manual", "waiting"])
    );
    play.take(BuildEvent::Resumed { step: 1 });
    assert_eq!(
        (play.run.state, play.words()),
        (
            BuildState::Finished(BuildOutcome::Errored),
            vec!["passed", "errored", "not_run"]
        )
    );
    assert_eq!(
        explained(&play),
        [
            (1, "Not supported here yet: `pipe` (line 7)."),
            (2, "Not run: deploy could not be run.")
        ]
    );
    let queued = |effect: &Effect| matches!(effect, Effect::QueueAttempt { step: 1, .. });
    assert!(!play.effects.iter().any(queued), "it is given no attempt");
}

#[test]
fn what_nobody_here_can_run_fails_its_group_fast_and_not_where_it_is_left_out() {
    let mut left_out = unsupported("docs");
    left_out.condition = condition("skip");
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![left_out])]));
    assert_eq!(play.words(), ["skipped"]);
    play = Play::of(plan(vec![group(
        GroupKind::Parallel { fail_fast: true },
        vec![step("test"), unsupported("scan")],
    )]));
    assert_eq!(
        (play.run.state, play.words()),
        (
            BuildState::Finished(BuildOutcome::Errored),
            vec!["stopped", "errored"]
        )
    );
    play = Play::of(plan(vec![group(GroupKind::Final, vec![unsupported("f")])]));
    assert_eq!(play.words(), ["errored"]);
}

fn conditional(name: &str, answer: &str) -> StepPlan {
    StepPlan {
        condition: condition(answer),
        ..step(name)
    }
}

fn explained(play: &Play) -> Vec<(usize, &str)> {
    let explained = play.effects.iter().filter_map(|effect| match effect {
        Effect::Explain { step, why } => Some((*step, why.as_str())),
        _ => None,
    });
    explained.collect()
}

#[test]
fn a_skipped_step_ends_well_and_gets_no_attempt() {
    let mut manual = conditional("deploy", "skip");
    manual.manual = true;
    let steps = [
        step("test"),
        conditional("docs", "skip"),
        manual,
        conditional("notify", "run"),
    ];
    let mut play = Play::of(plan(
        steps
            .map(|step| group(GroupKind::Step, vec![step]))
            .to_vec(),
    ));
    assert_eq!(
        play.words(),
        ["queued", "waiting", "waiting", "waiting"],
        "nothing is skipped before it would begin"
    );
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(
        play.words(),
        ["passed", "skipped", "skipped", "queued"],
        "no person is asked about what is skipped"
    );
    assert_eq!(
        explained(&play),
        [(1, "Skipped: it is so."), (2, "Skipped: it is so.")]
    );
    play.ends(3, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
    assert_eq!(play.run.steps[1].attempts, 0);
}

#[test]
fn a_build_of_which_everything_is_skipped_passes_at_once() {
    let play = Play::of(plan(vec![group(
        GroupKind::Step,
        vec![conditional("docs", "skip")],
    )]));
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn a_skipped_stage_skips_all_its_steps() {
    let mut stage = group(GroupKind::Stage, vec![step("a"), step("b")]);
    stage.condition = condition("skip");
    stage.manual = true;
    let play = Play::of(plan(vec![
        stage,
        group(GroupKind::Step, vec![step("after")]),
    ]));
    assert_eq!(play.words(), ["skipped", "skipped", "queued"]);
    assert_eq!(
        explained(&play)[1],
        (1, "Skipped with its stage: it is so.")
    );
}

#[test]
fn a_condition_without_an_answer_errs_its_step() {
    let mut stage = group(GroupKind::Stage, vec![step("a"), step("b")]);
    stage.condition = condition("unclear");
    let last = group(GroupKind::Final, vec![conditional("clean up", "run")]);
    let mut play = Play::of(plan(vec![stage, last]));
    assert_eq!(play.words(), ["errored", "not_run", "queued"]);
    assert_eq!(
        explained(&play),
        [
            (0, "It is not known whether this runs: who knows."),
            (1, "Not run: a could not be run.")
        ]
    );
    play.ends(2, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Errored));
}

#[test]
fn a_condition_without_an_answer_trips_fail_fast_before_the_others_begin() {
    let beside = vec![
        step("a"),
        conditional("b", "unclear"),
        conditional("c", "skip"),
    ];
    let play = Play::of(plan(vec![group(
        GroupKind::Parallel { fail_fast: true },
        beside,
    )]));
    assert_eq!(play.words(), ["stopped", "errored", "skipped"]);
    assert_eq!(
        play.effects
            .iter()
            .filter(|effect| matches!(effect, Effect::QueueAttempt { .. }))
            .count(),
        0
    );
}

#[test]
fn what_never_begins_says_why() {
    let mut play = Play::of(sequence(&["lint", "test", "package"]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(
        explained(&play),
        [(1, "Not run: lint failed."), (2, "Not run: lint failed.")]
    );
    let mut play = Play::of(sequence(&["lint", "test"]));
    play.take(BuildEvent::StopRequested)
        .ends(0, AttemptOutcome::Stopped);
    assert_eq!(explained(&play), [(1, "Not run: lint was stopped.")]);
}
