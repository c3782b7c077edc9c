//! `import`: a pipeline of another file. Read here; fetching the other file is the caller's.

use super::checker::{At, Checker};
use super::import_source::ImportSource;
use super::names::Defined;
use crate::capabilities::Feature;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Entry, Kind, Node, Place, Value};

/// An `import` as written: the pipeline's name and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) pipeline: String,
    pub(crate) source: ImportSource,
    pub(crate) place: Place,
    pub(crate) path: String,
}

impl Import {
    /// Reads `repository:reference:pipeline` or `pipeline@source`.
    pub(crate) fn check(cx: &mut Checker<'_>, entry: &Entry) -> Option<Self> {
        cx.feature(Feature::Imports, entry.key_place);
        let text = cx.filled_text(&entry.value, "`import`")?;
        // Names of pipelines may hold a colon and names of branches an `@`: a source that is defined decides.
        if let Some((pipeline, name)) = text.value.rsplit_once('@')
            && (!text.value.contains(':') || cx.names.imports.contains_key(name.trim()))
        {
            return Self::from_named(cx, &text, pipeline, name);
        }
        let parts: Vec<&str> = text.value.split(':').map(str::trim).collect();
        match parts.as_slice() {
            [repository, reference, pipeline] if parts.iter().all(|part| !part.is_empty()) => {
                let source = ImportSource::Repository {
                    repository: (*repository).to_owned(),
                    reference: (*reference).to_owned(),
                    path: None,
                };
                Some(Self {
                    pipeline: (*pipeline).to_owned(),
                    source,
                    place: text.place,
                    path: cx.path(),
                })
            }
            _ => {
                let message = format_args!("{} is not an import source", shown(&text.value));
                cx.error(
                    Code::BadImport,
                    text.place,
                    message,
                    "write `repository:branch-or-tag:pipeline`, or `pipeline@source` with the source in `definitions.imports`",
                );
                None
            }
        }
    }

    fn from_named(
        cx: &mut Checker<'_>,
        text: &At<String>,
        pipeline: &str,
        name: &str,
    ) -> Option<Self> {
        let (pipeline, name) = (pipeline.trim(), name.trim());
        match cx.names.imports.get(name).cloned() {
            Some(source) if !pipeline.is_empty() => Some(Self {
                pipeline: pipeline.to_owned(),
                source: source?,
                place: text.place,
                path: cx.path(),
            }),
            _ => {
                let help = cx.suggestion(
                    name,
                    Defined::Imports,
                    "define it: `definitions: {imports: {name: repository:branch-or-tag}}`",
                );
                cx.error(
                    Code::BadImport,
                    text.place,
                    format_args!("no import source {} is defined", shown(name)),
                    &help,
                );
                None
            }
        }
    }
}

/// A source under `definitions.imports`: a text, or a mapping with the text under `import`.
pub(crate) fn check_source<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Option<ImportSource> {
    let node: &Node = match &entry.value.value {
        Value::Map(_) => {
            cx.each(&entry.value, "an import source", &["import"], |_, _, _| {});
            let Some(inner) = entry.value.get("import") else {
                cx.missing(
                    entry.key_place,
                    "an import source",
                    "import",
                    "write `name: repository:branch-or-tag`",
                );
                return None;
            };
            inner
        }
        Value::Scalar(Kind::Null, _) => {
            cx.empty_value(entry);
            return None;
        }
        _ => &entry.value,
    };
    let text = cx.filled_text(node, "an import source")?;
    let parts: Vec<&str> = text.value.split(':').map(str::trim).collect();
    let source = match parts.as_slice() {
        [path] if path.ends_with("pipelines.yml") => ImportSource::File {
            path: path.strip_prefix("./").unwrap_or(path).to_owned(),
        },
        [repository, reference] => ImportSource::Repository {
            repository: (*repository).to_owned(),
            reference: (*reference).to_owned(),
            path: None,
        },
        [repository, reference, path] if path.ends_with("pipelines.yml") => {
            ImportSource::Repository {
                repository: (*repository).to_owned(),
                reference: (*reference).to_owned(),
                path: Some((*path).to_owned()),
            }
        }
        _ => {
            let message = format_args!("{} is not an import source", shown(&text.value));
            cx.error(Code::BadImport, text.place, message, "write `repository:branch-or-tag`, `repository:branch-or-tag:file`, or a path of this repository; the file must end in `pipelines.yml`");
            return None;
        }
    };
    if let ImportSource::File { path }
    | ImportSource::Repository {
        path: Some(path), ..
    } = &source
        && (path.starts_with('/')
            || path.contains('\\')
            || path.split('/').any(|part| matches!(part, "" | "." | "..")))
    {
        let message = format_args!("{} is not the path of a file in a repository", shown(path));
        cx.error(
            Code::BadImport,
            text.place,
            message,
            "write it from the repository's root, without `.` and `..`",
        );
        return None;
    }
    if parts.iter().any(|part| part.is_empty()) {
        let message = format_args!("{} has an empty part", shown(&text.value));
        cx.error(
            Code::BadImport,
            text.place,
            message,
            "write `repository:branch-or-tag`",
        );
        return None;
    }
    Some(source)
}
