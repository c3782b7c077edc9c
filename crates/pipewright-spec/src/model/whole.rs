//! Rules over a pipeline as a whole: how many steps it may have, that the first is not a manual one, and that no
//! environment is deployed to twice.

use std::collections::HashMap;

use super::checker::{At, Checker};
use super::item::Item;
use crate::diagnostic::{Code, shown};
use crate::limits::MAX_STEPS;
use crate::syntax::{Node, Place};

/// Checks the items of one pipeline together.
pub(super) fn check_whole(cx: &mut Checker<'_>, node: &Node, what: &str, items: &[Item]) {
    let steps: usize = items.iter().map(|item| item.steps().len()).sum();
    if steps > MAX_STEPS {
        let message =
            format_args!("{what} has {steps} steps; a pipeline may have at most {MAX_STEPS}");
        cx.error(
            Code::TooMany,
            node.place,
            message,
            "split it into several pipelines, or join steps",
        );
    }
    check_first(cx, items);
    check_deployments(cx, items);
}

/// Bitbucket refuses a first step that is manual. A build that waits for a person is right all the same, so it runs here.
fn check_first(cx: &mut Checker<'_>, items: &[Item]) {
    let first_manual = match items.first() {
        Some(Item::Step(step)) if step.manual => Some(step.place),
        Some(Item::Stage(stage)) if stage.manual => Some(stage.place),
        _ => None,
    };
    if let Some(place) = first_manual {
        let message = format_args!(
            "the first step waits for a person, so nothing runs until somebody starts it"
        );
        cx.warning(
            Code::ManualFirst,
            place,
            message,
            "Bitbucket refuses this: put a step before it, or use a custom pipeline",
        );
    }
}

/// Bitbucket tracks one deployment of an environment for each build and refuses a second; its names know no case. Here
/// both run, one after the other.
fn check_deployments(cx: &mut Checker<'_>, items: &[Item]) {
    let mut known: HashMap<String, Place> = HashMap::new();
    for At { value, place } in items.iter().flat_map(Item::deployments) {
        if super::is_template(value) {
            continue;
        }
        match known.get(&value.to_lowercase()) {
            None => drop(known.insert(value.to_lowercase(), *place)),
            Some(first) => {
                let message = format_args!("the pipeline deploys to {} twice", shown(value));
                let help = "Bitbucket refuses this: deploy once, and give the other step `environment:` for the variables alone";
                cx.warning_with(
                    Code::DeployedTwice,
                    *place,
                    message,
                    help,
                    (*first, "first deployed here"),
                );
            }
        }
    }
}
