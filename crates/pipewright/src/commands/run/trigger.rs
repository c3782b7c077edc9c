//! What the person wants to run: the branch checked out, another branch, or a custom pipeline by its name.

use anyhow::{Context, bail};
use pipewright_core::{RefName, RefPattern};
use pipewright_git::{Head, LocalRepository};
use pipewright_spec::diagnostic::nearest;
use pipewright_spec::plan::Section;
use pipewright_spec::{PipelineFile, Trigger};

use crate::commands::shown::shown;
use crate::commands::which::Which;

/// The trigger. A bare word is a custom pipeline of the file, or else a branch that exists here, at `origin` or in the
/// file; any other word is more likely a slip than a new branch.
pub(super) async fn settle(
    target: Option<&str>,
    which: &Which,
    repository: &LocalRepository,
    head: &Head,
    file: &PipelineFile,
) -> anyhow::Result<Trigger> {
    let Some(word) = target else {
        if let Some(trigger) = which.trigger()? {
            return Ok(trigger);
        }
        let branch = head.branch.as_ref();
        let branch = branch.context("no branch is checked out (HEAD is detached); say which one with --branch NAME, or --custom NAME")?;
        return Ok(Trigger::Branch {
            name: branch.short().to_owned(),
        });
    };
    let starts = file.start_conditions();
    let variables = which.variables()?;
    if starts
        .iter()
        .any(|start| start.section == Section::Custom && start.name == word)
    {
        return Ok(Trigger::Custom {
            name: word.to_owned(),
            variables,
        });
    }
    if !variables.is_empty() {
        bail!(
            "--var gives a variable to a custom pipeline, and the file has none named {:?}",
            shown(word, 80)
        );
    }
    let in_file = || {
        let exact = |name: &str| {
            name == word
                && name
                    .parse::<RefPattern>()
                    .is_ok_and(|pattern| pattern.is_exact())
        };
        starts
            .iter()
            .any(|start| start.section == Section::Branches && exact(&start.name))
    };
    if let Ok(branch) = RefName::branch(word)
        && (in_file()
            || repository.resolve(&branch).await?.is_some()
            || repository.resolve_fetched(&branch).await?.is_some())
    {
        return Ok(Trigger::Branch {
            name: word.to_owned(),
        });
    }
    let names: Vec<&str> = starts
        .iter()
        .map(|start| start.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    let hint = nearest(word, &names)
        .map(|near| format!("did you mean {near}? "))
        .unwrap_or_default();
    let word = shown(word, 80);
    bail!(
        "{word} is neither a custom pipeline nor a branch; {hint}for a branch that does not exist yet use --branch {word}"
    )
}
