//! `step`: one unit for one runner.

use super::artifacts::Artifacts;
use super::checker::{At, Checker, entry_of};
use super::clone::CloneSettings;
use super::condition::Condition;
use super::definitions::{check_caches, check_services};
use super::failure::OnFail;
use super::image::Image;
use super::names::Defined;
use super::oidc::Oidc;
use super::options::{check_max_time, check_runs_on, check_size};
use super::script::{ScriptEntry, check_script};
use super::{is_template, memory, runtime};
use crate::capabilities::{Feature, FeatureUse};
use crate::diagnostic::{Code, shown};
use crate::syntax::{Entry, Node, Place};

/// A step as written; what it leaves out is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) place: Place,
    pub(crate) name: Option<String>,
    pub(crate) script: Vec<ScriptEntry>,
    pub(crate) after_script: Vec<ScriptEntry>,
    pub(crate) image: Option<Image>,
    pub(crate) clone: CloneSettings,
    pub(crate) max_time: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) manual: bool,
    pub(crate) deployment: Option<At<String>>,
    pub(crate) environment: Option<String>,
    pub(crate) condition: Option<Condition>,
    pub(crate) on_fail: Option<OnFail>,
    pub(crate) fail_fast: Option<bool>,
    pub(crate) concurrency_group: Option<String>,
    pub(crate) runs_on: Option<Vec<String>>,
    pub(crate) caches: Vec<String>,
    pub(crate) services: Vec<String>,
    pub(crate) artifacts: Artifacts,
    pub(crate) output_variables: Vec<String>,
    pub(crate) oidc: Oidc,
    /// Whether it says what machine it wants.
    pub(crate) has_runtime: bool,
    pub(crate) child: Option<Child>,
    pub(crate) features: Vec<FeatureUse>,
}

/// `type: pipeline`: the step starts another pipeline of the file and waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) custom: At<String>,
    pub(crate) input_variables: Vec<(String, String)>,
}

/// Where a step stands; some keys are not allowed everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    Pipeline,
    Parallel,
    Stage,
    Final,
}

pub(crate) const STEP_KEYS: &[&str] = &[
    "name",
    "script",
    "image",
    "caches",
    "services",
    "artifacts",
    "deployment",
    "environment",
    "trigger",
    "size",
    "after-script",
    "condition",
    "runs-on",
    "clone",
    "oidc",
    "max-time",
    "output-variables",
    "runtime",
    "fail-fast",
    "on-fail",
    "concurrency-group",
    "auth",
    "type",
    "custom",
    "input-variables",
];

/// Keys that say how a script runs, and so mean nothing where there is none.
const NOT_WITH_CHILD: &[&str] = &[
    "script",
    "after-script",
    "image",
    "size",
    "runtime",
    "caches",
    "services",
    "clone",
    "oidc",
    "deployment",
    "runs-on",
    "output-variables",
];

impl Step {
    /// Reads the body of a step. `key` is where it begins; `own_key` is left out of its keys (for a body that is not
    /// indented below it).
    pub(crate) fn check<'n>(
        cx: &mut Checker<'n>,
        node: &'n Node,
        key: Place,
        within: Within,
        own_key: &str,
    ) -> Option<Self> {
        let mut step = Self {
            place: key,
            name: None,
            script: Vec::new(),
            after_script: Vec::new(),
            image: None,
            clone: CloneSettings::default(),
            max_time: None,
            size: None,
            manual: false,
            deployment: None,
            environment: None,
            condition: None,
            on_fail: None,
            fail_fast: None,
            concurrency_group: None,
            runs_on: None,
            caches: Vec::new(),
            services: Vec::new(),
            artifacts: Artifacts::default(),
            output_variables: Vec::new(),
            oidc: Oidc::default(),
            has_runtime: false,
            child: None,
            features: Vec::new(),
        };
        let (is_mapping, features) = cx.with_features(|cx| {
            cx.each_but(node, "a step", own_key, STEP_KEYS, |cx, key, entry| {
                step.check_key(cx, key, entry);
            })
        });
        step.features = features;
        if !is_mapping {
            return None;
        }
        step.check_whole(cx, node, key, within);
        Some(step)
    }

    fn check_key<'n>(&mut self, cx: &mut Checker<'n>, key: &'static str, entry: &'n Entry) {
        let node = &entry.value;
        match key {
            "name" => self.name = cx.filled_text(node, "`name`").map(|text| text.value),
            "script" => self.script = check_script(cx, node, "`script`"),
            "after-script" => self.after_script = check_script(cx, node, "`after-script`"),
            "image" => self.image = Image::check(cx, node),
            "clone" => self.clone = CloneSettings::check(cx, node),
            "max-time" => self.max_time = check_max_time(cx, node),
            "size" => self.size = check_size(cx, entry),
            "trigger" => self.manual = check_trigger(cx, node),
            "deployment" => self.deployment = check_environment(cx, entry, Feature::Deployment),
            "environment" => {
                self.environment =
                    check_environment(cx, entry, Feature::Environment).map(|text| text.value);
            }
            "condition" => self.condition = Some(Condition::check(cx, entry)),
            "on-fail" => self.on_fail = OnFail::check(cx, entry),
            "fail-fast" => self.fail_fast = cx.flag(node, "`fail-fast`"),
            "concurrency-group" => self.concurrency_group = check_concurrency_group(cx, entry),
            "runs-on" => self.runs_on = Some(check_runs_on(cx, entry)),
            "caches" => self.caches = check_caches(cx, entry),
            "services" => self.services = check_services(cx, entry),
            "artifacts" => self.artifacts = Artifacts::check(cx, entry),
            "output-variables" => self.output_variables = check_output_variables(cx, entry),
            "oidc" => self.oidc = Oidc::check(cx, entry),
            "runtime" => {
                self.has_runtime = true;
                runtime::check(cx, entry);
            }
            "auth" => check_auth(cx, entry),
            "type" => {
                cx.choice(node, "`type`", &["inline", "pipeline"]);
            }
            // With `type: pipeline`, both are read together once the whole step is known.
            _ => {}
        }
    }

    /// What only the whole step tells.
    fn check_whole<'n>(
        &mut self,
        cx: &mut Checker<'n>,
        node: &'n Node,
        key: Place,
        within: Within,
    ) {
        let starts_pipeline =
            node.get("type").is_some_and(|kind| matches!(&kind.value, crate::syntax::Value::Scalar(_, text) if text == "pipeline"));
        if starts_pipeline {
            self.check_child(cx, node, key, within);
        } else {
            for key in ["custom", "input-variables"] {
                if let Some(entry) = entry_of(node, key) {
                    let help = "write `type: pipeline` to start another pipeline, or remove it";
                    cx.without_effect(
                        entry,
                        format_args!("`{key}` has no effect without `type: pipeline`"),
                        help,
                    );
                }
            }
            if !self.artifacts.input.is_empty() || !self.artifacts.output.is_empty() {
                let help = "use `download` and `paths` in a step with a script";
                cx.warning(
                    Code::Misplaced,
                    key,
                    format_args!("`input` and `output` of `artifacts` need `type: pipeline`"),
                    help,
                );
            }
            if node.get("script").is_none() {
                cx.missing(
                    key,
                    "the step",
                    "script",
                    "write `script:` with a list of commands below `step:`",
                );
            }
            let names = self.service_names(cx.resources.docker);
            memory::check_memory(cx, node, key, self.size, &names);
            self.check_credentials(cx, node);
        }
        let refused: &[&str] = match within {
            Within::Stage => &["condition", "deployment"],
            Within::Final => &["deployment", "fail-fast"],
            Within::Pipeline | Within::Parallel => &[],
        };
        let place = if within == Within::Stage {
            "a step of a stage"
        } else {
            "the final step"
        };
        for key in refused {
            if let Some(entry) = entry_of(node, key) {
                let help = if within == Within::Stage {
                    "write it on the stage"
                } else {
                    "remove it"
                };
                cx.misplaced(entry, format_args!("{place} cannot have `{key}`"), help);
            }
        }
        if self.manual
            && matches!(within, Within::Stage | Within::Final)
            && let Some(entry) = entry_of(node, "trigger")
        {
            let help = if within == Within::Stage {
                "write `trigger: manual` on the stage"
            } else {
                "remove it"
            };
            cx.misplaced(entry, format_args!("{place} cannot be manual"), help);
        }
        if within == Within::Pipeline
            && let Some(entry) = entry_of(node, "fail-fast")
        {
            let message = format_args!("`fail-fast` has no effect outside a parallel group");
            cx.without_effect(entry, message, "remove it");
        }
    }

    /// The containers beside the step, each once: those named, and the Docker engine where `docker` or a pipe brings it.
    pub(crate) fn service_names(&self, docker: bool) -> Vec<&str> {
        let has_pipe = self
            .script
            .iter()
            .chain(&self.after_script)
            .any(|entry| matches!(entry, ScriptEntry::Pipe(_)));
        let implied = (has_pipe || docker) && self.child.is_none();
        let mut names: Vec<&str> = Vec::new();
        for name in self
            .services
            .iter()
            .map(String::as_str)
            .chain(implied.then_some("docker"))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// A role for the registry is taken on with the step's own token.
    fn check_credentials<'n>(&self, cx: &mut Checker<'n>, node: &'n Node) {
        let Some(entry) = entry_of(node, "image") else {
            return;
        };
        let by_role = self
            .image
            .as_ref()
            .is_some_and(|image| image.aws.iter().any(|(key, _)| key == "oidc-role"));
        if by_role && entry_of(node, "oidc").is_none() {
            let message = format_args!("the image's `oidc-role` needs the step's own token");
            cx.without_effect(entry, message, "write `oidc: true` in the step");
        }
    }

    fn check_child<'n>(
        &mut self,
        cx: &mut Checker<'n>,
        node: &'n Node,
        key: Place,
        within: Within,
    ) {
        for refused in NOT_WITH_CHILD {
            if let Some(entry) = entry_of(node, refused) {
                let message = format_args!("a step that starts a pipeline cannot have `{refused}`");
                cx.misplaced(
                    entry,
                    message,
                    "remove it, or move it to a step of that pipeline",
                );
            }
        }
        if (self.artifacts
            != Artifacts {
                input: self.artifacts.input.clone(),
                output: self.artifacts.output.clone(),
                ..Artifacts::default()
            })
            && let Some(entry) = entry_of(node, "artifacts")
        {
            let message = format_args!(
                "a step that starts a pipeline has only `input` and `output` in its `artifacts`; the rest is ignored"
            );
            cx.without_effect(entry, message, "hand files over with `input` and `output`");
        }
        if within == Within::Stage {
            cx.error(
                Code::Misplaced,
                key,
                format_args!("a step that starts a pipeline cannot be in a stage"),
                "move it out of the stage",
            );
        }
        let mut input_variables = Vec::new();
        if let Some(entry) = entry_of(node, "input-variables") {
            input_variables = cx.within("input-variables", |cx| {
                cx.named_texts(&entry.value, "`input-variables`")
            });
            for variable in entry.value.entries().unwrap_or_default() {
                cx.variable_name(&variable.key, variable.key_place);
            }
            if input_variables.len() > 20 {
                let message = format_args!(
                    "`input-variables` has {} variables; at most 20 are allowed",
                    input_variables.len()
                );
                cx.error(Code::TooMany, entry.key_place, message, "");
            }
        }
        let Some(entry) = entry_of(node, "custom") else {
            cx.missing(
                key,
                "a step with `type: pipeline`",
                "custom",
                "write `custom: name` with a key of `pipelines.custom`",
            );
            return;
        };
        self.child = cx.within("custom", |cx| {
            let custom = cx.filled_text(&entry.value, "`custom`")?;
            if !is_template(&custom.value) && !cx.names.customs.contains(&custom.value) {
                let help = cx.suggestion(
                    &custom.value,
                    Defined::Customs,
                    "name a key of `pipelines.custom` of this file",
                );
                let message = format_args!(
                    "no custom pipeline {} is in this file",
                    shown(&custom.value)
                );
                cx.error(Code::UnknownPipeline, custom.place, message, &help);
            }
            self.features.push(FeatureUse {
                feature: Feature::ChildPipelines,
                name: String::new(),
                place: entry.key_place,
                path: cx.path(),
            });
            Some(Child {
                custom,
                input_variables,
            })
        });
    }
}

pub(crate) fn check_trigger(cx: &mut Checker<'_>, node: &Node) -> bool {
    cx.choice(node, "`trigger`", &["automatic", "manual"]) == Some(1)
}

pub(crate) fn check_environment(
    cx: &mut Checker<'_>,
    entry: &Entry,
    feature: Feature,
) -> Option<At<String>> {
    cx.feature(feature, entry.key_place);
    cx.filled_text(&entry.value, &format!("`{}`", entry.key))
}

fn check_concurrency_group(cx: &mut Checker<'_>, entry: &Entry) -> Option<String> {
    cx.feature(Feature::ConcurrencyGroup, entry.key_place);
    let group = cx.filled_text(&entry.value, "`concurrency-group`")?;
    if group.value.chars().count() > 50 && !is_template(&group.value) {
        cx.error(
            Code::TooLong,
            group.place,
            format_args!("`concurrency-group` may have at most 50 characters"),
            "",
        );
    }
    Some(group.value)
}

fn check_output_variables<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Vec<String> {
    cx.feature(Feature::OutputVariables, entry.key_place);
    let names = cx.texts_that(&entry.value, "`output-variables`", |cx, name| {
        cx.variable_name(&name.value, name.place)
    });
    names.into_iter().map(|name| name.value).collect()
}

fn check_auth<'n>(cx: &mut Checker<'n>, entry: &'n Entry) {
    cx.feature(Feature::TokenScopes, entry.key_place);
    cx.each(&entry.value, "`auth`", &["system"], |cx, _, entry| {
        cx.each(&entry.value, "`system`", &["scopes"], |cx, _, entry| {
            if entry.value.items().is_none_or(|items| !items.is_empty()) {
                cx.texts(&entry.value, "`scopes`");
            }
        });
    });
}
