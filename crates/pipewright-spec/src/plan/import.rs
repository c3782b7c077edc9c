//! Pipelines of other files. Nothing is fetched here: planning says which file it needs, the caller brings it, and planning
//! goes on with it.
//!
//! An imported pipeline stands under `definitions.pipelines` of its file and uses that file's definitions, image and
//! options; it runs with the importer's variables and commit, and may not itself import. A file of another repository must
//! say `export: true`; between files of one repository, which whoever imports can edit anyway, its absence is a warning.

use std::sync::Arc;

use pipewright_core::CommitHash;
use pipewright_core::plan::ImportedFrom;

use crate::diagnostic::{Code, Diagnostic, Severity, Span, nearest, shown};
use crate::model::{Body, Brought, Import, ImportSource, Pipeline, PipelineFile};
use crate::parse::Parsed;

/// A pipeline of another file, which planning needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededImport {
    /// Where the file is. As text it is a good name to parse it under.
    pub source: ImportSource,
    /// The pipeline's key under `definitions.pipelines` there.
    pub pipeline: String,
    at: Span,
    path: String,
}

impl NeededImport {
    /// The problem that the file cannot be had, at the place of the import. `reason` follows "… cannot be imported: ".
    pub fn refused(&self, reason: &str, help: &str) -> Diagnostic {
        let message = format!(
            "the pipeline {} of {} cannot be imported: {reason}",
            shown(&self.pipeline),
            shown(&self.source.to_string())
        );
        let problem = Diagnostic::new(Severity::Error, Code::ImportRefused, message, self.at)
            .with_path(&*self.path);
        if help.is_empty() {
            problem
        } else {
            problem.with_help(help)
        }
    }
}

/// Where the steps of a pipeline are.
pub(super) struct OriginOf<'f> {
    pub(super) file: &'f PipelineFile,
    pub(super) pipeline: &'f Pipeline,
    /// Of the other file, with its name, and of the import.
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) imported: Option<ImportedFrom>,
}

/// Why there are no steps.
pub(super) enum Absent {
    Needed(Box<NeededImport>),
    Refused(Vec<Diagnostic>),
}

impl PipelineFile {
    /// Gives the file what it imports from: the other file, parsed under the name that problems shall call it, and the
    /// commit it was read at where that is not the build's own.
    pub fn bring(&mut self, source: &ImportSource, parsed: Parsed, commit: Option<CommitHash>) {
        let brought = Brought {
            name: parsed.file_name,
            file: parsed.pipeline_file.map(Arc::new),
            diagnostics: parsed.diagnostics,
            commit,
        };
        self.brought.retain(|(known, _)| known != source);
        self.brought.push((source.clone(), brought));
    }

    /// Every pipeline that the file imports, in the order of the file.
    pub fn imports(&self) -> Vec<NeededImport> {
        let mut all: Vec<NeededImport> = self
            .pipelines
            .all()
            .filter_map(|pipeline| match &pipeline.body {
                Body::Import(import) => Some(self.needed(import)),
                Body::Items(_) => None,
            })
            .collect();
        all.sort_by_key(|needed| needed.at.start);
        all
    }

    /// What is wrong with the imports whose files were brought: the pipelines that are not there or not shared.
    pub fn import_problems(&self) -> Vec<Diagnostic> {
        let mut problems: Vec<Diagnostic> = Vec::new();
        for pipeline in self
            .pipelines
            .all()
            .filter(|pipeline| matches!(pipeline.body, Body::Import(_)))
        {
            let found = match self.origin(pipeline) {
                Ok(origin) => origin.diagnostics,
                Err(Absent::Refused(refused)) => refused,
                Err(Absent::Needed(_)) => Vec::new(),
            };
            for problem in found {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    fn needed(&self, import: &Import) -> NeededImport {
        let at = self
            .source
            .used(import.place)
            .unwrap_or_else(|| self.source.defined(import.place));
        NeededImport {
            source: import.source.clone(),
            pipeline: import.pipeline.clone(),
            at,
            path: import.path.clone(),
        }
    }

    /// Where the steps of a pipeline of this file are: here, or in a file that was brought.
    pub(super) fn origin<'f>(&'f self, pipeline: &'f Pipeline) -> Result<OriginOf<'f>, Absent> {
        let import = match &pipeline.body {
            Body::Items(_) => {
                return Ok(OriginOf {
                    file: self,
                    pipeline,
                    diagnostics: Vec::new(),
                    imported: None,
                });
            }
            Body::Import(import) => import,
        };
        let needed = self.needed(import);
        let Some((_, brought)) = self
            .brought
            .iter()
            .find(|(source, _)| *source == import.source)
        else {
            return Err(Absent::Needed(Box::new(needed)));
        };
        let name = &brought.name;
        let mut diagnostics: Vec<Diagnostic> = brought
            .diagnostics
            .iter()
            .map(|problem| problem.clone().in_file(name))
            .collect();
        let of_here = matches!(import.source, ImportSource::File { .. });
        // What a file that is not shared says is nobody's business in another repository: neither its problems, which quote
        // it, nor which names it has.
        if !of_here && !brought.file.as_ref().is_some_and(|file| file.export) {
            let help = "fix that file where it is, and write `export: true` at its top";
            return Err(Absent::Refused(vec![needed.refused(
                "that file cannot be read or does not share its pipelines",
                help,
            )]));
        }
        let refused = |mut diagnostics: Vec<Diagnostic>, reason: &str, help: &str| {
            diagnostics.insert(0, needed.refused(reason, help));
            Err(Absent::Refused(diagnostics))
        };
        let file = match &brought.file {
            Some(file) if !file.is_invalid() => file,
            _ => return refused(diagnostics, "that file cannot run", "fix it there"),
        };
        let Some((_, shared)) = file
            .shared
            .iter()
            .find(|(key, _)| key.value == import.pipeline)
        else {
            let names: Vec<&str> = file
                .shared
                .iter()
                .map(|(key, _)| key.value.as_str())
                .take(200)
                .collect();
            let help = match nearest(&import.pipeline, &names) {
                Some(near) => format!("did you mean {}?", shown(near)),
                None => "name a key of `definitions.pipelines` of that file".to_owned(),
            };
            return refused(
                diagnostics,
                "that file has no such pipeline under `definitions.pipelines`",
                &help,
            );
        };
        if matches!(shared.body, Body::Import(_)) {
            return refused(
                diagnostics,
                "it is imported there too",
                "import it from the file that it is written in",
            );
        }
        if !file.export {
            let message = format!(
                "{} does not say `export: true`, which Bitbucket requires of a file that pipelines are imported from",
                shown(name)
            );
            let problem =
                Diagnostic::new(Severity::Warning, Code::ImportRefused, message, needed.at);
            diagnostics.insert(
                0,
                problem
                    .with_path(&*needed.path)
                    .with_help("write it at the top of that file"),
            );
        }
        let imported = ImportedFrom {
            file: name.clone(),
            pipeline: import.pipeline.clone(),
            commit: brought.commit.clone(),
        };
        Ok(OriginOf {
            file,
            pipeline: shared,
            diagnostics,
            imported: Some(imported),
        })
    }
}
