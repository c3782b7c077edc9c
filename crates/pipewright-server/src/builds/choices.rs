//! What a pipeline file offers for a branch or tag: what a push of it runs, and its custom pipelines. No I/O.

use pipewright_core::RefName;
use pipewright_spec::diagnostic::Code;
use pipewright_spec::plan::{CustomVariable, Section, Values};
use pipewright_spec::{Capabilities, PipelineFile, Planned, Trigger, parse};

use super::plan::FILE_NAME;

/// What can be run.
#[derive(Debug)]
pub(crate) struct Choices {
    /// The part of the file that a push of the ref runs (`branches: main`), or why it runs nothing.
    pub(crate) push: Result<String, String>,
    /// The custom pipelines, in the order of the file.
    pub(crate) custom: Vec<CustomChoice>,
    /// How many problems keep the file from running.
    pub(crate) problems: usize,
    file: Option<PipelineFile>,
}

/// A custom pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomChoice {
    /// Its key under `pipelines.custom`.
    pub(crate) name: String,
    /// How many steps it has; 0 where it is imported.
    pub(crate) steps: usize,
    /// What it asks for.
    pub(crate) variables: Vec<CustomVariable>,
}

impl Choices {
    /// Reads the file for this ref.
    pub(crate) fn of(text: &[u8], ref_name: &RefName) -> Self {
        let parsed = parse(FILE_NAME, text);
        let problems = parsed
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_fatal())
            .count();
        let Some(file) = parsed.pipeline_file else {
            return Self {
                push: Err(format!("{FILE_NAME} cannot be read")),
                custom: Vec::new(),
                problems,
                file: None,
            };
        };
        let name = ref_name.short().to_owned();
        let trigger = if ref_name.is_branch() {
            Trigger::Branch { name }
        } else {
            Trigger::Tag { name }
        };
        let push = file.selection(&trigger).map(|selection| selection.pipeline);
        let starts = file
            .start_conditions()
            .into_iter()
            .filter(|start| start.section == Section::Custom);
        let custom = starts
            .map(|start| CustomChoice {
                name: start.name,
                steps: start.steps,
                variables: start.variables,
            })
            .collect();
        Self {
            push,
            custom,
            problems,
            file: Some(file),
        }
    }

    /// The custom pipeline of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&CustomChoice> {
        self.custom.iter().find(|choice| choice.name == name)
    }

    /// What the planner has against these values for this custom pipeline's variables: whole sentences, each with what to
    /// do. A pipeline that this file does not have is not judged: the commit that is built may have it.
    pub(crate) fn refused(&self, custom: &str, variables: &[(String, String)]) -> Vec<String> {
        let Some(file) = &self.file else {
            return Vec::new();
        };
        let trigger = Trigger::Custom {
            name: custom.to_owned(),
            variables: variables.to_vec(),
        };
        let Planned::Invalid(diagnostics) =
            file.plan_within(&trigger, &Values::new(), &Capabilities::all())
        else {
            return Vec::new();
        };
        let codes = [Code::VariableValue.as_str(), Code::VariableName.as_str()];
        let of_variables = diagnostics
            .into_iter()
            .filter(|diagnostic| codes.contains(&&*diagnostic.code));
        of_variables
            .map(|diagnostic| {
                let help = diagnostic
                    .help
                    .map(|help| format!("; {help}"))
                    .unwrap_or_default();
                crate::ground::sentence(&format!("{}{help}", diagnostic.message))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::RefName;

    use super::Choices;

    const FILE: &str = "pipelines:\n  branches:\n    main:\n      - step: {script: [make]}\n  custom:\n    release:\n      - variables:\n          - {name: ENV, default: dev, allowed-values: [dev, prod]}\n          - {name: NOTE}\n      - step: {script: [make]}\n";

    fn choices(branch: &str) -> Choices {
        Choices::of(FILE.as_bytes(), &RefName::branch(branch).expect("a branch"))
    }

    #[test]
    fn a_file_offers_what_a_push_runs_and_its_custom_pipelines() {
        assert_eq!(choices("main").push.as_deref(), Ok("branches: main"));
        assert!(
            choices("other")
                .push
                .expect_err("nothing")
                .contains("does not match")
        );
        let release = choices("main").find("release").expect("is there").clone();
        assert_eq!((release.steps, release.variables.len()), (1, 2));
        assert!(
            Choices::of(b"- no\n", &RefName::branch("main").expect("a branch"))
                .push
                .is_err()
        );
    }

    #[test]
    fn values_are_judged_as_the_planner_does() {
        let given = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let choices = choices("main");
        assert!(choices.refused("release", &given("ENV", "prod")).is_empty());
        assert!(
            choices.refused("release", &given("EXTRA", "x")).is_empty(),
            "Bitbucket's API takes any name"
        );
        let refused = choices.refused("release", &given("ENV", "moon"));
        assert_eq!(
            refused,
            ["The value `moon` is not allowed for the variable `ENV`; use one of `dev`, `prod`."]
        );
        assert_eq!(choices.refused("release", &given("A-B", "x")).len(), 1);
        assert!(choices.refused("none", &given("ENV", "moon")).is_empty());
    }
}
