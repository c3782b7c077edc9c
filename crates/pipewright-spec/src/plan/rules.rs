//! `triggers`: which custom pipelines an event starts. Unlike start conditions, every rule that is true fires.

use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::expression::{EvaluationError, Expression};
use crate::model::{PipelineFile, TriggerEvent};

/// A custom pipeline that a rule starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Its key under `pipelines.custom`.
    pub pipeline: String,
    /// The rule's expression, which was true.
    pub condition: String,
}

/// A rule that has no answer for these variables; the others are not held back by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rule {condition:?} for {event} has no answer: {error}", event = event.as_str())]
pub struct RuleError {
    /// The event.
    pub event: TriggerEvent,
    /// The rule's expression.
    pub condition: String,
    /// Why.
    pub error: EvaluationError,
    /// Where the expression stands.
    pub span: Span,
}

impl RuleError {
    /// As it is shown with the file: the rule starts nothing, and nothing else is held back by it.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::new(
            Severity::Warning,
            Code::Ignored,
            format!("{self}; it starts nothing"),
            self.span,
        )
    }
}

impl PipelineFile {
    /// True where the file has rules, for whatever event.
    pub const fn has_rules(&self) -> bool {
        !self.triggers.is_empty()
    }

    /// The custom pipelines that an event starts, each once, and the rules that could not be evaluated.
    pub fn fired(
        &self,
        event: TriggerEvent,
        value_of: &dyn Fn(&str) -> Option<String>,
    ) -> (Vec<Fired>, Vec<RuleError>) {
        let (mut fired, mut errors): (Vec<Fired>, Vec<RuleError>) = (Vec::new(), Vec::new());
        for rule in self.triggers.iter().filter(|rule| rule.event == event) {
            // The check has refused what is no expression; templates are the one exception, and start nothing.
            let Ok(expression) = rule.condition.parse::<Expression>() else {
                continue;
            };
            match expression.evaluate(value_of) {
                Ok(true) => {
                    for pipeline in &rule.pipelines {
                        if !fired.iter().any(|other| other.pipeline == *pipeline) {
                            fired.push(Fired {
                                pipeline: pipeline.clone(),
                                condition: rule.condition.clone(),
                            });
                        }
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    let span = self.source.defined(rule.place);
                    errors.push(RuleError {
                        event,
                        condition: rule.condition.clone(),
                        error,
                        span,
                    });
                }
            }
        }
        (fired, errors)
    }
}
