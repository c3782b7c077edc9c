//! `pipelines`: the start conditions and what each runs.

use pipewright_core::RefPattern;

use super::checker::{At, Checker, entry_of, missing_blank};
use super::import::Import;
use super::item::{Item, check_items};
use super::step::STEP_KEYS;
use super::variables::{CustomVariable, check_variables};
use super::whole::check_whole;
use crate::capabilities::FeatureUse;
use crate::diagnostic::{Code, shown};
use crate::syntax::{Entry, Node, Place, Value};

#[derive(Debug, Clone, Default)]
pub(crate) struct Pipelines {
    pub(crate) default: Option<Pipeline>,
    pub(crate) branches: Vec<(At<RefPattern>, Pipeline)>,
    pub(crate) tags: Vec<(At<RefPattern>, Pipeline)>,
    pub(crate) pull_requests: Vec<(At<RefPattern>, Pipeline)>,
    pub(crate) custom: Vec<(At<String>, Pipeline)>,
}

/// One pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) place: Place,
    pub(crate) variables: Vec<CustomVariable>,
    pub(crate) body: Body,
    /// What its `import` needs of the installation; the steps know of their own.
    pub(crate) features: Vec<FeatureUse>,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Items(Vec<Item>),
    Import(Import),
}

/// `bookmarks` are Mercurial's, gone since 2020.
const KEYS: &[&str] = &[
    "default",
    "branches",
    "pull-requests",
    "tags",
    "custom",
    "bookmarks",
];
const IMPORT_KEYS: &[&str] = &["import", "variables"];

impl Pipelines {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Self {
        let mut pipelines = Self::default();
        let mut is_default_refused = false;
        if let Value::List(_) = node.value {
            cx.wrong_type(
                node,
                "`pipelines`",
                "a mapping of start conditions",
                "write `default:` below `pipelines:`, and the list below that",
            );
            return pipelines;
        }
        if let Some(entry) = node
            .entries()
            .unwrap_or_default()
            .iter()
            .find(|entry| entry.key == "default")
            && entry.value.is_null()
        {
            cx.within("default", |cx| {
                Pipeline::refuse_empty(cx, entry, "`default`");
            });
            is_default_refused = true;
        }
        cx.each_but(
            node,
            "`pipelines`",
            if is_default_refused { "default" } else { "" },
            KEYS,
            |cx, key, entry| {
                match key {
            "default" => pipelines.default = Pipeline::check(cx, entry, "`default`", false),
            "branches" => pipelines.branches = check_patterns(cx, &entry.value, "`branches`"),
            "tags" => pipelines.tags = check_patterns(cx, &entry.value, "`tags`"),
            "pull-requests" => pipelines.pull_requests = check_pull_requests(cx, entry),
            "custom" => pipelines.custom = check_custom(cx, &entry.value, "`custom`"),
            _ => cx.warning(
                Code::UnknownKey,
                entry.key_place,
                format_args!(
                    "`bookmarks` are of Mercurial, which Bitbucket no longer has; they are ignored"
                ),
                "remove them",
            ),
        }
            },
        );
        pipelines
    }

    /// Every pipeline that a push, a pull request or a person can start.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Pipeline> {
        let by_pattern = [&self.branches, &self.tags, &self.pull_requests]
            .into_iter()
            .flatten()
            .map(|(_, pipeline)| pipeline);
        self.default
            .iter()
            .chain(by_pattern)
            .chain(self.custom.iter().map(|(_, pipeline)| pipeline))
    }
}

/// Pipelines by name.
pub(crate) fn check_custom<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
) -> Vec<(At<String>, Pipeline)> {
    let mut named = Vec::new();
    cx.each_named(
        node,
        what,
        "a mapping of names to pipelines",
        |cx, entry| {
            if let Some(pipeline) = Pipeline::check(
                cx,
                entry,
                &format!("the pipeline {}", shown(&entry.key)),
                true,
            ) {
                named.push((
                    At {
                        value: entry.key.clone(),
                        place: entry.key_place,
                    },
                    pipeline,
                ));
            }
        },
    );
    named
}

/// Pipelines by pattern.
fn check_patterns<'n>(
    cx: &mut Checker<'n>,
    node: &'n Node,
    what: &str,
) -> Vec<(At<RefPattern>, Pipeline)> {
    let mut patterns = Vec::new();
    cx.each_named(
        node,
        what,
        "a mapping of names or patterns to pipelines",
        |cx, entry| {
            let pipeline = Pipeline::check(
                cx,
                entry,
                &format!("the pipeline {}", shown(&entry.key)),
                false,
            );
            match (entry.key.parse::<RefPattern>(), pipeline) {
                (Ok(pattern), Some(pipeline)) => patterns.push((
                    At {
                        value: pattern,
                        place: entry.key_place,
                    },
                    pipeline,
                )),
                (Err(error), _) => cx.error(
                    Code::BadPattern,
                    entry.key_place,
                    format_args!("{error}"),
                    "",
                ),
                (Ok(_), None) => {}
            }
        },
    );
    patterns
}

/// As [`check_patterns`]; a list right below `pull-requests` can only be meant for all of them.
fn check_pull_requests<'n>(
    cx: &mut Checker<'n>,
    entry: &'n Entry,
) -> Vec<(At<RefPattern>, Pipeline)> {
    if !matches!(entry.value.value, Value::List(_)) {
        return check_patterns(cx, &entry.value, "`pull-requests`");
    }
    let message = format_args!(
        "`pull-requests` has a pipeline but no pattern; it is read as `'**'`, every pull request"
    );
    cx.warning(
        Code::WrongType,
        entry.key_place,
        message,
        "write `'**':` below it, and indent the pipeline below that",
    );
    let pipeline = Pipeline::check(cx, entry, "`pull-requests`", false);
    let all = "**".parse().ok().map(|pattern| At {
        value: pattern,
        place: entry.key_place,
    });
    all.zip(pipeline).into_iter().collect()
}

impl Pipeline {
    fn check<'n>(
        cx: &mut Checker<'n>,
        entry: &'n Entry,
        what: &str,
        is_custom: bool,
    ) -> Option<Self> {
        let node = &entry.value;
        match &node.value {
            Value::Scalar(crate::syntax::Kind::Null, _) => {
                Self::refuse_empty(cx, entry, what);
                None
            }
            Value::Map(_) if entry_of(node, "import").is_some() => {
                Self::check_import(cx, entry, is_custom)
            }
            Value::Map(entries) => {
                let help = match entries.first() {
                    Some(first) if let Some(help) = missing_blank(&first.key) => help,
                    Some(first) if matches!(first.key.as_str(), "step" | "parallel" | "stage") => {
                        format!("write `- {}:` with a dash", first.key)
                    }
                    Some(first) if STEP_KEYS.contains(&first.key.as_str()) => {
                        "write `- step:`, and indent this below it".to_owned()
                    }
                    _ => "write `- step:` items below it, indented".to_owned(),
                };
                cx.wrong_type(
                    node,
                    what,
                    "a list of items that begin with `- step:`",
                    &help,
                );
                None
            }
            _ => {
                let ((variables, items), features) = cx.with_features(|cx| {
                    let (variables, items) = check_items(cx, node, what, is_custom);
                    check_whole(cx, node, what, &items);
                    (variables, items)
                });
                let body = Body::Items(items);
                node.items().is_some().then_some(Self {
                    place: entry.key_place,
                    variables,
                    body,
                    features,
                })
            }
        }
    }

    /// A pipeline without a value cannot be left out: another one would run in its place.
    fn refuse_empty(cx: &mut Checker<'_>, entry: &Entry, what: &str) {
        cx.error(
            Code::EmptyList,
            entry.key_place,
            format_args!("{what} is empty"),
            "write `- step:` items below it, indented, or remove the key",
        );
    }

    fn check_import<'n>(cx: &mut Checker<'n>, entry: &'n Entry, is_custom: bool) -> Option<Self> {
        let (mut import, mut variables) = (None, Vec::new());
        let ((), features) = cx.with_features(|cx| {
            cx.each(
                &entry.value,
                "an imported pipeline",
                IMPORT_KEYS,
                |cx, key, entry| match key {
                    "import" => import = Import::check(cx, entry),
                    _ if is_custom => variables = check_variables(cx, &entry.value),
                    _ => cx.error(
                        Code::Misplaced,
                        entry.key_place,
                        format_args!("`variables` are only for pipelines under `custom`"),
                        "remove them",
                    ),
                },
            );
        });
        Some(Self {
            place: entry.key_place,
            variables,
            body: Body::Import(import?),
            features,
        })
    }
}
