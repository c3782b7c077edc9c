//! What holds for every plan and every order of events.

use proptest::prelude::*;

use super::*;

/// Gives every step an outcome until the build is over, starting manual ones.
fn run_to_its_end(play: &mut Play, outcomes: &mut impl Iterator<Item = AttemptOutcome>) {
    for _ in 0..1000 {
        if play.run.state.is_finished() {
            return;
        }
        let under_way = play
            .run
            .steps
            .iter()
            .position(|step| matches!(step.state, StepState::Queued | StepState::Running));
        if let Some(index) = under_way {
            let outcome = outcomes.next().expect("as many as needed");
            play.ends(index, outcome);
        } else {
            let step = play
                .run
                .steps
                .iter()
                .position(|step| step.state == StepState::Manual)
                .expect("a step waits for a person");
            play.take(BuildEvent::Resumed { step });
        }
    }
    panic!("the build does not end");
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let strategy = prop_oneof![
        Just(FailureStrategy::Fail),
        Just(FailureStrategy::Ignore),
        Just(FailureStrategy::Retry { times: 2 })
    ];
    let answer = || prop_oneof![5 => Just(None), 1 => Just(Some("run")), 2 => Just(Some("skip")), 1 => Just(Some("unclear"))];
    let any_step = (
        any::<bool>(),
        strategy,
        proptest::option::of(any::<bool>()),
        answer(),
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(manual, on_failure, fail_fast, answer, is_unsupported)| {
            let mut step = step("s");
            step.unsupported = is_unsupported
                .then(|| "`pipe`".to_owned())
                .into_iter()
                .collect();
            step.condition = answer.and_then(condition);
            step.manual = manual;
            step.on_failure = on_failure;
            step.fail_fast = fail_fast;
            step
        });
    let kind = prop_oneof![
        Just(GroupKind::Step),
        any::<bool>().prop_map(|fail_fast| GroupKind::Parallel { fail_fast }),
        Just(GroupKind::Stage)
    ];
    let any_group = (kind, proptest::collection::vec(any_step, 1..4), answer()).prop_map(
        |(kind, mut steps, answer)| {
            if kind == GroupKind::Step {
                steps.truncate(1);
            }
            let condition = answer
                .filter(|_| kind == GroupKind::Stage)
                .and_then(condition);
            Group {
                condition,
                ..group(kind, steps)
            }
        },
    );
    (
        proptest::collection::vec(any_group, 1..5),
        any::<bool>(),
        answer(),
    )
        .prop_map(|(mut groups, with_final, answer)| {
            if with_final {
                groups.push(group(
                    GroupKind::Final,
                    vec![StepPlan {
                        condition: answer.and_then(condition),
                        ..step("final")
                    }],
                ));
            }
            plan(groups)
        })
}

/// Each step's number with its group.
fn steps_of(plan: &Plan) -> impl Iterator<Item = (&Group, usize)> {
    plan.groups
        .iter()
        .flat_map(|group| group.steps.iter().map(move |_| group))
        .enumerate()
        .map(|(index, group)| (group, index))
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
            let manual: Vec<usize> = play.run.steps.iter().enumerate()
                .filter(|(_, step)| step.state == StepState::Manual).map(|(index, _)| index).collect();
            let (pick, act) = choices.next().unwrap_or((0, 0));
            if act == 11 && play.run.state != BuildState::Stopping {
                play.take(BuildEvent::StopRequested);
            } else if under_way.is_empty() || (act == 10 && !manual.is_empty() && play.run.state != BuildState::Stopping) {
                if under_way.is_empty() {
                    prop_assert_eq!(play.run.state, BuildState::Paused, "a build with nothing under way waits for a person");
                }
                play.take(BuildEvent::Resumed { step: manual[usize::from(pick) % manual.len()] });
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
        for (group, index) in steps_of(&play.plan) {
            let skips = |condition: &Option<ConditionPlan>| condition.as_ref().and_then(|condition| condition.state.as_deref()).is_some_and(|answer| answer != "run");
            let step = &play.plan.step(index).expect("a step").condition;
            if skips(step) || skips(&group.condition) {
                prop_assert_eq!(play.run.steps[index].attempts, 0, "what does not run has no attempt");
            }
        }
    }

    /// A rerun queues no step that had passed (but the final one), and the build ends again.
    #[test]
    fn a_rerun_ends_and_leaves_what_passed(plan in any_plan(), outcomes in proptest::collection::vec(0_usize..6, 1..40), chosen in proptest::option::of(0_usize..12)) {
        let mut play = Play::of(plan);
        let mut outcomes = outcomes.into_iter().cycle().map(|index| AttemptOutcome::ALL[index]);
        run_to_its_end(&mut play, &mut outcomes);
        let before = play.run.clone();
        let from = chosen.map_or(RerunFrom::Failed, RerunFrom::Step);
        let Ok(advanced) = advance(&play.run, Some(&play.plan), BuildEvent::Rerun(from), &judge) else { return Ok(()) };
        play.run = advanced.run;
        run_to_its_end(&mut play, &mut std::iter::repeat(AttemptOutcome::Passed));
        let mut first = 0;
        for group in &play.plan.groups {
            let range = first..first + group.steps.len();
            let beside = matches!(group.kind, GroupKind::Parallel { .. }) && chosen.is_some_and(|chosen| range.contains(&chosen));
            for index in range {
                let (old, new) = (before.steps[index], play.run.steps[index]);
                if let StepState::Finished(StepOutcome::Skipped | StepOutcome::Errored | StepOutcome::NotRun | StepOutcome::Stopped) = new.state {
                    // All attempts of the rerun passed: by its condition, or that of another.
                    prop_assert!(new.attempts <= old.attempts);
                    continue;
                }
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
