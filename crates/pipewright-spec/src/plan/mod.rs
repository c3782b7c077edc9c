//! From the checked model to the plan for one trigger.
//!
//! `select` holds the rules of which pipeline runs, `compile` turns it into core's plan, `import` brings pipelines of
//! other files, `needs` says what of it an installation cannot do, `start` lists what a file can run at all, `rules` evaluates `triggers`.

mod changes;
mod compile;
mod condition;
mod import;
mod needs;
mod others;
mod rules;
mod select;
mod skip;
mod start;
mod trigger;
mod variables;

use std::collections::BTreeMap;

use pipewright_core::Plan;

use crate::capabilities::Capabilities;
use crate::diagnostic::{Code, Diagnostic, Severity, shown};
use crate::model::{self, Pipeline, PipelineFile};

pub use crate::model::{CustomVariable, ImportSource as Import, TriggerEvent};
pub use condition::{Facts, explain, judge};
pub use import::NeededImport;
pub use others::NotChosen;
pub use rules::{Fired, RuleError};
pub use select::Selection;
pub use skip::has_skip_marker;
pub use start::{Section, StartCondition};
pub use trigger::Trigger;

/// Values for `${{ NAME }}` templates: variables of the workspace, the repository and the run.
pub type Values = BTreeMap<String, String>;

/// What a file has for a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// What must run, with the warnings of the file.
    Plan(Box<Plan>, Vec<Diagnostic>),
    /// Nothing: the file has no pipeline for it.
    Nothing {
        /// A plain sentence: which sections were looked at, and why none fits.
        reason: String,
    },
    /// The file cannot run; at least one diagnostic is fatal.
    Invalid(Vec<Diagnostic>),
    /// The pipeline is in another file: give it to [`PipelineFile::bring`] and ask again.
    Needs(Box<NeededImport>),
}

impl PipelineFile {
    /// What runs for a trigger. Templates are given only the values of the trigger itself; see [`Self::plan_with`].
    pub fn plan(&self, trigger: &Trigger) -> Planned {
        self.plan_with(trigger, &Values::new())
    }

    /// As [`Self::plan`], with values for `${{ }}` templates.
    pub fn plan_with(&self, trigger: &Trigger, values: &Values) -> Planned {
        self.settled(trigger, values, |file| file.plan_settled(trigger))
    }

    /// As [`Self::plan_with`], for an installation: what it cannot do makes the plan invalid where ignoring it would
    /// give a wrong build, and is a warning where it would not.
    pub fn plan_within(
        &self,
        trigger: &Trigger,
        values: &Values,
        capabilities: &Capabilities,
    ) -> Planned {
        self.settled(trigger, values, |file| match file.plan_settled(trigger) {
            Planned::Plan(plan, mut diagnostics) => {
                diagnostics.extend(file.lacking(trigger, capabilities, &|_| true));
                if diagnostics.iter().any(Diagnostic::is_fatal) {
                    Planned::Invalid(diagnostics)
                } else {
                    Planned::Plan(plan, diagnostics)
                }
            }
            other => other,
        })
    }

    /// What the pipeline for a trigger needs that the capabilities lack, each with its line and key. Empty where no
    /// pipeline runs.
    pub fn unsupported(&self, trigger: &Trigger, capabilities: &Capabilities) -> Vec<Diagnostic> {
        self.unsupported_for(trigger, &Values::new(), capabilities, &|_| true)
    }

    /// As [`Self::unsupported`], with values for templates, and where only some steps of the plan run, by their numbers
    /// from 0.
    pub fn unsupported_for(
        &self,
        trigger: &Trigger,
        values: &Values,
        capabilities: &Capabilities,
        wanted: &dyn Fn(usize) -> bool,
    ) -> Vec<Diagnostic> {
        self.settled(trigger, values, |file| {
            file.lacking(trigger, capabilities, wanted)
        })
    }

    fn lacking(
        &self,
        trigger: &Trigger,
        capabilities: &Capabilities,
        wanted: &dyn Fn(usize) -> bool,
    ) -> Vec<Diagnostic> {
        match self.select(trigger) {
            Ok((pipeline, _)) => needs::unsupported(self, pipeline, capabilities, wanted),
            Err(_) => Vec::new(),
        }
    }

    /// Which pipeline a trigger runs and why that one, or a sentence why none.
    pub fn selection(&self, trigger: &Trigger) -> Result<Selection, String> {
        self.select(trigger).map(|(_, selection)| selection)
    }

    /// The problems found when the file was read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// True where the file cannot run.
    pub fn is_invalid(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_fatal)
    }

    /// Runs `plan` on this file, or on the files that its templates make with the values known.
    fn settled<T>(&self, trigger: &Trigger, values: &Values, plan: impl FnOnce(&Self) -> T) -> T {
        let has_templates = self.templates.is_some()
            || self.brought.iter().any(|(_, other)| {
                other
                    .file
                    .as_ref()
                    .is_some_and(|file| file.templates.is_some())
            });
        if !has_templates || self.is_invalid() {
            return plan(self);
        }
        let own = trigger.values(self);
        let value_of = |name: &str| own.get(name).or_else(|| values.get(name)).cloned();
        let mut file = self.filled(&value_of);
        for (_, other) in &mut file.brought {
            if let Some(inner) = &other.file
                && !inner.is_invalid()
            {
                let filled = inner.filled(&value_of);
                other.diagnostics.clone_from(&filled.diagnostics);
                other.file = Some(std::sync::Arc::new(filled));
            }
        }
        plan(&file)
    }

    /// The file with its templates given their values.
    fn filled(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Self {
        let Some(tree) = &self.templates else {
            return self.clone();
        };
        let mut unknown = Vec::new();
        let tree = model::substitute(tree, value_of, &mut unknown);
        let (Some(mut file), _) =
            model::check(&self.source, tree, crate::diagnostic::Collected::default())
        else {
            return self.clone();
        };
        for (node, name) in unknown {
            let message = format!(
                "no value is known for the template {}; it stays as written",
                shown(&name)
            );
            let problem = Diagnostic::new(Severity::Warning, Code::UnknownTemplate, message, self.source.defined(node.place))
                .with_help("define the variable for the workspace or the repository, or declare it in the custom pipeline");
            file.diagnostics.push(problem);
        }
        file.brought.clone_from(&self.brought);
        file
    }

    fn plan_settled(&self, trigger: &Trigger) -> Planned {
        if self.is_invalid() {
            return Planned::Invalid(self.diagnostics.clone());
        }
        match self.select(trigger) {
            Ok((pipeline, selection)) => {
                self.plan_pipeline(pipeline, selection.pipeline, trigger.given_variables())
            }
            Err(reason) => Planned::Nothing { reason },
        }
    }

    fn plan_pipeline(
        &self,
        pipeline: &Pipeline,
        title: String,
        given: &[(String, String)],
    ) -> Planned {
        let mut diagnostics = self.diagnostics.clone();
        let variables = match variables::settle(self, pipeline, given) {
            Ok(variables) => variables,
            Err(problems) => {
                diagnostics.extend(problems);
                return Planned::Invalid(diagnostics);
            }
        };
        let origin = match self.origin(pipeline) {
            Ok(origin) => origin,
            Err(import::Absent::Needed(needed)) => return Planned::Needs(needed),
            Err(import::Absent::Refused(problems)) => {
                diagnostics.extend(problems);
                return Planned::Invalid(diagnostics);
            }
        };
        diagnostics.extend(origin.diagnostics);
        let nowhere = needs::impossible(self, pipeline);
        if !nowhere.is_empty() {
            diagnostics.extend(nowhere);
            return Planned::Invalid(diagnostics);
        }
        let groups = compile::groups(origin.file, origin.pipeline);
        if groups.is_empty() {
            return Planned::Nothing {
                reason: format!("the pipeline {} has no steps", shown(&title)),
            };
        }
        Planned::Plan(
            Box::new(Plan {
                pipeline: title,
                groups,
                variables,
                imported: origin.imported,
            }),
            diagnostics,
        )
    }
}
