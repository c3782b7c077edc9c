//! The names that a file defines, and those that need no definition.

use std::collections::{BTreeMap, BTreeSet};

use super::import_source::ImportSource;

/// Caches that need no definition, with their paths. `docker` keeps image layers and has none.
pub(crate) const PREDEFINED_CACHES: &[(&str, &str)] = &[
    ("docker", ""),
    ("node", "node_modules"),
    ("pip", "~/.cache/pip"),
    ("composer", "~/.composer/cache"),
    ("gradle", "~/.gradle/caches"),
    ("maven", "~/.m2/repository"),
    ("dotnetcore", "~/.nuget/packages"),
    ("sbt", "~/.sbt"),
    ("ivy2", "~/.ivy2/cache"),
];

/// What is defined in the file, read before anything that uses it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) services: BTreeSet<String>,
    pub(crate) caches: BTreeSet<String>,
    /// Those of them whose directory is none of a step's own.
    pub(crate) outside_caches: BTreeSet<String>,
    /// Sources that could not be read are `None`.
    pub(crate) imports: BTreeMap<String, Option<ImportSource>>,
    pub(crate) customs: BTreeSet<String>,
}

/// A kind of names of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Defined {
    Services,
    Caches,
    Imports,
    Customs,
}
