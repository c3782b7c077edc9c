//! Which trigger a command is asked about: `--branch`, `--tag`, `--pull-request` or `--custom` with its variables.

use anyhow::{Context, bail};
use clap::Args;
use pipewright_core::RefName;
use pipewright_spec::Trigger;

/// Where a pull request goes when nobody says.
const DEFAULT_DESTINATION: &str = "main";

/// The trigger that was asked for; at most one.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Which {
    /// As a push to this branch would.
    #[arg(long, value_name = "NAME", group = "trigger")]
    branch: Option<String>,
    /// As a push of this tag would.
    #[arg(long, value_name = "NAME", group = "trigger")]
    tag: Option<String>,
    /// As a pull request from one branch to another would; to main where none is given.
    #[arg(long, value_name = "SRC[:DST]", group = "trigger")]
    pull_request: Option<String>,
    /// The custom pipeline of this name.
    #[arg(long, value_name = "NAME", group = "trigger")]
    custom: Option<String>,
    /// A variable of the custom pipeline; may be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
}

impl Which {
    /// The trigger, or `None` where nothing was asked for. Names that git refuses are errors.
    pub(crate) fn trigger(&self) -> anyhow::Result<Option<Trigger>> {
        let variables = self.variables()?;
        if let Some(name) = &self.custom {
            return Ok(Some(Trigger::Custom {
                name: name.clone(),
                variables,
            }));
        }
        if !variables.is_empty() {
            bail!("--var gives a variable to a custom pipeline; say which with --custom NAME");
        }
        if let Some(name) = &self.branch {
            return Ok(Some(Trigger::Branch {
                name: branch(name)?,
            }));
        }
        if let Some(name) = &self.tag {
            let name = RefName::tag(name)
                .with_context(|| "--tag")?
                .short()
                .to_owned();
            return Ok(Some(Trigger::Tag { name }));
        }
        let Some(request) = &self.pull_request else {
            return Ok(None);
        };
        // A branch's name holds no colon.
        let (source, destination) = request
            .split_once(':')
            .unwrap_or((request, DEFAULT_DESTINATION));
        Ok(Some(Trigger::PullRequest {
            source_branch: branch(source)?,
            destination_branch: branch(destination)?,
        }))
    }

    /// The variables as given, in order.
    pub(crate) fn variables(&self) -> anyhow::Result<Vec<(String, String)>> {
        let pairs = self.variables.iter().map(|text| {
            let (name, value) = text
                .split_once('=')
                .with_context(|| format!("--var {text:?} has no value; write --var NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        });
        pairs.collect()
    }
}

fn branch(name: &str) -> anyhow::Result<String> {
    Ok(RefName::branch(name)?.short().to_owned())
}

#[cfg(test)]
mod tests {
    use pipewright_spec::Trigger;

    use super::Which;

    #[test]
    fn a_pull_request_goes_to_main_unless_said() {
        let asked = |text: &str| {
            Which {
                pull_request: Some(text.to_owned()),
                ..Which::default()
            }
            .trigger()
            .expect("names of branches")
        };
        let request = |source: &str, destination: &str| Trigger::PullRequest {
            source_branch: source.to_owned(),
            destination_branch: destination.to_owned(),
        };
        assert_eq!(asked("feature/x"), Some(request("feature/x", "main")));
        assert_eq!(
            asked("feature/x:develop"),
            Some(request("feature/x", "develop"))
        );
    }

    #[test]
    fn what_git_refuses_and_what_makes_no_sense_are_refused() {
        assert!(
            Which {
                branch: Some("a b".to_owned()),
                ..Which::default()
            }
            .trigger()
            .is_err()
        );
        assert!(
            Which {
                variables: vec!["A=b".to_owned()],
                ..Which::default()
            }
            .trigger()
            .is_err()
        );
        assert!(
            Which {
                custom: Some("x".to_owned()),
                variables: vec!["A".to_owned()],
                ..Which::default()
            }
            .trigger()
            .is_err()
        );
        let given = Which {
            custom: Some("x".to_owned()),
            variables: vec!["A=b=c".to_owned()],
            ..Which::default()
        };
        let variables = vec![("A".to_owned(), "b=c".to_owned())];
        assert_eq!(
            given.trigger().expect("it fits"),
            Some(Trigger::Custom {
                name: "x".to_owned(),
                variables
            })
        );
    }
}
