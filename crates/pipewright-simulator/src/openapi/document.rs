//! Loading an OpenAPI document and finding the operation that a request names.
//!
//! Invariant: a template is matched on the encoded path, segment by segment; only the parameters that the products
//! themselves let span slashes (`{path}`, and `{name}` at the end) may take more than one segment.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use thiserror::Error;

use crate::installation::Product;

/// Why a document could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is missing or unreadable.
    #[error("read {}: {source}; point PIPEWRIGHT_SHARED at the directory that holds specs/", path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The file is not JSON.
    #[error("parse {}: {source}; fetch the document again", path.display())]
    Parse {
        /// The file asked for.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The file is JSON, but no OpenAPI document.
    #[error("{} has no paths; it is not an OpenAPI document", path.display())]
    NoPaths {
        /// The file asked for.
        path: PathBuf,
    },
}

/// The directory that `PIPEWRIGHT_SHARED` names, with the documents below `specs/` and the captures below `fixtures/`.
///
/// `None`, and a line that says so, when it is not set: tests that need it are then skipped.
#[expect(clippy::print_stderr, reason = "a skipped test must say that it is")]
pub fn shared_directory() -> Option<PathBuf> {
    let directory = env::var_os("PIPEWRIGHT_SHARED").map(PathBuf::from);
    if directory.is_none() {
        eprintln!(
            "skipped: PIPEWRIGHT_SHARED is not set; point it at the directory with specs/ and fixtures/"
        );
    }
    directory
}

/// One product's OpenAPI document, ready to be asked.
#[derive(Debug)]
pub struct Document {
    pub(super) product: Product,
    pub(super) root: Value,
    templates: Vec<Template>,
}

/// One operation of a document: a path template and a method.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'d> {
    /// The path template as the document spells it.
    pub template: &'d str,
    /// The method in capitals.
    pub method: &'static str,
    pub(super) body: &'d Value,
    pub(super) path_item: &'d Value,
}

#[derive(Debug)]
struct Template {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    /// One segment, with fixed text after the parameter in a few templates (`{id}.patch`).
    Parameter {
        suffix: String,
    },
    Rest,
}

const METHODS: [(&str, &str); 5] = [
    ("GET", "get"),
    ("POST", "post"),
    ("PUT", "put"),
    ("DELETE", "delete"),
    ("PATCH", "patch"),
];

impl Document {
    /// Loads the document of `product` from `specs/` below the shared directory.
    pub fn load(product: Product, shared: &Path) -> Result<Self, LoadError> {
        let name = match product {
            Product::Cloud => "bitbucket-cloud.openapi.json",
            Product::Datacenter => "bitbucket-datacenter.openapi.json",
        };
        let path = shared.join("specs").join(name);
        let text = fs::read_to_string(&path).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        let root: Value = serde_json::from_str(&text).map_err(|source| LoadError::Parse {
            path: path.clone(),
            source,
        })?;
        Self::from_value(product, root).ok_or(LoadError::NoPaths { path })
    }

    /// Takes an already parsed document; `None` when it has no `paths`.
    pub fn from_value(product: Product, root: Value) -> Option<Self> {
        let templates = root
            .get("paths")?
            .as_object()?
            .keys()
            .map(|text| Template::parse(text))
            .collect();
        Some(Self {
            product,
            root,
            templates,
        })
    }

    /// The product whose document this is.
    pub fn product(&self) -> Product {
        self.product
    }

    /// The part of a request's path that the document speaks about, with Data Center's version read as `latest`.
    ///
    /// `None` for addresses outside the REST API: sign-in pages, git, OAuth, downloads.
    pub fn api_path(&self, path: &str) -> Option<String> {
        match self.product {
            Product::Cloud => path
                .find("/2.0/")
                .map(|at| path[at + "/2.0".len()..].to_owned()),
            Product::Datacenter => {
                let below = &path[path.find("/rest/")? + "/rest".len()..];
                let mut segments: Vec<&str> = below.split('/').collect();
                if let Some(version) = segments.get_mut(2).filter(|version| **version == "1.0") {
                    *version = "latest";
                }
                Some(segments.join("/"))
            }
        }
    }

    /// Finds the operation for a method and a path as [`Self::api_path`] returns it.
    ///
    /// Of several templates that fit, the one with the most literal segments wins.
    pub fn operation(&self, method: &str, api_path: &str) -> Option<Operation<'_>> {
        let (method, key) = METHODS.into_iter().find(|(name, _)| *name == method)?;
        let segments: Vec<&str> = api_path.trim_start_matches('/').split('/').collect();
        let paths = self.root.get("paths")?;
        self.templates
            .iter()
            .filter(|template| template.fits(&segments))
            .filter_map(|template| {
                let path_item = paths.get(&template.text)?;
                let body = path_item.get(key)?;
                Some((
                    template.literals(),
                    Operation {
                        template: &template.text,
                        method,
                        body,
                        path_item,
                    },
                ))
            })
            .max_by_key(|(literals, _)| *literals)
            .map(|(_, operation)| operation)
    }

    /// Follows `$ref` until something that is not a reference; a reference to nothing is `null`.
    pub(super) fn resolve<'d>(&'d self, mut value: &'d Value) -> &'d Value {
        // A bound instead of a visited set: the documents nest references two or three deep.
        for _ in 0..16 {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return value;
            };
            value = self
                .root
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
        }
        value
    }
}

impl Operation<'_> {
    /// `GET /path/{template}`: how messages and the table of deviations name an operation.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

impl Template {
    fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.trim_start_matches('/').split('/').collect();
        let last = parts.len() - 1;
        let segments = parts
            .iter()
            .enumerate()
            .map(|(at, part)| match *part {
                "{path}" => Segment::Rest,
                "{name}" if at == last => Segment::Rest,
                part if part.starts_with('{') => {
                    let suffix = part.split_once('}').map_or("", |(_, suffix)| suffix);
                    Segment::Parameter {
                        suffix: suffix.to_owned(),
                    }
                }
                part => Segment::Literal(part.to_owned()),
            })
            .collect();
        Self {
            text: text.to_owned(),
            segments,
        }
    }

    fn literals(&self) -> usize {
        let weight = |segment: &Segment| match segment {
            Segment::Literal(_) => 2,
            Segment::Parameter { suffix } => usize::from(!suffix.is_empty()),
            Segment::Rest => 0,
        };
        self.segments.iter().map(weight).sum()
    }

    fn fits(&self, path: &[&str]) -> bool {
        fits(&self.segments, path)
    }
}

fn fits(segments: &[Segment], path: &[&str]) -> bool {
    let Some((segment, rest)) = segments.split_first() else {
        return path.is_empty();
    };
    match segment {
        Segment::Literal(text) => path.first() == Some(&text.as_str()) && fits(rest, &path[1..]),
        Segment::Parameter { suffix } => {
            path.first()
                .is_some_and(|part| part.len() > suffix.len() && part.ends_with(suffix))
                && fits(rest, &path[1..])
        }
        // An empty rest is a path: Cloud lists the root directory at `src/{commit}/`.
        Segment::Rest => (1..=path.len()).any(|taken| fits(rest, &path[taken..])),
    }
}
