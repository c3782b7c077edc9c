//! Which steps of a plan run: all, one (`--step`), or one and those after it (`--from`).

use anyhow::{Context, bail};
use pipewright_core::Plan;
use pipewright_core::plan::GroupKind;

use crate::commands::shown::shown;

/// A plan with the steps that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What runs.
    pub(super) plan: Plan,
    /// What the whole plan knows of each step of `plan`, in their order.
    pub(super) places: Vec<Place>,
    /// How many steps the whole plan has.
    pub(super) total: usize,
}

/// A step's place in the whole plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1, as `pipewright plan` numbers them.
    pub(super) number: usize,
    /// Its place in its parallel group, from 0, and how many there are.
    pub(super) parallel: Option<(usize, usize)>,
}

impl Chosen {
    /// The places of the steps in the whole plan, from 0.
    pub(super) fn numbers(&self) -> Vec<usize> {
        self.places.iter().map(|place| place.number - 1).collect()
    }

    /// Nothing waits for a person any more.
    pub(super) fn open_gates(&mut self) {
        for group in &mut self.plan.groups {
            group.manual = false;
            for step in &mut group.steps {
                step.manual = false;
            }
        }
    }
}

/// The steps that were asked for, by number or name. Asking for a step is the person's yes to it where it is manual or
/// has a condition.
pub(super) fn choose(
    mut plan: Plan,
    step: Option<&str>,
    from: Option<&str>,
) -> anyhow::Result<Chosen> {
    let total = plan.len();
    let wanted = match (step, from) {
        (Some(word), _) => {
            let number =
                find(&plan, word).with_context(|| format!("--step {}", shown(word, 80)))?;
            number..=number
        }
        (None, Some(word)) => {
            find(&plan, word).with_context(|| format!("--from {}", shown(word, 80)))?..=total
        }
        (None, None) => 1..=total,
    };
    let asked = *wanted.start();
    let by_name = step.is_some() || from.is_some();
    let mut places = Vec::new();
    let mut number = 0;
    for group in &mut plan.groups {
        let together =
            matches!(group.kind, GroupKind::Parallel { .. }).then_some(group.steps.len());
        let mut position = 0;
        let first = number + 1;
        group.steps.retain_mut(|step| {
            number += 1;
            let place = Place {
                number,
                parallel: together.map(|count| (position, count)),
            };
            position += 1;
            if by_name && number == asked {
                step.manual = false;
                step.condition = None;
            }
            let stays = wanted.contains(&number);
            if stays {
                places.push(place);
            }
            stays
        });
        if by_name && (first..=number).contains(&asked) {
            group.manual = false;
            group.condition = None;
        }
    }
    plan.groups.retain(|group| !group.steps.is_empty());
    Ok(Chosen {
        plan,
        places,
        total,
    })
}

/// The number of the step of this number or name.
pub(super) fn find(plan: &Plan, word: &str) -> anyhow::Result<usize> {
    let named: Vec<usize> = plan
        .steps()
        .zip(1..)
        .filter(|(step, _)| step.name == word)
        .map(|(_, number)| number)
        .collect();
    match (word.parse::<usize>(), named.as_slice()) {
        (Ok(number), _) if (1..=plan.len()).contains(&number) => Ok(number),
        (_, [number]) => Ok(*number),
        (Ok(_), []) => bail!("the pipeline has steps 1 to {}", plan.len()),
        (Err(_), []) => bail!("no step has this name; `pipewright plan` lists them"),
        (_, several) => bail!("steps {several:?} have this name; say which by its number"),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::Plan;
    use pipewright_spec::{Planned, Trigger, parse};

    use super::choose;

    fn plan() -> Plan {
        let text = "
pipelines:
  default:
    - step: {name: build, script: [a]}
    - parallel:
        - step: {name: unit, script: [a]}
        - step: {name: lint, script: [a]}
    - step: {name: deploy, trigger: manual, script: [a]}
    - step: {name: unit, script: [a]}
";
        let file = parse("f", text.as_bytes()).pipeline_file.expect("a file");
        let Planned::Plan(plan, _) = file.plan(&Trigger::Branch {
            name: "main".to_owned(),
        }) else {
            panic!("a plan")
        };
        *plan
    }

    fn chosen(step: Option<&str>, from: Option<&str>) -> Vec<(usize, String, bool)> {
        let chosen = choose(plan(), step, from).expect("they are there");
        assert_eq!(chosen.total, 5);
        chosen
            .places
            .iter()
            .zip(chosen.plan.steps())
            .map(|(place, step)| (place.number, step.name.clone(), step.manual))
            .collect()
    }

    #[test]
    fn steps_keep_their_numbers() {
        let named = |number, name: &str, manual| (number, name.to_owned(), manual);
        assert_eq!(chosen(None, None).len(), 5);
        assert_eq!(chosen(Some("3"), None), [named(3, "lint", false)]);
        assert_eq!(chosen(Some("lint"), None), [named(3, "lint", false)]);
        assert_eq!(
            chosen(None, Some("3")),
            [
                named(3, "lint", false),
                named(4, "deploy", true),
                named(5, "unit", false)
            ]
        );
    }

    #[test]
    fn asking_for_a_manual_step_is_the_yes_to_it() {
        assert_eq!(
            chosen(Some("deploy"), None),
            [(4, "deploy".to_owned(), false)]
        );
        assert!(!chosen(None, Some("4"))[0].2);
    }

    #[test]
    fn a_part_of_a_parallel_group_knows_the_whole() {
        let chosen = choose(plan(), Some("3"), None).expect("it is there");
        assert_eq!(chosen.places[0].parallel, Some((1, 2)));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for (word, says) in [
            ("0", "1 to 5"),
            ("6", "1 to 5"),
            ("bild", "no step"),
            ("unit", "[2, 5]"),
        ] {
            let error = format!(
                "{:#}",
                choose(plan(), Some(word), None).expect_err("not there")
            );
            assert!(error.contains(says), "{error}");
        }
    }
}
