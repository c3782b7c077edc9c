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

use crate::capabilities::{Capabilities, Feature};
use crate::diagnostic::{Code, Diagnostic, Severity, shown};
use crate::model::{self, Pipeline, PipelineFile};

pub use crate::model::{CustomVariable, ImportSource as Import, TriggerEvent};
pub use condition::{Facts, explain, judge};
pub use import::NeededImport;
pub use needs::{Held, refusal_of};
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
    /// The file is wrong: at least one diagnostic is an error.
    Invalid(Vec<Diagnostic>),
    /// The file is right, and the installation cannot run what a step that begins in any case needs: at least one
    /// diagnostic is fatal, and none of those is an error.
    Unsupported(Vec<Diagnostic>),
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
        self.plan_within(trigger, values, &Capabilities::all())
    }

    /// As [`Self::plan_with`], for an installation. What it cannot do is a warning where the build is right without; what
    /// a step must have is the end where that step begins in any case, and otherwise of the step, when its turn comes.
    pub fn plan_within(
        &self,
        trigger: &Trigger,
        values: &Values,
        capabilities: &Capabilities,
    ) -> Planned {
        self.settled(trigger, values, |file| {
            file.plan_settled(trigger, capabilities)
        })
    }

    /// Holds a plan of this file, or a part of one, against what an installation can do. `numbers` are the places of its
    /// steps in the whole pipeline, from 0.
    pub fn hold_against(
        &self,
        trigger: &Trigger,
        values: &Values,
        capabilities: &Capabilities,
        plan: &mut Plan,
        numbers: &[usize],
    ) -> Held {
        self.settled(trigger, values, |file| match file.select(trigger) {
            Ok((pipeline, _)) => needs::hold(file, pipeline, plan, numbers, capabilities),
            Err(_) => Held {
                diagnostics: Vec::new(),
                is_refused: false,
            },
        })
    }

    /// What the pipeline for a trigger needs that the capabilities lack, each with its line and key, whenever it runs. Empty
    /// where no pipeline runs.
    pub fn unsupported(&self, trigger: &Trigger, capabilities: &Capabilities) -> Vec<Diagnostic> {
        self.settled(trigger, &Values::new(), |file| match file.select(trigger) {
            Ok((pipeline, _)) => needs::unsupported(file, pipeline, capabilities, &|_| true),
            Err(_) => Vec::new(),
        })
    }

    /// What an installation does not do of anything in the file, as warnings: the file itself is right. Each place once, in
    /// the order of the text, at most as many as problems of a file; files that it imports from are left out.
    pub fn not_done_by(&self, capabilities: &Capabilities) -> Vec<Diagnostic> {
        needs::of_file(self, capabilities)
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

    fn plan_settled(&self, trigger: &Trigger, capabilities: &Capabilities) -> Planned {
        if self.is_invalid() {
            return Planned::Invalid(self.diagnostics.clone());
        }
        match self.select(trigger) {
            Ok((pipeline, selection)) => self.plan_pipeline(
                pipeline,
                selection.pipeline,
                trigger.given_variables(),
                capabilities,
            ),
            Err(reason) => Planned::Nothing { reason },
        }
    }

    fn plan_pipeline(
        &self,
        pipeline: &Pipeline,
        title: String,
        given: &[(String, String)],
        capabilities: &Capabilities,
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
        let groups = compile::groups(origin.file, origin.pipeline);
        if groups.is_empty() {
            return Planned::Nothing {
                reason: format!("the pipeline {} has no steps", shown(&title)),
            };
        }
        let mut plan = Plan {
            pipeline: title,
            groups,
            variables,
            imported: origin.imported,
        };
        // What runs only at Atlassian no installation of ours can have.
        let capabilities = capabilities.clone().without(Feature::HostedAssistant);
        let numbers: Vec<usize> = (0..plan.len()).collect();
        let held = needs::hold(self, pipeline, &mut plan, &numbers, &capabilities);
        diagnostics.extend(held.diagnostics);
        if held.is_refused {
            Planned::Unsupported(diagnostics)
        } else {
            Planned::Plan(Box::new(plan), diagnostics)
        }
    }
}
