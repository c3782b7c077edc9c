//! Items of a pipeline: steps, parallel groups, stages, the final step. The list knows its order rules.

use super::checker::{At, Checker};
use super::failure::OnFail;
use super::stage::Stage;
use super::step::{STEP_KEYS, Step, Within, entry_of};
use super::variables::{CustomVariable, check_variables};
use super::whole::check_whole;
use crate::diagnostic::{Code, nearest, shown};
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

const KINDS: &[&str] = &["step", "parallel", "stage", "variables", "final"];
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
    check_whole(cx, node, what, &items);
    (variables, items)
}

/// The one entry of an item that says what it is.
fn kind_of<'n>(
    cx: &mut Checker<'n>,
    item: &'n Node,
    kinds: &'static [&'static str],
) -> Option<&'n Entry> {
    let Some(entries) = item.entries() else {
        let help = match item.value {
            Value::List(_) => "an alias to a list does not join it to this one: name each item",
            _ => "write `- step:` and below it, indented, `script:`",
        };
        cx.wrong_type(
            item,
            "an item of a pipeline",
            "a mapping such as `step:`",
            help,
        );
        return None;
    };
    let mut found: Vec<&Entry> = entries
        .iter()
        .filter(|entry| kinds.contains(&entry.key.as_str()))
        .collect();
    if found.len() > 1 {
        let second = found[1];
        let message = format_args!(
            "one item of a list has both `{}` and `{}`",
            found[0].key, second.key
        );
        cx.error(
            Code::UnknownItem,
            second.key_place,
            message,
            "begin each with `- ` on a line of its own",
        );
    }
    if !found.is_empty() {
        return Some(found.remove(0));
    }
    let Some(first) = entries.first() else {
        cx.error(
            Code::EmptyList,
            item.place,
            format_args!("this item of the pipeline is an empty mapping"),
            "write `step:` in it and `script:` below that, or remove the `-`",
        );
        return None;
    };
    let help = if STEP_KEYS.contains(&first.key.as_str()) {
        "write `- step:` on a line of its own, and indent this below it".to_owned()
    } else if first.key == "import" {
        "an import takes the place of the whole list: write `import:` without a dash".to_owned()
    } else {
        nearest(&first.key, kinds).map_or_else(
            || {
                format!(
                    "an item is one of {}",
                    crate::diagnostic::alternatives(kinds)
                )
            },
            |near| format!("did you mean `{near}`?"),
        )
    };
    cx.error(
        Code::UnknownItem,
        first.key_place,
        format_args!("{} is not a kind of item", shown(&first.key)),
        &help,
    );
    None
}

/// A step from its item; the body may stand beside the key instead of below it, which is warned of.
fn check_step<'n>(
    cx: &mut Checker<'n>,
    item: &'n Node,
    entry: &'n Entry,
    within: Within,
) -> Option<Step> {
    let siblings: Vec<&'n Entry> = item
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(|other| other.key != entry.key)
        .collect();
    let key = &entry.key;
    if entry.value.is_null() {
        if siblings
            .iter()
            .any(|other| STEP_KEYS.contains(&other.key.as_str()))
        {
            let message = format_args!("the body of this `{key}` is not indented below it");
            cx.warning(
                Code::NotIndented,
                entry.key_place,
                message,
                "indent the lines that follow by two more spaces",
            );
            return cx.within(key, |cx| {
                Step::check(cx, item, entry.key_place, within, key)
            });
        }
        cx.missing(
            entry.key_place,
            "the step",
            "script",
            "write `script:` with a list of commands below `step:`, indented",
        );
        return None;
    }
    for other in siblings {
        if STEP_KEYS.contains(&other.key.as_str()) {
            let message = format_args!(
                "`{}` stands beside `{key}` instead of below it; it is ignored",
                other.key
            );
            cx.warning(
                Code::NotIndented,
                other.key_place,
                message,
                "indent it like the other keys of the step",
            );
        } else if !KINDS.contains(&other.key.as_str()) {
            cx.unknown_key(other, "an item", KINDS);
        }
    }
    cx.within(key, |cx| {
        Step::check(cx, &entry.value, entry.key_place, within, "")
    })
}

/// The steps of a group: only `step` items, as the published schema has it; another runner of these files also takes
/// `parallel` inside a stage, which Bitbucket's pages do not mention.
pub(crate) fn check_steps<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
    within: Within,
) -> Vec<Step> {
    let mut steps = Vec::new();
    cx.each_item(
        node,
        what,
        "a list of items that begin with `- step:`",
        |cx, item| {
            if let Some(entry) = item.entries().and_then(|entries| {
                entries
                    .iter()
                    .find(|entry| entry.key == "parallel" || entry.key == "stage")
            }) {
                let message = format_args!("`{}` cannot stand inside {what}", entry.key);
                cx.error(
                    Code::Misplaced,
                    entry.key_place,
                    message,
                    "only steps can; move it out",
                );
                return;
            }
            if let Some(entry) = kind_of(cx, item, &["step"]) {
                steps.extend(check_step(cx, item, entry, within));
            }
        },
    );
    steps
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
