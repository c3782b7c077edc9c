//! Files that a pipeline file imports from, as a command on a checkout finds them: those of the same repository beside it, those
//! of other repositories only where `--import` names a checkout of them.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use pipewright_spec::{Diagnostic, FileText, Import, NeededImport, PipelineFile, parse};

use super::files;

/// The option that the commands share.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Imports {
    /// Where a checkout of another repository is that pipelines are imported from; may be repeated.
    #[arg(long = "import", value_name = "REPOSITORY:REF=DIRECTORY", value_parser = checkout)]
    checkouts: Vec<Checkout>,
}

/// A repository at a branch or tag, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Checkout {
    source: String,
    directory: PathBuf,
}

fn checkout(text: &str) -> anyhow::Result<Checkout> {
    let named = text.rsplit_once('=').filter(|(source, directory)| {
        let parts: Vec<&str> = source.split(':').collect();
        parts.len() == 2 && parts.iter().all(|part| !part.is_empty()) && !directory.is_empty()
    });
    let Some((source, directory)) = named else {
        bail!("write REPOSITORY:REF=DIRECTORY, for example tools:main=../tools")
    };
    let directory = PathBuf::from(directory);
    if !directory.is_dir() {
        bail!("{} is not a directory", directory.display());
    }
    Ok(Checkout {
        source: source.to_owned(),
        directory,
    })
}

/// A file of this repository by its path: what to call it and its bytes, `None` where it is not there.
pub(crate) type OwnFile<'a> = dyn Fn(&str) -> Result<Option<(String, Vec<u8>)>, String> + 'a;

/// What was brought.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    /// Names and texts of the files, to draw their problems with.
    texts: Vec<(String, String)>,
    /// What could not be brought.
    pub(crate) problems: Vec<Diagnostic>,
    /// Imports of other repositories that nobody named a checkout of.
    pub(crate) unknown: Vec<NeededImport>,
}

impl Brought {
    /// For drawing.
    pub(crate) fn texts(&self) -> Vec<FileText<'_>> {
        self.texts
            .iter()
            .map(|(name, text)| FileText { name, text })
            .collect()
    }

    /// The text of a file by its name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| text.as_str())
    }
}

impl Imports {
    /// Brings what is needed into the file.
    pub(crate) fn bring(
        &self,
        file: &mut PipelineFile,
        needed: Vec<NeededImport>,
        own: &OwnFile<'_>,
    ) -> Brought {
        let mut brought = Brought::default();
        let mut done: Vec<Import> = Vec::new();
        for needed in needed {
            if done.contains(&needed.source) {
                continue;
            }
            let found = match &needed.source {
                Import::File { path } => own(path),
                Import::Repository {
                    repository,
                    reference,
                    ..
                } => {
                    let wanted = format!("{repository}:{reference}");
                    let Some(checkout) = self
                        .checkouts
                        .iter()
                        .find(|checkout| checkout.source == wanted)
                    else {
                        brought.unknown.push(needed);
                        continue;
                    };
                    below(&checkout.directory, needed.source.path())
                }
            };
            match found {
                Ok(Some((name, bytes))) => {
                    let parsed = parse(&name, &bytes);
                    brought.texts.push((name, parsed.source.clone()));
                    file.bring(&needed.source, parsed, None);
                    done.push(needed.source);
                }
                Ok(None) => brought.problems.push(needed.refused(
                    "there is no such file",
                    "correct the path, or make the file",
                )),
                Err(reason) => brought.problems.push(needed.refused(&reason, "")),
            }
        }
        brought
    }
}

/// A file below a directory.
pub(crate) fn below(
    directory: &std::path::Path,
    path: &str,
) -> Result<Option<(String, Vec<u8>)>, String> {
    let path = directory.join(path);
    if !path.exists() {
        return Ok(None);
    }
    let name = path
        .strip_prefix(".")
        .unwrap_or(&path)
        .display()
        .to_string();
    files::read(&files::Source::File(path)).map(|bytes| Some((name, bytes)))
}

/// The problem of an import of another repository, where it is needed.
pub(crate) fn unnamed(needed: &NeededImport) -> Diagnostic {
    let source = match &needed.source {
        Import::Repository {
            repository,
            reference,
            ..
        } => format!("{repository}:{reference}"),
        Import::File { path } => path.clone(),
    };
    let help = format!("say where a checkout of it is: --import {source}=DIRECTORY");
    needed.refused(
        "it is in another repository, which this command does not fetch",
        &help,
    )
}

#[cfg(test)]
mod tests {
    use super::checkout;

    #[test]
    fn a_checkout_has_a_repository_a_ref_and_a_directory() {
        let here = checkout("tools:feature/x=.").expect("a checkout");
        assert_eq!(
            (here.source.as_str(), here.directory.to_str()),
            ("tools:feature/x", Some("."))
        );
        for text in [
            "tools",
            "tools=.",
            "tools:main",
            "tools:main=",
            ":main=.",
            "tools:=.",
            "a:b:c=.",
            "tools:main=/no/such/directory",
        ] {
            assert!(checkout(text).is_err(), "{text}");
        }
    }
}
