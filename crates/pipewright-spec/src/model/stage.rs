//! `stage`: steps one after another under one name, one deployment and one gate.

use super::checker::{At, Checker, entry_of};
use super::condition::Condition;
use super::failure::OnFail;
use super::group::check_steps;
use super::step::{Step, Within, check_environment, check_trigger};
use crate::capabilities::{Feature, FeatureUse};
use crate::syntax::{Entry, Place};

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) name: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) deployment: Option<At<String>>,
    pub(crate) environment: Option<String>,
    pub(crate) manual: bool,
    pub(crate) condition: Option<Condition>,
    pub(crate) on_fail: Option<OnFail>,
    pub(crate) features: Vec<FeatureUse>,
}

const KEYS: &[&str] = &[
    "name",
    "steps",
    "deployment",
    "environment",
    "trigger",
    "condition",
    "on-fail",
];

impl Stage {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Option<Self> {
        let mut stage = Self {
            place: entry.key_place,
            name: None,
            steps: Vec::new(),
            deployment: None,
            environment: None,
            manual: false,
            condition: None,
            on_fail: None,
            features: Vec::new(),
        };
        let ((), features) = cx.with_features(|cx| {
            cx.each(&entry.value, "a stage", KEYS, |cx, key, entry| match key {
                "name" => {
                    stage.name = cx
                        .filled_text(&entry.value, "`name`")
                        .map(|text| text.value);
                }
                "steps" => stage.steps = check_steps(cx, &entry.value, "a stage", Within::Stage),
                "deployment" => {
                    stage.deployment = check_environment(cx, entry, Feature::Deployment);
                }
                "environment" => {
                    stage.environment =
                        check_environment(cx, entry, Feature::Environment).map(|text| text.value);
                }
                "trigger" => stage.manual = check_trigger(cx, &entry.value),
                "condition" => stage.condition = Some(Condition::check(cx, entry)),
                _ => stage.on_fail = OnFail::check(cx, entry),
            });
        });
        stage.features = features;
        if entry.value.entries().is_some() && entry_of(&entry.value, "steps").is_none() {
            cx.missing(
                entry.key_place,
                "the stage",
                "steps",
                "write `steps:` with `- step:` items below it",
            );
        }
        (!stage.steps.is_empty()).then_some(stage)
    }
}
