//! What is entered about a pipeline: which one, and its variables. Shared by **Run…** and the editor of schedules.

use std::collections::BTreeMap;

use pipewright_spec::plan::CustomVariable;

use crate::builds::{CustomChoice, given};

/// Fields of declared variables are called `var:NAME`.
const PREFIX: &str = "var:";

/// Fields of other variables with line breaks in their values are called `more:NAME`.
const MORE_PREFIX: &str = "more:";

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
    /// Those of the other variables that no such line can hold, because their values have several lines; by name. An empty
    /// one is not given.
    pub(in crate::pages) more: BTreeMap<String, String>,
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
    /// The value or the default has several lines, which a field of one line would lose.
    pub(in crate::pages) is_long: bool,
    /// The value is none of those.
    pub(in crate::pages) is_refused: bool,
}

impl PipelineForm {
    /// Takes its fields out of a form's or query's; the rest is left for the caller.
    pub(in crate::pages) fn take(
        fields: Vec<(String, String)>,
    ) -> (Self, BTreeMap<String, String>) {
        let mut form = Self::default();
        let mut rest = BTreeMap::new();
        for (name, value) in fields {
            match name.as_str() {
                "ref" => form.ref_text = value.trim().to_owned(),
                "custom" => form.custom = value.trim().to_owned(),
                OTHERS => form.others = value,
                _ => {
                    let (fields, variable) = if let Some(variable) = name.strip_prefix(PREFIX) {
                        (&mut form.values, variable)
                    } else if let Some(variable) = name.strip_prefix(MORE_PREFIX) {
                        (&mut form.more, variable)
                    } else {
                        rest.insert(name, value);
                        continue;
                    };
                    // A form of ours never has more; whoever sends more is not answered with as many fields.
                    if fields.len() < given::MOST_VARIABLES {
                        // Browsers send line breaks as CR LF, whatever was entered.
                        fields.insert(variable.to_owned(), value.replace("\r\n", "\n"));
                    }
                }
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
        let is_declared = |name: &str| {
            choice.is_some_and(|choice| {
                choice
                    .variables
                    .iter()
                    .any(|variable| variable.name == name)
            })
        };
        let (own, others): (Vec<_>, Vec<_>) = variables
            .iter()
            .cloned()
            .partition(|(name, _)| is_declared(name));
        let (more, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(_, value)| is_long(value));
        Self {
            ref_text,
            custom,
            values: own.into_iter().collect(),
            others: given::as_lines(&others),
            more: more.into_iter().collect(),
        }
    }

    /// The fields of the variables that the pipeline declares, each holding what was entered or else its default.
    pub(in crate::pages) fn fields(&self, variables: &[CustomVariable]) -> Vec<VariableField> {
        let field = |variable: &CustomVariable| {
            let value = self
                .values
                .get(&variable.name)
                .or(variable.default.as_ref())
                .cloned()
                .unwrap_or_default();
            VariableField {
                field: format!("{PREFIX}{}", variable.name),
                name: variable.name.clone(),
                description: variable.description.clone(),
                default: variable.default.clone(),
                is_long: is_long(&value) || variable.default.as_deref().is_some_and(is_long),
                is_refused: !variable.allowed_values.is_empty()
                    && !variable.allowed_values.contains(&value),
                allowed: variable.allowed_values.clone(),
                value,
            }
        };
        variables.iter().map(field).collect()
    }

    /// Everything that was given: the fields, then the other variables. A sentence where one, or the pipeline's name, cannot
    /// be given at all.
    pub(in crate::pages) fn variables(&self) -> Result<Vec<(String, String)>, Vec<String>> {
        let mut wrong = Vec::new();
        if self.custom.contains('\0') {
            wrong.push(
                "The custom pipeline's name holds the character NUL, which no pipeline file can; choose one of the list.".to_owned()
            );
        }
        let mut variables: Vec<(String, String)> = self.values.clone().into_iter().collect();
        let more = self
            .more
            .clone()
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        let (others, unread) = given::read_lines(&self.others);
        wrong.extend(unread);
        for (name, value) in more.chain(others) {
            if variables.iter().any(|(other, _)| *other == name) {
                wrong.push(format!(
                    "{name} has a field of its own; remove it from the other variables."
                ));
            } else {
                variables.push((name, value));
            }
        }
        wrong.extend(given::check(&variables));
        if wrong.is_empty() {
            Ok(variables)
        } else {
            Err(wrong)
        }
    }

    /// The custom pipeline that was chosen.
    pub(in crate::pages) fn custom(&self) -> Option<String> {
        Some(self.custom.clone()).filter(|custom| !custom.is_empty())
    }
}

/// True for what neither a field of one line nor a `NAME=value` line can hold.
fn is_long(value: &str) -> bool {
    value.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use pipewright_spec::plan::CustomVariable;

    use super::PipelineForm;

    fn form(fields: &[(&str, &str)]) -> PipelineForm {
        PipelineForm::take(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
        .0
    }

    #[test]
    fn what_was_entered_wins_over_the_default() {
        let variable = |name: &str, default: Option<&str>, allowed: &[&str]| CustomVariable {
            name: name.to_owned(),
            default: default.map(str::to_owned),
            description: None,
            allowed_values: allowed.iter().map(|value| (*value).to_owned()).collect(),
        };
        let form = form(&[
            ("ref", " main "),
            ("custom", "release"),
            ("var:ENV", "moon"),
            ("others", "X=1"),
        ]);
        let fields = form.fields(&[
            variable("ENV", Some("dev"), &["dev", "prod"]),
            variable("NOTE", Some("n"), &[]),
        ]);
        let shown: Vec<_> = fields
            .iter()
            .map(|field| (field.field.as_str(), field.value.as_str(), field.is_refused))
            .collect();
        assert_eq!(shown, [("var:ENV", "moon", true), ("var:NOTE", "n", false)]);
        let given =
            [("ENV", "moon"), ("X", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            (form.ref_text.as_str(), form.variables().expect("reads")),
            ("main", given.to_vec())
        );
    }

    #[test]
    fn values_of_several_lines_are_kept_as_they_are() {
        let given = [("KEY", "one\ntwo"), ("PLAIN", "x"), ("ZONE", "\nlast")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let held = PipelineForm::holding("main".to_owned(), "release".to_owned(), &given, None);
        assert_eq!((held.others.as_str(), held.more.len()), ("PLAIN=x", 2));
        let sorted = |mut variables: Vec<(String, String)>| {
            variables.sort();
            variables
        };
        assert_eq!(sorted(held.variables().expect("reads")), given);
        let sent = form(&[
            ("more:KEY", "one\r\ntwo"),
            ("more:ZONE", ""),
            ("others", "PLAIN=x"),
        ]);
        assert_eq!(
            sorted(sent.variables().expect("reads")),
            given[..2],
            "an empty one is not given any more"
        );
        assert!(
            form(&[("more:KEY", "a\nb"), ("others", "KEY=c")])
                .variables()
                .expect_err("twice")
                .concat()
                .contains("KEY")
        );
    }

    #[test]
    fn a_name_that_no_file_can_hold_is_refused() {
        assert!(
            form(&[("custom", "a\0b")])
                .variables()
                .expect_err("no text")
                .concat()
                .contains("NUL")
        );
    }

    #[test]
    fn a_variable_with_a_field_is_not_given_twice() {
        assert!(
            form(&[("var:ENV", "a"), ("others", "ENV=b")])
                .variables()
                .expect_err("twice")
                .concat()
                .contains("ENV")
        );
    }
}
