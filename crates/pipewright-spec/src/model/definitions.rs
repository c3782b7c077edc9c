//! `definitions`: services, caches, shared pipelines and import sources. Any other key is only a place for anchors.

use super::checker::Checker;
use super::image::Image;
use super::import::check_source;
use super::import_source::ImportSource;
use super::names::{Defined, PREDEFINED_CACHES};
use crate::capabilities::Feature;
use crate::diagnostic::{Code, nearest, shown};
use crate::syntax::{Entry, Node, Value};

#[derive(Debug, Clone, Default)]
pub(crate) struct Definitions {
    pub(crate) services: Vec<Service>,
    pub(crate) caches: Vec<Cache>,
    pub(crate) imports: Vec<(String, Option<ImportSource>)>,
}

/// A container beside the step.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) image: Option<Image>,
    pub(crate) memory: Option<u32>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) docker: bool,
}

/// A directory kept between builds.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) key_files: Vec<String>,
}

const KEYS: &[&str] = &["services", "caches", "pipelines", "imports", "agents"];
/// `environment` is the old spelling of `variables`.
const SERVICE_KEYS: &[&str] = &["image", "memory", "variables", "environment", "type"];
const CACHE_KEYS: &[&str] = &["path", "key"];

impl Definitions {
    /// Reads all but `pipelines`, which need the rest first.
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Self {
        let mut definitions = Self::default();
        let Some(entries) = node.entries() else {
            cx.wrong_type(
                node,
                "`definitions`",
                "a mapping",
                "write `services:`, `caches:` or `pipelines:` below it, indented",
            );
            return definitions;
        };
        for entry in entries {
            cx.within(&entry.key, |cx| match entry.key.as_str() {
                key if KEYS.contains(&key) && entry.value.is_null() => cx.empty_value(entry),
                "services" => {
                    cx.each_named(
                        &entry.value,
                        "`services`",
                        "a mapping of names to services",
                        |cx, entry| {
                            definitions.services.push(Service::check(cx, entry));
                        },
                    );
                }
                "caches" => {
                    cx.each_named(
                        &entry.value,
                        "`caches`",
                        "a mapping of names to caches",
                        |cx, entry| {
                            definitions.caches.extend(Cache::check(cx, entry));
                        },
                    );
                }
                "imports" => {
                    cx.each_named(
                        &entry.value,
                        "`imports`",
                        "a mapping of names to sources",
                        |cx, entry| {
                            definitions
                                .imports
                                .push((entry.key.clone(), check_source(cx, entry)));
                        },
                    );
                }
                // Pipelines are read later, when all that they may use is known; the prompts of Atlassian's hosted
                // assistants not at all: a step that uses one says that it cannot run.
                "pipelines" | "agents" => {}
                key => {
                    if let Some(near) = nearest(key, KEYS) {
                        let message = format_args!(
                            "{} is not a kind of definition; it is only a place for anchors",
                            shown(key)
                        );
                        cx.warning(
                            Code::UnknownKey,
                            entry.key_place,
                            message,
                            &format!("did you mean `{near}`?"),
                        );
                    }
                }
            });
        }
        definitions
    }
}

impl Service {
    fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Self {
        let name = entry.key.clone();
        let mut service = Self {
            docker: name == "docker",
            name,
            image: None,
            memory: None,
            variables: Vec::new(),
        };
        if entry.value.is_null() && service.docker {
            return service;
        }
        // The image of a service is its own matter: an executor without services refuses the service, not its image.
        cx.with_features(|cx| {
            cx.each(
                &entry.value,
                "a service",
                SERVICE_KEYS,
                |cx, key, entry| match key {
                    "image" => service.image = Image::check(cx, &entry.value),
                    "memory" => service.memory = cx.whole(&entry.value, "`memory`", 128..=u32::MAX),
                    "type" => {
                        service.docker |= cx.choice(&entry.value, "`type`", &["docker"]).is_some();
                    }
                    _ => {
                        if key == "environment" {
                            let help = "write `variables:` instead";
                            cx.warning(
                                Code::UnknownKey,
                                entry.key_place,
                                format_args!("`environment` is the old name of `variables`"),
                                help,
                            );
                        }
                        if entry.value.entries().is_some_and(<[Entry]>::is_empty) {
                            cx.error(
                                Code::EmptyList,
                                entry.key_place,
                                format_args!("`{key}` is empty"),
                                "add a variable, or remove the key",
                            );
                        }
                        let pairs = cx.named_texts(&entry.value, &format!("`{key}`"));
                        service.variables.extend(pairs);
                    }
                },
            );
        });
        if service.image.is_none()
            && !service.docker
            && entry.value.get("image").is_none()
            && entry.value.entries().is_some()
        {
            cx.missing(
                entry.key_place,
                &format!("the service {}", shown(&entry.key)),
                "image",
                "write `image: name:tag` below it",
            );
        }
        service
    }
}

impl Cache {
    fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Option<Self> {
        let (mut path, mut key_files) = (None, Vec::new());
        if let Value::Map(_) = entry.value.value {
            cx.each(&entry.value, "a cache", CACHE_KEYS, |cx, key, entry| {
                if key == "path" {
                    path = cx.filled_text(&entry.value, "`path`");
                } else {
                    cx.each(&entry.value, "`key`", &["files"], |cx, _, entry| {
                        key_files = cx
                            .texts(&entry.value, "`files`")
                            .into_iter()
                            .map(|text| text.value)
                            .collect();
                    });
                    if entry.value.entries().is_some() && entry.value.get("files").is_none() {
                        cx.missing(
                            entry.key_place,
                            "`key`",
                            "files",
                            "write `files:` with a list of globs below it",
                        );
                    }
                }
            });
            if entry.value.get("path").is_none() {
                cx.missing(
                    entry.key_place,
                    &format!("the cache {}", shown(&entry.key)),
                    "path",
                    "write `path: directory` below it",
                );
            }
        } else if entry.value.is_null() {
            cx.empty_value(entry);
        } else {
            path = cx.filled_text(&entry.value, "the path of a cache");
        }
        Some(Self {
            name: entry.key.clone(),
            path: path?.value,
            key_files,
        })
    }
}

/// The names that a step may use in `services`; unknown ones are errors.
pub(crate) fn check_services<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Vec<String> {
    let services = cx.texts_that(&entry.value, "`services`", |cx, service| {
        let is_engine = service.value == "docker" && !cx.names.services.contains(&service.value);
        let feature = if is_engine {
            Feature::DockerService
        } else {
            Feature::Services
        };
        cx.feature(feature, service.place);
        let known = service.value == "docker"
            || super::is_template(&service.value)
            || cx.names.services.contains(&service.value);
        if !known {
            let help = cx.suggestion(
                &service.value,
                Defined::Services,
                "define it below `definitions: services:`, with its `image:`",
            );
            cx.error(
                Code::UnknownService,
                service.place,
                format_args!("no service {} is defined", shown(&service.value)),
                &help,
            );
        }
        true
    });
    if services.len() > 5 {
        let message = format_args!(
            "a step has {} services; at most 5 are allowed",
            services.len()
        );
        cx.error(Code::TooMany, entry.key_place, message, "");
    }
    services.into_iter().map(|service| service.value).collect()
}

/// The names that a step uses in `caches`; unknown ones are left out with a warning.
pub(crate) fn check_caches<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Vec<String> {
    cx.feature(Feature::Caches, entry.key_place);
    let caches = cx.texts_that(&entry.value, "`caches`", |cx, cache| {
        let name = &cache.value;
        let predefined = PREDEFINED_CACHES
            .iter()
            .any(|(predefined, _)| predefined == name);
        let known = predefined || super::is_template(name) || cx.names.caches.contains(name);
        if cx.names.outside_caches.contains(name) {
            cx.feature_named(Feature::OutsideCache, name, cache.place);
        } else if name == "docker" && !cx.names.caches.contains(name) {
            cx.feature_named(Feature::DockerCache, name, cache.place);
        }
        if !known {
            let help = cx.suggestion(
                name,
                Defined::Caches,
                "define it below `definitions: caches:`, as `name: path`",
            );
            let message = format_args!(
                "the cache {} is neither defined nor predefined; the step runs without it",
                shown(name)
            );
            cx.warning(Code::UnknownCache, cache.place, message, &help);
        }
        known
    });
    caches.into_iter().map(|cache| cache.value).collect()
}
