//! The file as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use pipewright_core::CommitHash;

use super::checker::{At, Checker};
use super::clone::CloneSettings;
use super::definitions::Definitions;
use super::image::Image;
use super::import_source::ImportSource;
use super::memory::says_memory;
use super::names::Names;
use super::options::Options;
use super::pipeline::{Pipeline, Pipelines, check_custom};
use super::resources::Resources;
use super::triggers::{TriggerRule, check_triggers};
use crate::capabilities::{FeatureUse, is_outside};
use crate::diagnostic::{Code, Collected, Diagnostic, shown};
use crate::syntax::{Entry, Node, Source, Value};

/// A pipeline file, read and checked. Cheap to plan from, many times.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    pub(crate) source: Arc<Source>,
    pub(crate) image: Option<Image>,
    pub(crate) clone: CloneSettings,
    pub(crate) options: Options,
    pub(crate) definitions: Definitions,
    /// `definitions.pipelines`, for files that share theirs.
    pub(crate) shared: Vec<(At<String>, Pipeline)>,
    pub(crate) pipelines: Pipelines,
    pub(crate) triggers: Vec<TriggerRule>,
    pub(crate) export: bool,
    /// What the file's own settings need of the installation, whichever pipeline runs.
    pub(crate) features: Vec<FeatureUse>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The tree, where a template in it must be given its value before the file can be checked for good.
    pub(crate) templates: Option<Arc<Node>>,
    /// Files that it imports from, as far as they were brought.
    pub(crate) brought: Vec<(ImportSource, Brought)>,
}

/// A file that pipelines are imported from.
#[derive(Debug, Clone)]
pub(crate) struct Brought {
    /// What problems call it.
    pub(crate) name: String,
    /// `None` where it is no pipeline file at all.
    pub(crate) file: Option<Arc<PipelineFile>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The commit it was read at, where that is not the build's own.
    pub(crate) commit: Option<CommitHash>,
}

const KEYS: &[&str] = &[
    "pipelines",
    "image",
    "definitions",
    "options",
    "clone",
    "export",
    "triggers",
    "labels",
];

/// Checks a tree. The problems are given beside the file, which keeps them too.
pub(crate) fn check(
    source: &Arc<Source>,
    root: Node,
    collected: Collected,
) -> (Option<PipelineFile>, Vec<Diagnostic>) {
    let mut cx = Checker::new(source, collected);
    let Value::Map(entries) = &root.value else {
        let help =
            "a pipeline file is a mapping: write `pipelines:` and below it, indented, `default:`";
        cx.wrong_type(&root, "the file", "a mapping", help);
        return (None, cx.finish());
    };
    let mut file = PipelineFile {
        source: Arc::clone(source),
        image: None,
        clone: CloneSettings::default(),
        options: Options::default(),
        definitions: Definitions::default(),
        shared: Vec::new(),
        pipelines: Pipelines::default(),
        triggers: Vec::new(),
        export: false,
        features: Vec::new(),
        diagnostics: Vec::new(),
        templates: None,
        brought: Vec::new(),
    };
    let (known, features) = cx.with_features(|cx| {
        let known = Known::find(cx, entries);
        file.check_settings(cx, &known);
        known
    });
    file.features = features;
    file.check_pipelines(&mut cx, &known, &root);
    file.diagnostics = cx.finish();
    let diagnostics = file.diagnostics.clone();
    if root.has_template() {
        file.templates = Some(Arc::new(root));
    }
    (Some(file), diagnostics)
}

/// The known top-level keys that have a value; they are read in our order, because pipelines need the definitions.
struct Known<'n>(Vec<&'n Entry>);

impl<'n> Known<'n> {
    fn find(cx: &mut Checker<'n>, entries: &'n [Entry]) -> Self {
        let mut known = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if !KEYS.contains(&entry.key.as_str()) {
                let end = entries
                    .get(index + 1)
                    .map_or(cx.source.text.len() as u32, |next| next.key_place.start);
                warn_of_unknown(cx, entry, end);
            } else if entry.value.is_null() {
                if entry.key != "pipelines" {
                    cx.within(&entry.key, |cx| cx.empty_value(entry));
                }
            } else {
                known.push(entry);
            }
        }
        Self(known)
    }

    fn with<T>(
        &self,
        cx: &mut Checker<'n>,
        key: &str,
        check: impl FnOnce(&mut Checker<'n>, &'n Entry) -> T,
    ) -> Option<T> {
        let entry = *self.0.iter().find(|entry| entry.key == key)?;
        Some(cx.within(&entry.key, |cx| check(cx, entry)))
    }
}

/// A key of one's own at the top is fine where it parks an anchor, as Bitbucket allows; elsewhere it is a mistake.
fn warn_of_unknown<'n>(cx: &mut Checker<'n>, entry: &'n Entry, end: u32) {
    let text = cx
        .source
        .text
        .get(entry.key_place.start as usize..end as usize)
        .unwrap_or("");
    let holds_anchor =
        text.contains(" &") || entry.key.starts_with("x-") || entry.key.starts_with('.');
    if !holds_anchor || crate::diagnostic::nearest(&entry.key, KEYS).is_some() {
        cx.unknown_key(entry, "a pipeline file", KEYS);
    }
}

impl PipelineFile {
    fn check_settings<'n>(&mut self, cx: &mut Checker<'n>, known: &Known<'n>) {
        self.image = known
            .with(cx, "image", |cx, entry| Image::check(cx, &entry.value))
            .flatten();
        self.clone = known
            .with(cx, "clone", |cx, entry| {
                CloneSettings::check(cx, &entry.value)
            })
            .unwrap_or_default();
        self.options = known
            .with(cx, "options", |cx, entry| Options::check(cx, &entry.value))
            .unwrap_or_default();
        self.export = known
            .with(cx, "export", |cx, entry| cx.flag(&entry.value, "`export`"))
            .flatten()
            .unwrap_or(false);
        known.with(cx, "labels", |cx, entry| {
            if entry.value.entries().is_none() {
                cx.wrong_type(&entry.value, "`labels`", "a mapping", "");
            }
        });
        self.definitions = known
            .with(cx, "definitions", |cx, entry| {
                Definitions::check(cx, &entry.value)
            })
            .unwrap_or_default();
        let customs = known
            .with(cx, "pipelines", |_, entry| {
                names_of(entry.value.get("custom"))
            })
            .unwrap_or_default();
        cx.names = Names {
            services: self
                .definitions
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect(),
            caches: self
                .definitions
                .caches
                .iter()
                .map(|cache| cache.name.clone())
                .collect(),
            outside_caches: self
                .definitions
                .caches
                .iter()
                .filter(|cache| is_outside(&cache.path))
                .map(|cache| cache.name.clone())
                .collect(),
            imports: self.definitions.imports.iter().cloned().collect(),
            customs,
        };
        let options = known
            .0
            .iter()
            .find(|entry| entry.key == "options")
            .map(|entry| &entry.value);
        cx.resources = Resources {
            size: if options.is_some_and(|options| options.get("size").is_some()) {
                self.options.size
            } else {
                Some(1)
            },
            docker: self.options.docker,
            services: self
                .definitions
                .services
                .iter()
                .filter_map(|service| Some((service.name.clone(), service.memory?)))
                .collect(),
            own_machine: options.is_some_and(says_memory),
        };
        self.triggers = known
            .with(cx, "triggers", check_triggers)
            .unwrap_or_default();
    }

    fn check_pipelines<'n>(&mut self, cx: &mut Checker<'n>, known: &Known<'n>, root: &'n Node) {
        self.pipelines = known
            .with(cx, "pipelines", |cx, entry| {
                Pipelines::check(cx, &entry.value)
            })
            .unwrap_or_default();
        self.shared = known
            .with(cx, "definitions", |cx, entry| {
                let shared = entry.value.get("pipelines")?;
                Some(cx.within("pipelines", |cx| check_custom(cx, shared, "`pipelines`")))
            })
            .flatten()
            .unwrap_or_default();
        let runs_something =
            self.pipelines.all().next().is_some() || (self.export && !self.shared.is_empty());
        if !runs_something && !cx.has_errors() {
            let place = root
                .entries()
                .and_then(|entries| entries.iter().find(|entry| entry.key == "pipelines"))
                .map_or(root.place, |entry| entry.key_place);
            let help = match root.entries().and_then(<[Entry]>::first) {
                Some(first) if place == root.place && !KEYS.contains(&first.key.as_str()) => {
                    format!(
                        "write `pipelines:` with `default:` below it; {} is not read",
                        shown(&first.key)
                    )
                }
                _ => {
                    "write `default:` below `pipelines:`, and below that a list of steps".to_owned()
                }
            };
            if self.shared.is_empty() {
                // Bitbucket refuses such a file too: it wants at least one of its sections.
                cx.error(
                    Code::NothingToRun,
                    place,
                    format_args!("the file has no pipeline, so nothing will ever run"),
                    &help,
                );
            } else {
                // Another file of the repository may import what is in it.
                cx.warning(
                    Code::NothingToRun,
                    place,
                    format_args!(
                        "the file has no pipeline of its own; it only runs where another file of this repository imports from it"
                    ),
                    "write `export: true` to share it with other repositories, or `default:` below `pipelines:`",
                );
            }
        }
    }
}

fn names_of(node: Option<&Node>) -> BTreeSet<String> {
    node.and_then(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.clone())
        .collect()
}
