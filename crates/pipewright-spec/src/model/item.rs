//! Items of a pipeline: steps, parallel groups, stages, the final step. The list knows its order rules.

use super::checker::{At, Checker, entry_of};
use super::failure::OnFail;
use super::group::{KINDS, check_step, check_steps, kind_of};
use super::stage::Stage;
use super::step::{Step, Within};
use super::variables::{CustomVariable, check_variables};
use crate::diagnostic::Code;
use crate::syntax::{Entry, Node, Value};

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Step(Box<Step>),
    Parallel(Parallel),
    Stage(Box<Stage>),
    Final(Box<Step>),
}

impl Item {
    /// The steps, in their order.
    pub(crate) fn steps(&self) -> &[Step] {
        match self {
            Self::Step(step) | Self::Final(step) => std::slice::from_ref(step),
            Self::Parallel(parallel) => &parallel.steps,
            Self::Stage(stage) => &stage.steps,
        }
    }

    /// The environments that are deployed to.
    pub(crate) fn deployments(&self) -> impl Iterator<Item = &At<String>> {
        let of_stage = match self {
            Self::Stage(stage) => stage.deployment.as_ref(),
            _ => None,
        };
        of_stage.into_iter().chain(
            self.steps()
                .iter()
                .filter_map(|step| step.deployment.as_ref()),
        )
    }
}

/// Steps that start together.
#[derive(Debug, Clone)]
pub(crate) struct Parallel {
    pub(crate) steps: Vec<Step>,
    pub(crate) fail_fast: bool,
    pub(crate) on_fail: Option<OnFail>,
}

const PARALLEL_KEYS: &[&str] = &["steps", "fail-fast", "on-fail"];

/// A pipeline's list: its items and, in a custom pipeline, its variables.
pub(crate) fn check_items<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
    is_custom: bool,
) -> (Vec<CustomVariable>, Vec<Item>) {
    let (mut variables, mut items) = (Vec::new(), Vec::new());
    let mut after_final = false;
    let mut first = true;
    cx.each_item(
        node,
        what,
        "a list of items that begin with `- step:`",
        |cx, item| {
            let Some(entry) = kind_of(cx, item, KINDS) else {
                return;
            };
            if after_final {
                let message =
                    format_args!("nothing may follow the `final` step, and there may be only one");
                cx.error(
                    Code::WrongOrder,
                    entry.key_place,
                    message,
                    "move `final` to the end of the list",
                );
            }
            match entry.key.as_str() {
                "variables" => {
                    if !is_custom {
                        let message =
                            format_args!("`variables` are only for pipelines under `custom`");
                        cx.error(
                            Code::Misplaced,
                            entry.key_place,
                            message,
                            "set them in the repository's settings, or with `export` in a script",
                        );
                    } else if !first {
                        let message =
                            format_args!("`variables` must be the first item of the pipeline");
                        cx.error(
                            Code::WrongOrder,
                            entry.key_place,
                            message,
                            "move it to the beginning of the list",
                        );
                    }
                    variables = cx.within("variables", |cx| check_variables(cx, &entry.value));
                }
                "parallel" => items.extend(
                    cx.within("parallel", |cx| Parallel::check(cx, entry))
                        .map(Item::Parallel),
                ),
                "stage" => items.extend(
                    cx.within("stage", |cx| Stage::check(cx, entry))
                        .map(Box::new)
                        .map(Item::Stage),
                ),
                "final" => {
                    after_final = true;
                    items.extend(
                        check_step(cx, item, entry, Within::Final)
                            .map(Box::new)
                            .map(Item::Final),
                    );
                }
                _ => items.extend(
                    check_step(cx, item, entry, Within::Pipeline)
                        .map(Box::new)
                        .map(Item::Step),
                ),
            }
            first = false;
        },
    );
    (variables, items)
}

impl Parallel {
    fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Option<Self> {
        let node = &entry.value;
        let mut parallel = Self {
            steps: Vec::new(),
            fail_fast: false,
            on_fail: None,
        };
        if let Value::List(_) = node.value {
            parallel.steps = check_steps(cx, node, "`parallel`", Within::Parallel);
            return (!parallel.steps.is_empty()).then_some(parallel);
        }
        if !matches!(node.value, Value::Map(_)) {
            cx.wrong_type(
                node,
                "`parallel`",
                "a list of steps",
                "write `- step:` items below it, indented",
            );
            return None;
        }
        cx.each(
            node,
            "`parallel`",
            PARALLEL_KEYS,
            |cx, key, entry| match key {
                "steps" => {
                    parallel.steps = check_steps(cx, &entry.value, "`parallel`", Within::Parallel);
                }
                "fail-fast" => {
                    parallel.fail_fast = cx.flag(&entry.value, "`fail-fast`").unwrap_or(false);
                }
                _ => parallel.on_fail = OnFail::check(cx, entry),
            },
        );
        if entry_of(node, "steps").is_none() {
            cx.missing(
                entry.key_place,
                "`parallel`",
                "steps",
                "write `steps:` with `- step:` items below it",
            );
        }
        (!parallel.steps.is_empty()).then_some(parallel)
    }
}
