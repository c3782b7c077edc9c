//! The rules as tables and properties.

use proptest::prelude::*;

use super::*;
use crate::plan::{ClonePlan, ScriptItem, StepPlan};

fn step(name: &str) -> StepPlan {
    StepPlan {
        name: name.to_owned(),
        script: vec![ScriptItem::Command("true".to_owned())],
        after_script: Vec::new(),
        image: None,
        max_time_minutes: 120,
        clone: ClonePlan::default(),
        manual: false,
        deployment: None,
        environment: None,
        condition: None,
        on_failure: FailureStrategy::Fail,
        fail_fast: None,
        concurrency_group: None,
        runs_on: Vec::new(),
        size: 1,
        caches: Vec::new(),
        services: Vec::new(),
        artifacts: Vec::new(),
        artifact_downloads: None,
        output_variables: Vec::new(),
        oidc: false,
        child: None,
        line: 0,
    }
}

fn group(kind: GroupKind, steps: Vec<StepPlan>) -> Group {
    Group { kind, name: None, manual: false, deployment: None, condition: None, steps }
}

fn plan(groups: Vec<Group>) -> Plan {
    Plan { pipeline: "default".to_owned(), groups, variables: Vec::new() }
}

fn sequence(names: &[&str]) -> Plan {
    plan(names.iter().map(|name| group(GroupKind::Step, vec![step(name)])).collect())
}

/// Plays events against a plan and remembers every effect.
struct Play {
    plan: Plan,
    run: BuildRun,
    effects: Vec<Effect>,
}

impl Play {
    fn of(plan: Plan) -> Self {
        let mut play = Self { plan, run: BuildRun::queued(), effects: Vec::new() };
        play.take(BuildEvent::Planned);
        play
    }

    fn take(&mut self, event: BuildEvent) -> &mut Self {
        let advanced = advance(&self.run, Some(&self.plan), event).expect("the event fits");
        self.run = advanced.run;
        self.effects.extend(advanced.effects);
        self
    }

    fn ends(&mut self, step: usize, outcome: AttemptOutcome) -> &mut Self {
        let attempt = self.run.steps[step].attempts;
        self.take(BuildEvent::AttemptFinished { step, attempt, outcome })
    }

    fn words(&self) -> Vec<&'static str> {
        self.run.steps.iter().map(|step| step.state.as_str()).collect()
    }
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
            Effect::QueueAttempt { step: 0, attempt: 1 },
            Effect::QueueAttempt { step: 1, attempt: 1 },
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
    play.ends(0, AttemptOutcome::Lost).ends(0, AttemptOutcome::Lost);
    assert_eq!(play.words(), ["queued"]);
    play.ends(0, AttemptOutcome::Lost);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Errored));
}

#[test]
fn restarts_of_the_server_do_not_end_a_build() {
    let mut play = Play::of(sequence(&["test"]));
    for _ in 0..50 {
        play.ends(0, AttemptOutcome::Interrupted);
    }
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn a_late_report_of_an_older_attempt_is_refused() {
    let mut play = Play::of(sequence(&["test"]));
    play.ends(0, AttemptOutcome::Lost);
    let late = BuildEvent::AttemptFinished { step: 0, attempt: 1, outcome: AttemptOutcome::Passed };
    assert!(advance(&play.run, Some(&play.plan), late).is_err());
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
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![step("test")]), group(GroupKind::Final, vec![step("clean up")])]));
    play.take(BuildEvent::StopRequested).ends(0, AttemptOutcome::Stopped);
    assert_eq!(play.words(), ["stopped", "queued"]);
    play.ends(1, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Stopped));
}

#[test]
fn fail_fast_stops_the_siblings() {
    let mut play = Play::of(plan(vec![group(GroupKind::Parallel { fail_fast: true }, vec![step("a"), step("b")])]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(play.effects.last(), Some(&Effect::StopAttempt { step: 1 }));
    play.ends(1, AttemptOutcome::Stopped);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_manual_step_pauses_the_build_until_a_person_resumes_it() {
    let mut deploy = step("deploy");
    deploy.manual = true;
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![step("test")]), group(GroupKind::Step, vec![deploy])]));
    play.ends(0, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Paused);
    assert_eq!(play.words(), ["passed", "manual"]);
    play.take(BuildEvent::Resumed).ends(1, AttemptOutcome::Passed);
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
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![flaky]), group(GroupKind::Step, vec![lenient])]));
    play.ends(0, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["queued", "waiting"]);
    play.ends(0, AttemptOutcome::Passed).ends(1, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["passed", "failed_ignored"]);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
}

#[test]
fn a_rerun_of_what_failed_leaves_the_rest_alone() {
    let parallel = group(GroupKind::Parallel { fail_fast: false }, vec![step("a"), step("b")]);
    let last = group(GroupKind::Final, vec![step("clean up")]);
    let mut play = Play::of(plan(vec![parallel, group(GroupKind::Step, vec![step("deploy")]), last]));
    play.ends(0, AttemptOutcome::Passed).ends(1, AttemptOutcome::Failed).ends(3, AttemptOutcome::Passed);
    assert_eq!(play.words(), ["passed", "failed", "not_run", "passed"]);
    play.effects.clear();
    play.take(BuildEvent::Rerun(RerunFrom::Failed));
    assert_eq!(play.words(), ["passed", "queued", "waiting", "waiting"]);
    assert_eq!(play.effects, [Effect::BuildStarted, Effect::QueueAttempt { step: 1, attempt: 2 }]);
    play.ends(1, AttemptOutcome::Passed).ends(2, AttemptOutcome::Passed).ends(3, AttemptOutcome::Passed);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Passed));
    assert_eq!(play.run.steps[3].attempts, 2, "the final step runs at the end of every run");
}

#[test]
fn a_rerun_from_a_step_runs_everything_after_it_too() {
    let mut play = Play::of(sequence(&["lint", "test", "package"]));
    play.ends(0, AttemptOutcome::Passed).ends(1, AttemptOutcome::Passed).ends(2, AttemptOutcome::Passed);
    play.take(BuildEvent::Rerun(RerunFrom::Step(1)));
    assert_eq!(play.words(), ["passed", "queued", "waiting"]);
    play.ends(1, AttemptOutcome::Failed);
    assert_eq!(play.words(), ["passed", "failed", "not_run"]);
    assert_eq!(play.run.state, BuildState::Finished(BuildOutcome::Failed));
}

#[test]
fn a_rerun_of_one_parallel_step_takes_its_failed_siblings_along() {
    let mut play = Play::of(plan(vec![group(GroupKind::Parallel { fail_fast: false }, vec![step("a"), step("b"), step("c")])]));
    play.ends(0, AttemptOutcome::Passed).ends(1, AttemptOutcome::Failed).ends(2, AttemptOutcome::Passed);
    play.take(BuildEvent::Rerun(RerunFrom::Step(2)));
    assert_eq!(play.words(), ["passed", "queued", "queued"]);
}

#[test]
fn a_rerun_that_cannot_be_is_refused() {
    let rerun = |play: &Play, from| advance(&play.run, Some(&play.plan), BuildEvent::Rerun(from));
    let mut play = Play::of(sequence(&["lint", "test"]));
    assert!(rerun(&play, RerunFrom::Failed).is_err(), "the build still runs");
    play.ends(0, AttemptOutcome::Failed);
    assert!(rerun(&play, RerunFrom::Step(1)).is_err(), "what it waits for failed");
    assert!(rerun(&play, RerunFrom::Step(2)).is_err(), "there is no such step");
    assert!(rerun(&play, RerunFrom::Failed).is_ok());
    let mut play = Play::of(sequence(&["lint"]));
    play.ends(0, AttemptOutcome::Passed);
    assert!(rerun(&play, RerunFrom::Failed).is_err(), "nothing failed");
    let invalid = BuildRun { state: BuildState::Finished(BuildOutcome::Invalid), steps: Vec::new() };
    assert!(advance(&invalid, None, BuildEvent::Rerun(RerunFrom::Failed)).is_err(), "it was never planned");
}

#[test]
fn a_rerun_of_a_manual_step_waits_for_a_person_again() {
    let mut deploy = step("deploy");
    deploy.manual = true;
    let mut play = Play::of(plan(vec![group(GroupKind::Step, vec![step("test")]), group(GroupKind::Step, vec![deploy])]));
    play.ends(0, AttemptOutcome::Passed).take(BuildEvent::Resumed).ends(1, AttemptOutcome::Failed);
    play.take(BuildEvent::Rerun(RerunFrom::Failed));
    assert_eq!((play.run.state, play.words()), (BuildState::Paused, vec!["passed", "manual"]));
}

/// Gives every step an outcome until the build is over, starting manual ones.
fn run_to_its_end(play: &mut Play, outcomes: &mut impl Iterator<Item = AttemptOutcome>) {
    for _ in 0..1000 {
        if play.run.state.is_finished() {
            return;
        }
        match play.run.steps.iter().position(|step| matches!(step.state, StepState::Queued | StepState::Running)) {
            Some(index) => {
                let outcome = outcomes.next().expect("as many as needed");
                play.ends(index, outcome);
            }
            None => {
                play.take(BuildEvent::Resumed);
            }
        }
    }
    panic!("the build does not end");
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let strategy = prop_oneof![Just(FailureStrategy::Fail), Just(FailureStrategy::Ignore), Just(FailureStrategy::Retry { times: 2 })];
    let any_step = (any::<bool>(), strategy, proptest::option::of(any::<bool>())).prop_map(|(manual, on_failure, fail_fast)| {
        let mut step = step("s");
        step.manual = manual;
        step.on_failure = on_failure;
        step.fail_fast = fail_fast;
        step
    });
    let kind =
        prop_oneof![Just(GroupKind::Step), any::<bool>().prop_map(|fail_fast| GroupKind::Parallel { fail_fast }), Just(GroupKind::Stage)];
    let any_group = (kind, proptest::collection::vec(any_step, 1..4)).prop_map(|(kind, mut steps)| {
        if kind == GroupKind::Step {
            steps.truncate(1);
        }
        group(kind, steps)
    });
    (proptest::collection::vec(any_group, 1..5), any::<bool>()).prop_map(|(mut groups, with_final)| {
        if with_final {
            groups.push(group(GroupKind::Final, vec![step("final")]));
        }
        plan(groups)
    })
}

proptest! {
    /// Whatever happens in whatever order, the build ends once everything queued has reported, and no group begins
    /// before the one before it is over.
    #[test]
    fn every_build_ends(plan in any_plan(), choices in proptest::collection::vec((any::<u8>(), 0_u8..12), 0..200)) {
        let mut play = Play::of(plan);
        let mut choices = choices.into_iter();
        for _ in 0..500 {
            if play.run.state.is_finished() {
                break;
            }
            let under_way: Vec<usize> = play.run.steps.iter().enumerate()
                .filter(|(_, step)| matches!(step.state, StepState::Queued | StepState::Running)).map(|(index, _)| index).collect();
            let (pick, act) = choices.next().unwrap_or((0, 0));
            if act == 11 && play.run.state != BuildState::Stopping {
                play.take(BuildEvent::StopRequested);
            } else if under_way.is_empty() {
                prop_assert_eq!(play.run.state, BuildState::Paused, "a build with nothing under way waits for a person");
                play.take(BuildEvent::Resumed);
            } else {
                let outcome = AttemptOutcome::ALL[usize::from(act) % AttemptOutcome::ALL.len()];
                play.ends(under_way[usize::from(pick) % under_way.len()], outcome);
            }
            let mut first = 0;
            let mut all_over = true;
            for group in &play.plan.groups {
                let steps = &play.run.steps[first..first + group.steps.len()];
                let begun = steps.iter().any(|step| step.attempts > 0);
                prop_assert!(all_over || !begun, "no group begins before the one before it is over");
                all_over = all_over && steps.iter().all(|step| step.state.is_finished());
                first += group.steps.len();
            }
        }
        prop_assert!(play.run.state.is_finished());
        let finishes = play.effects.iter().filter(|effect| matches!(effect, Effect::BuildFinished(_))).count();
        prop_assert_eq!(finishes, 1, "the end is told once");
        prop_assert!(play.run.steps.iter().all(|step| step.state.is_finished()));
    }

    /// A rerun queues no step that had passed (but the final one), and the build ends again.
    #[test]
    fn a_rerun_ends_and_leaves_what_passed(plan in any_plan(), outcomes in proptest::collection::vec(0_usize..6, 1..40), chosen in proptest::option::of(0_usize..12)) {
        let mut play = Play::of(plan);
        let mut outcomes = outcomes.into_iter().cycle().map(|index| AttemptOutcome::ALL[index]);
        run_to_its_end(&mut play, &mut outcomes);
        let before = play.run.clone();
        let from = chosen.map_or(RerunFrom::Failed, RerunFrom::Step);
        let Ok(advanced) = advance(&play.run, Some(&play.plan), BuildEvent::Rerun(from)) else { return Ok(()) };
        play.run = advanced.run;
        run_to_its_end(&mut play, &mut std::iter::repeat(AttemptOutcome::Passed));
        let mut first = 0;
        for group in &play.plan.groups {
            let range = first..first + group.steps.len();
            let beside = matches!(group.kind, GroupKind::Parallel { .. }) && chosen.is_some_and(|chosen| range.contains(&chosen));
            for index in range {
                let (old, new) = (before.steps[index], play.run.steps[index]);
                let kept = matches!(old.state, StepState::Finished(StepOutcome::Passed | StepOutcome::FailedIgnored))
                    && group.kind != GroupKind::Final
                    && chosen.is_none_or(|chosen| index < chosen || (beside && index != chosen));
                if kept {
                    prop_assert_eq!(old, new);
                } else {
                    prop_assert!(new.attempts > old.attempts, "step {} runs again", index);
                }
            }
            first += group.steps.len();
        }
    }

    /// After a stop nothing is queued but the final step.
    #[test]
    fn a_stopped_build_starts_nothing_more(plan in any_plan(), outcome in 0_usize..6) {
        let mut play = Play::of(plan);
        if play.run.state.is_finished() { return Ok(()); }
        play.take(BuildEvent::StopRequested);
        let before = play.effects.len();
        for _ in 0..100 {
            let Some(index) = play.run.steps.iter().position(|step| matches!(step.state, StepState::Queued | StepState::Running)) else { break };
            play.ends(index, AttemptOutcome::ALL[outcome]);
        }
        let has_final = play.plan.groups.last().is_some_and(|group| group.kind == GroupKind::Final);
        let last = play.run.steps.len() - 1;
        for effect in &play.effects[before..] {
            if let Effect::QueueAttempt { step, .. } = effect {
                prop_assert!(has_final && *step == last, "only the final step may start, not {}", step);
            }
        }
        prop_assert!(play.run.state.is_finished());
    }
}
