//! The variables of a custom pipeline for one build.

use crate::diagnostic::{Code, Diagnostic, Severity, shown};
use crate::model::{Body, CustomVariable, Pipeline, PipelineFile};

impl PipelineFile {
    /// The variables that a person is asked for: those of the pipeline, and of the one that it imports those that it does
    /// not declare itself.
    pub(super) fn declared<'f>(
        &'f self,
        pipeline: &'f Pipeline,
    ) -> impl Iterator<Item = &'f CustomVariable> {
        let imported = match (&pipeline.body, self.origin(pipeline)) {
            (Body::Import(_), Ok(origin)) => origin.pipeline.variables.as_slice(),
            _ => &[],
        };
        let own = &pipeline.variables;
        own.iter().chain(
            imported
                .iter()
                .filter(|variable| !own.iter().any(|own| own.name == variable.name)),
        )
    }
}

/// The given values over the defaults. Names that the pipeline does not declare are passed on, as Bitbucket's API does.
pub(super) fn settle(
    file: &PipelineFile,
    pipeline: &Pipeline,
    given: &[(String, String)],
) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let at = file.source.defined(pipeline.place);
    let mut problems = Vec::new();
    let mut settled: Vec<(String, String)> = Vec::new();
    for variable in file.declared(pipeline) {
        let value = given
            .iter()
            .rev()
            .find(|(name, _)| *name == variable.name)
            .map(|(_, value)| value);
        if let Some(value) = value
            && !variable.allowed_values.is_empty()
            && !variable.allowed_values.contains(value)
        {
            let allowed: Vec<String> = variable
                .allowed_values
                .iter()
                .map(|value| shown(value).to_string())
                .collect();
            let message = format!(
                "the value {} is not allowed for the variable {}",
                shown(value),
                shown(&variable.name)
            );
            problems.push(
                Diagnostic::new(Severity::Error, Code::VariableValue, message, at)
                    .with_help(format!("use one of {}", allowed.join(", "))),
            );
            continue;
        }
        let value = value
            .or(variable.default.as_ref())
            .cloned()
            .unwrap_or_default();
        settled.push((variable.name.clone(), value));
    }
    for (name, value) in given {
        if file
            .declared(pipeline)
            .any(|variable| variable.name == *name)
        {
            continue;
        }
        if !pipewright_core::is_variable_name(name) {
            let message = format!("{} cannot be the name of a variable", shown(name));
            problems.push(
                Diagnostic::new(Severity::Error, Code::VariableName, message, at)
                    .with_help("use letters, digits and `_`"),
            );
        } else if let Some(known) = settled.iter_mut().find(|(other, _)| other == name) {
            known.1.clone_from(value);
        } else {
            settled.push((name.clone(), value.clone()));
        }
    }
    if problems.is_empty() {
        Ok(settled)
    } else {
        Err(problems)
    }
}
