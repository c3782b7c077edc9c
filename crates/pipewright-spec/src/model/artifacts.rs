//! `artifacts`: a list of globs, or a mapping of what to keep and what to fetch.

use super::checker::{Checker, entry_of};
use crate::capabilities::Feature;
use crate::diagnostic::Code;
use crate::syntax::{Entry, Node, Value};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Artifacts {
    pub(crate) paths: Vec<String>,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) downloads: Downloads,
    /// Only on steps that start a child pipeline.
    pub(crate) input: Vec<String>,
    pub(crate) output: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Downloads {
    #[default]
    All,
    None,
    Named(Vec<String>),
}

/// A named artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) kind: UploadKind,
    pub(crate) paths: Vec<String>,
    pub(crate) ignore_paths: Vec<String>,
    pub(crate) depth: Option<u32>,
    /// Position in [`CAPTURE`]; `None` where the file does not say.
    pub(crate) capture_on: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum UploadKind {
    #[default]
    Shared,
    Scoped,
    TestReports,
}

const KEYS: &[&str] = &["paths", "upload", "download", "input", "output"];
const UPLOAD_KEYS: &[&str] = &[
    "name",
    "type",
    "paths",
    "ignore-paths",
    "depth",
    "capture-on",
];
const CAPTURE: &[&str] = &["success", "failed", "always"];

impl Artifacts {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Self {
        let mut artifacts = Self::default();
        let node = &entry.value;
        cx.feature(Feature::Artifacts, entry.key_place);
        if let Value::List(_) = node.value {
            artifacts.paths = check_paths(cx, node, "`artifacts`");
            return artifacts;
        }
        if !matches!(node.value, Value::Map(_)) {
            cx.wrong_type(
                node,
                "`artifacts`",
                "a list of paths or a mapping",
                "write each path as a list item: `- dist/**`",
            );
            return artifacts;
        }
        cx.each(node, "`artifacts`", KEYS, |cx, key, entry| match key {
            "paths" => artifacts.paths = check_paths(cx, &entry.value, "`paths`"),
            "download" => artifacts.downloads = check_download(cx, &entry.value),
            "upload" => {
                cx.each_item(
                    &entry.value,
                    "`upload`",
                    "a list of artifacts",
                    |cx, item| {
                        if matches!(item.value, Value::Map(_)) {
                            artifacts.uploads.extend(Upload::check(cx, item));
                        } else if let Some(path) = cx.filled_text(item, "an item of `upload`") {
                            artifacts.paths.push(path.value);
                        }
                    },
                );
            }
            "input" => artifacts.input = check_paths(cx, &entry.value, "`input`"),
            _ => artifacts.output = check_paths(cx, &entry.value, "`output`"),
        });
        if let (Some(paths), Some(_)) = (entry_of(node, "paths"), node.get("upload")) {
            cx.error(
                Code::Exclusive,
                paths.key_place,
                format_args!("`artifacts` has both `paths` and `upload`, which Bitbucket refuses"),
                "make what `paths` lists an item of `upload`, with a `name` and `paths` of its own",
            );
        }
        artifacts
    }
}

impl Upload {
    fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Option<Self> {
        let mut upload = Self {
            name: String::new(),
            kind: UploadKind::Shared,
            paths: Vec::new(),
            ignore_paths: Vec::new(),
            depth: None,
            capture_on: None,
        };
        cx.each(
            node,
            "an artifact",
            UPLOAD_KEYS,
            |cx, key, entry| match key {
                "name" => {
                    upload.name = cx
                        .filled_text(&entry.value, "`name`")
                        .map(|text| text.value)
                        .unwrap_or_default();
                }
                "type" => {
                    upload.kind = match cx.choice(
                        &entry.value,
                        "`type`",
                        &["shared", "scoped", "test-reports"],
                    ) {
                        Some(1) => UploadKind::Scoped,
                        Some(2) => UploadKind::TestReports,
                        _ => UploadKind::Shared,
                    };
                }
                "paths" => upload.paths = check_paths(cx, &entry.value, "`paths`"),
                "ignore-paths" => {
                    if entry.value.items().is_none_or(|items| !items.is_empty()) {
                        upload.ignore_paths = check_paths(cx, &entry.value, "`ignore-paths`");
                    }
                }
                "depth" => upload.depth = cx.whole(&entry.value, "`depth`", 1..=1000),
                _ => upload.capture_on = cx.choice(&entry.value, "`capture-on`", CAPTURE),
            },
        );
        for key in ["name", "paths"] {
            if node.get(key).is_none() {
                cx.missing(
                    node.place,
                    "an artifact",
                    key,
                    "an artifact of `upload` has a `name` and `paths`",
                );
            }
        }
        (!upload.paths.is_empty()).then_some(upload)
    }
}

fn check_download<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Downloads {
    match &node.value {
        Value::List(_) => Downloads::Named(
            cx.texts(node, "`download`")
                .into_iter()
                .map(|text| text.value)
                .collect(),
        ),
        _ => match cx.flag(node, "`download`") {
            Some(false) => Downloads::None,
            _ => Downloads::All,
        },
    }
}

/// Globs relative to the clone directory. Bitbucket keeps files only, inside of that directory, and its globs know no `.`
/// and `..`: a path that cannot match anything is warned of.
fn check_paths<'n>(cx: &mut Checker<'n>, node: &'n Node, what: &str) -> Vec<String> {
    let paths = cx.texts(node, what);
    for path in &paths {
        if path.value.starts_with(['/', '~']) || path.value.split('/').any(|part| part == "..") {
            cx.warning(
                Code::NotAllowed,
                path.place,
                format_args!(
                    "{} leads out of the clone directory, so it keeps nothing",
                    crate::diagnostic::shown(&path.value)
                ),
                "copy the files into the clone directory in the script, and name them there",
            );
        } else if path.value.split('/').any(|part| part == ".") {
            let plain: Vec<&str> = path.value.split('/').filter(|part| *part != ".").collect();
            cx.warning(
                Code::NotAllowed,
                path.place,
                format_args!(
                    "{} has a part `.`, with which Bitbucket keeps nothing",
                    crate::diagnostic::shown(&path.value)
                ),
                &format!("write {}", crate::diagnostic::shown(&plain.join("/"))),
            );
        } else if path.value.ends_with('/') {
            cx.warning(
                Code::NotAllowed,
                path.place,
                format_args!(
                    "{} names a directory, and only files are kept",
                    crate::diagnostic::shown(&path.value)
                ),
                &format!(
                    "write {}",
                    crate::diagnostic::shown(&format!("{}**", path.value))
                ),
            );
        }
    }
    paths.into_iter().map(|path| path.value).collect()
}
