//! What every check uses: where it stands in the file, the problems that it found there, and what it met that an
//! installation must be able to do. Values are read, with the forgiveness that Bitbucket shows, in `mappings`, `lists` and
//! `scalars`.

mod lists;
mod mappings;
mod scalars;

use std::fmt::{self, Write as _};

use super::names::{Defined, Names, PREDEFINED_CACHES};
use super::resources::Resources;
use crate::capabilities::{Feature, FeatureUse};
use crate::diagnostic::{Code, Collected, Diagnostic, Severity, nearest, shown};
use crate::syntax::{Entry, Node, Place, Source};

pub(crate) use lists::missing_blank;
pub(crate) use mappings::entry_of;
pub(crate) use scalars::is_template;

/// A value and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// The state of one walk over a tree.
pub(crate) struct Checker<'n> {
    pub(crate) source: &'n Source,
    pub(crate) names: Names,
    pub(crate) resources: Resources,
    collected: Collected,
    path: Vec<Part<'n>>,
    features: Vec<FeatureUse>,
    suggestions: u32,
}

/// How many misspelt names of a file are looked up among names that the file itself defines, and among how many: the
/// comparison costs the product of both.
const MAX_SUGGESTIONS: u32 = 30;
const MAX_CANDIDATES: usize = 200;

enum Part<'n> {
    Key(&'n str),
    Index(usize),
}

impl<'n> Checker<'n> {
    pub(crate) fn new(source: &'n Source, collected: Collected) -> Self {
        Self {
            source,
            names: Names::default(),
            resources: Resources::default(),
            collected,
            path: Vec::new(),
            features: Vec::new(),
            suggestions: 0,
        }
    }

    /// True once an error is found.
    pub(crate) fn has_errors(&self) -> bool {
        self.collected.has_errors()
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.collected.finish()
    }

    /// Runs a check of a part with its key on the path.
    pub(crate) fn within<T>(&mut self, key: &'n str, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Part::Key(key));
        let result = check(self);
        self.path.pop();
        result
    }

    fn at_index<T>(&mut self, index: usize, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Part::Index(index));
        let result = check(self);
        self.path.pop();
        result
    }

    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.path {
            match part {
                Part::Index(index) => drop(write!(path, "[{index}]")),
                Part::Key(key) => {
                    let plain = !key.is_empty()
                        && key.len() <= 60
                        && key
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
                    match (plain, path.is_empty()) {
                        (true, true) => path.push_str(key),
                        (true, false) => drop(write!(path, ".{key}")),
                        (false, _) => drop(write!(
                            path,
                            "[{:?}]",
                            key.chars().take(60).collect::<String>()
                        )),
                    }
                }
            }
        }
        path
    }

    pub(crate) fn error(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report(Severity::Error, code, place, message, help);
    }

    pub(crate) fn warning(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report(Severity::Warning, code, place, message, help);
    }

    /// A warning with a second place that belongs to it.
    pub(crate) fn warning_with(
        &mut self,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
        (other, text): (Place, &str),
    ) {
        self.report_with(
            Severity::Warning,
            code,
            place,
            message,
            help,
            Some((other, text)),
        );
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.report_with(severity, code, place, message, help, None);
    }

    fn report_with(
        &mut self,
        severity: Severity,
        code: Code,
        place: Place,
        message: fmt::Arguments<'_>,
        help: &str,
        other: Option<(Place, &str)>,
    ) {
        if !self.collected.has_room() {
            self.collected.skip(severity);
            return;
        }
        let mut problem = Diagnostic::new(
            severity,
            code,
            message.to_string(),
            self.source.defined(place),
        )
        .with_path(self.path());
        if !help.is_empty() {
            problem = problem.with_help(help);
        }
        if let Some(used) = self.source.used(place) {
            problem = problem.with_label(used, "used here");
        }
        if let Some((place, text)) = other {
            problem = problem.with_label(
                self.source
                    .used(place)
                    .unwrap_or_else(|| self.source.defined(place)),
                text,
            );
        }
        self.collected.push(code, problem);
    }

    /// An error about a key that may not stand where it does.
    pub(crate) fn misplaced(&mut self, entry: &'n Entry, message: fmt::Arguments<'_>, help: &str) {
        self.within(&entry.key, |cx| {
            cx.error(Code::Misplaced, entry.key_place, message, help);
        });
    }

    /// A warning about a key that has no effect where it stands.
    pub(crate) fn without_effect(
        &mut self,
        entry: &'n Entry,
        message: fmt::Arguments<'_>,
        help: &str,
    ) {
        self.within(&entry.key, |cx| {
            cx.warning(Code::Misplaced, entry.key_place, message, help);
        });
    }

    /// `what` must be of another type: `a mapping`, `a list of step items`.
    pub(crate) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str, help: &str) {
        let kind = node.kind();
        self.error(
            Code::WrongType,
            node.place,
            format_args!("{what} must be {wanted}, but this is {kind}"),
            help,
        );
    }

    /// `did you mean …?` for a name that the file does not define, else `otherwise`.
    pub(crate) fn suggestion(&mut self, name: &str, defined: Defined, otherwise: &str) -> String {
        self.suggestions += 1;
        if self.suggestions > MAX_SUGGESTIONS {
            return otherwise.to_owned();
        }
        let names = &self.names;
        let known: Vec<&str> = match defined {
            Defined::Services => names
                .services
                .iter()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
            Defined::Caches => {
                let own = names.caches.iter().map(String::as_str).take(MAX_CANDIDATES);
                PREDEFINED_CACHES
                    .iter()
                    .map(|(name, _)| *name)
                    .chain(own)
                    .collect()
            }
            Defined::Imports => names
                .imports
                .keys()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
            Defined::Customs => names
                .customs
                .iter()
                .map(String::as_str)
                .take(MAX_CANDIDATES)
                .collect(),
        };
        nearest(name, &known).map_or_else(
            || otherwise.to_owned(),
            |near| format!("did you mean {}?", shown(near)),
        )
    }

    // Features: what a plan needs of the installation, kept with the step that needs it.

    pub(crate) fn feature(&mut self, feature: Feature, place: Place) {
        self.feature_named(feature, "", place);
    }

    /// As [`Self::feature`], of which there are many that differ by their names.
    pub(crate) fn feature_named(&mut self, feature: Feature, name: &str, place: Place) {
        let path = self.path();
        self.features.push(FeatureUse {
            feature,
            name: name.to_owned(),
            place,
            path,
        });
    }

    /// Runs a check and gives the features it met beside its result.
    pub(crate) fn with_features<T>(
        &mut self,
        check: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<FeatureUse>) {
        let outer = std::mem::take(&mut self.features);
        let result = check(self);
        (result, std::mem::replace(&mut self.features, outer))
    }
}
