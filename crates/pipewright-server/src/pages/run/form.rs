//! What is entered about a pipeline: which one, and its variables. Shared by **Run…** and the editor of schedules.

use std::collections::BTreeMap;

use pipewright_spec::plan::CustomVariable;

use crate::builds::{CustomChoice, given};

/// Fields of declared variables are called `var:NAME`.
const PREFIX: &str = "var:";

/// The name of the field that holds the other variables.
const OTHERS: &str = "others";

/// A pipeline and its variables, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pages) struct PipelineForm {
    /// The branch or tag, as entered.
    pub(in crate::pages) ref_text: String,
    /// The key under `pipelines.custom`; empty for what a push runs.
    pub(in crate::pages) custom: String,
    /// Values of the fields of declared variables, by name.
    pub(in crate::pages) values: BTreeMap<String, String>,
    /// The other variables: `NAME=value` lines.
    pub(in crate::pages) others: String,
}

/// The field of one declared variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct VariableField {
    /// The field's name.
    pub(in crate::pages) field: String,
    /// The variable's name.
    pub(in crate::pages) name: String,
    pub(in crate::pages) description: Option<String>,
    pub(in crate::pages) value: String,
    /// What the file says if nothing is given.
    pub(in crate::pages) default: Option<String>,
    /// The values to choose from; empty for any.
    pub(in crate::pages) allowed: Vec<String>,
    /// The value is none of those.
    pub(in crate::pages) is_refused: bool,
}

impl PipelineForm {
    /// Takes its fields out of a form's or query's; the rest is left for the caller.
    pub(in crate::pages) fn take(fields: Vec<(String, String)>) -> (Self, BTreeMap<String, String>) {
        let mut form = Self::default();
        let mut rest = BTreeMap::new();
        for (name, value) in fields {
            match name.as_str() {
                "ref" => form.ref_text = value.trim().to_owned(),
                "custom" => form.custom = value.trim().to_owned(),
                OTHERS => form.others = value,
                _ => match name.strip_prefix(PREFIX) {
                    // A form of ours never has more; whoever sends more is not answered with as many fields.
                    Some(variable) if form.values.len() < given::MOST_VARIABLES => {
                        // Browsers send line breaks as CR LF, whatever was entered.
                        form.values.insert(variable.to_owned(), value.replace("\r\n", "\n"));
                    }
                    Some(_) => {}
                    None => {
                        rest.insert(name, value);
                    }
                },
            }
        }
        (form, rest)
    }

    /// A form that holds these variables of this pipeline.
    pub(in crate::pages) fn holding(
        ref_text: String,
        custom: String,
        variables: &[(String, String)],
        choice: Option<&CustomChoice>,
    ) -> Self {
        let is_declared = |name: &str| choice.is_some_and(|choice| choice.variables.iter().any(|variable| variable.name == name));
        let (own, others): (Vec<_>, Vec<_>) = variables.iter().cloned().partition(|(name, _)| is_declared(name));
        Self { ref_text, custom, values: own.into_iter().collect(), others: given::as_lines(&others) }
    }

    /// The fields of the variables that the pipeline declares, each holding what was entered or else its default.
    pub(in crate::pages) fn fields(&self, variables: &[CustomVariable]) -> Vec<VariableField> {
        let field = |variable: &CustomVariable| {
            let value = self.values.get(&variable.name).or(variable.default.as_ref()).cloned().unwrap_or_default();
            VariableField {
                field: format!("{PREFIX}{}", variable.name),
                name: variable.name.clone(),
                description: variable.description.clone(),
                default: variable.default.clone(),
                is_refused: !variable.allowed_values.is_empty() && !variable.allowed_values.contains(&value),
                allowed: variable.allowed_values.clone(),
                value,
            }
        };
        variables.iter().map(field).collect()
    }

    /// Everything that was given: the fields, then the other variables. A sentence where one cannot be given at all.
    pub(in crate::pages) fn variables(&self) -> Result<Vec<(String, String)>, String> {
        let mut variables: Vec<(String, String)> = self.values.clone().into_iter().collect();
        for (name, value) in given::read_lines(&self.others)? {
            if variables.iter().any(|(other, _)| *other == name) {
                return Err(format!("{name} has a field of its own; take it out of the other variables."));
            }
            variables.push((name, value));
        }
        given::check(&variables)?;
        Ok(variables)
    }

    /// The custom pipeline that was chosen.
    pub(in crate::pages) fn custom(&self) -> Option<String> {
        Some(self.custom.clone()).filter(|custom| !custom.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use pipewright_spec::plan::CustomVariable;

    use super::PipelineForm;

    fn form(fields: &[(&str, &str)]) -> PipelineForm {
        PipelineForm::take(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).0
    }

    #[test]
    fn what_was_entered_wins_over_the_default() {
        let variable = |name: &str, default: Option<&str>, allowed: &[&str]| CustomVariable {
            name: name.to_owned(),
            default: default.map(str::to_owned),
            description: None,
            allowed_values: allowed.iter().map(|value| (*value).to_owned()).collect(),
        };
        let form = form(&[("ref", " main "), ("custom", "release"), ("var:ENV", "moon"), ("others", "X=1")]);
        let fields = form.fields(&[variable("ENV", Some("dev"), &["dev", "prod"]), variable("NOTE", Some("n"), &[])]);
        let shown: Vec<_> = fields.iter().map(|field| (field.field.as_str(), field.value.as_str(), field.is_refused)).collect();
        assert_eq!(shown, [("var:ENV", "moon", true), ("var:NOTE", "n", false)]);
        let given = [("ENV", "moon"), ("X", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!((form.ref_text.as_str(), form.variables().expect("reads")), ("main", given.to_vec()));
    }

    #[test]
    fn a_variable_with_a_field_is_not_given_twice() {
        assert!(form(&[("var:ENV", "a"), ("others", "ENV=b")]).variables().expect_err("twice").contains("ENV"));
    }
}
