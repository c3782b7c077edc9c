//! The modules of a crate and which of them look at which, read from the source text.
//!
//! A path counts wherever it stands, in a `use` or in the middle of an expression; what is re-exported counts as a look at
//! the module that it comes from. Code that only tests run is not read: a test may look at whatever it tests. This is no
//! compiler: names that a macro makes and glob imports are not seen.

use std::collections::BTreeMap;

use super::source::SourceFile;
use super::text::{is_word, masked, without_tests};

/// A module's place in its crate: `["builds", "plan"]`; empty for the crate's root.
pub(crate) type Place = Vec<String>;

/// One module that has a file of its own.
#[derive(Debug)]
pub(crate) struct Module {
    /// Its file, from the workspace's root.
    pub(crate) path: String,
    /// The paths in it, made absolute.
    looks: Vec<(Place, usize)>,
    /// Names that it re-exports, with the absolute path of each.
    exports: BTreeMap<String, Place>,
}

/// One look: a module names another, or something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// The module that looks.
    pub(crate) from: Place,
    /// The module that is looked at.
    pub(crate) to: Place,
    /// The looker's file, from the workspace's root.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// The modules of one crate.
#[derive(Debug, Default)]
pub(crate) struct Modules(BTreeMap<Place, Module>);

impl Modules {
    /// Reads those of the crate in this folder: `crates/pipewright-core`.
    pub(crate) fn read(sources: &[SourceFile], folder: &str) -> Self {
        let root = format!("{folder}/src/");
        let mut files: Vec<(Place, &SourceFile)> = sources
            .iter()
            .filter_map(|source| Some((place(source.path.strip_prefix(&root)?), source)))
            .filter(|(_, source)| !source.is_test())
            .collect();
        // Parents first, so that what they declare for tests alone is known.
        files.sort_by_key(|(place, _)| place.len());
        let mut modules = Self::default();
        let mut for_tests: Vec<Place> = Vec::new();
        for (place, source) in files {
            if for_tests.iter().any(|test| place.starts_with(test)) {
                continue;
            }
            let (production, tests) = without_tests(&masked(&source.text));
            for_tests.extend(tests.into_iter().map(|name| child(&place, &name)));
            let (looks, exports) = paths(&tokens(&production), &place);
            let module = Module {
                path: source.path.clone(),
                looks,
                exports,
            };
            // A crate may have both roots, `lib.rs` and `main.rs`; the second one's looks count too.
            if let Some(known) = modules.0.get_mut(&place) {
                known.looks.extend(module.looks);
                known.exports.extend(module.exports);
            } else {
                modules.0.insert(place, module);
            }
        }
        modules
    }

    /// Every look of one module at another.
    pub(crate) fn looks(&self) -> Vec<Look> {
        let mut found = Vec::new();
        for (from, module) in &self.0 {
            for (path, line) in &module.looks {
                let to = self.home_of(from, path);
                if to != *from {
                    found.push(Look {
                        from: from.clone(),
                        to,
                        path: module.path.clone(),
                        line: *line,
                    });
                }
            }
        }
        found
    }

    /// The module that something is written in: the deepest one that its path names, and from there on whatever that one
    /// re-exports.
    fn home_of(&self, from: &Place, path: &Place) -> Place {
        let mut path = path.clone();
        // More re-exports of re-exports than this would be a circle of their own.
        for _ in 0..8 {
            let depth = (0..=path.len())
                .rev()
                .find(|depth| self.0.contains_key(&path[..*depth]))
                .unwrap_or(0);
            let home = path[..depth].to_vec();
            let exported = path
                .get(depth)
                .and_then(|name| self.0.get(&home)?.exports.get(name));
            // What a module's own parent passes on is written where the parent has it from.
            match exported {
                Some(origin) if origin != &path && !origin.starts_with(from) => {
                    path.clone_from(origin);
                }
                _ => return home,
            }
        }
        path
    }
}

fn child(place: &Place, name: &str) -> Place {
    let mut child = place.clone();
    child.push(name.to_owned());
    child
}

/// The place of a file, from the crate's `src/`.
fn place(file: &str) -> Place {
    let mut place: Place = file
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if place.last().is_some_and(|last| last == "mod") || place == ["lib"] || place == ["main"] {
        place.pop();
    }
    place
}

/// A word, or one character that is none; `::` is one token.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|character: char| !(character.is_alphanumeric() || character == '_'))
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (text, after) = rest.split_at(length);
            if !text.trim().is_empty() {
                tokens.push(Token {
                    text: text.to_owned(),
                    line: index + 1,
                });
            }
            rest = after;
        }
    }
    tokens
}

/// What [`paths`] finds: absolute paths with their lines, and re-exports.
type Paths = (Vec<(Place, usize)>, BTreeMap<String, Place>);

/// Absolute paths of everything in the crate that the tokens of a module name, and what the module re-exports.
fn paths(tokens: &[Token], place: &Place) -> Paths {
    let mut reader = Reader {
        tokens,
        at: 0,
        found: Vec::new(),
    };
    let (mut looks, mut exports) = (Vec::new(), BTreeMap::new());
    // Modules in braces: `super` in one of them is this file. Each with the depth of braces that it opened at.
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(reader.at) {
        let before = reader
            .at
            .checked_sub(1)
            .and_then(|before| tokens.get(before))
            .map_or("", |token| token.text.as_str());
        let mut here = place.clone();
        here.extend(inner.iter().map(|(name, _)| name.clone()));
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(_, opened)| *opened < depth + 1);
            }
            "mod" if reader.text(2) == "{" => {
                inner.push((reader.text(1).to_owned(), depth + 1));
            }
            "use" => {
                let is_export = before == "pub" || before == ")";
                reader.at += 1;
                reader.tree(&[]);
                for (path, name, line) in std::mem::take(&mut reader.found) {
                    let Some(absolute) = absolute(&path, &here) else {
                        continue;
                    };
                    if is_export || inner.is_empty() {
                        exports.insert(name, absolute.clone());
                    }
                    looks.push((absolute, line));
                }
                continue;
            }
            "crate" | "super" | "self"
                if before != "in" && before != "::" && reader.text(1) == "::" =>
            {
                reader.tree(&[]);
                for (path, _, line) in std::mem::take(&mut reader.found) {
                    looks.extend(absolute(&path, &here).map(|path| (path, line)));
                }
                continue;
            }
            _ => {}
        }
        reader.at += 1;
    }
    (looks, exports)
}

/// Where a path leads; nothing where it may lead out of the crate.
fn absolute(path: &[String], here: &Place) -> Option<Place> {
    let mut place = here.clone();
    let mut segments = path.iter().peekable();
    match segments.peek()?.as_str() {
        "crate" => {
            place.clear();
            segments.next();
        }
        "self" => {
            segments.next();
        }
        "super" => {
            while segments.next_if(|segment| *segment == "super").is_some() {
                place.pop()?;
            }
        }
        // The name of a crate, or of a child; which, the caller sees when it looks the place up.
        _ => {}
    }
    place.extend(segments.cloned());
    Some(place)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Path, the name that it gets here, line.
    found: Vec<(Vec<String>, String, usize)>,
}

impl Reader<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text.as_str())
    }

    /// Reads `a::b::{c, d as e}` from here on, and stands behind it afterwards.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        let before = self.at;
                        self.tree(&path);
                        if self.text(0) == "," || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                word if is_word(word.chars().next().as_ref()) => {
                    path.push(word.to_owned());
                    self.at += 1;
                }
                // A glob, or generics: what is before it counts.
                _ => break,
            }
            if self.text(0) != "::" {
                break;
            }
            self.at += 1;
        }
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.text(0) == "as" {
            self.text(1).clone_into(&mut name);
            self.at += 2;
        }
        self.found.push((path, name, line));
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, Modules};
    use crate::tidy::source::SourceFile;

    fn looks(files: &[(&str, &str)]) -> Vec<(String, String, usize)> {
        let sources: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile {
                path: format!("crates/house/src/{path}"),
                text: (*text).to_owned(),
            })
            .collect();
        Modules::read(&sources, "crates/house")
            .looks()
            .into_iter()
            .map(|Look { from, to, line, .. }| (from.join("::"), to.join("::"), line))
            .collect()
    }

    fn look(from: &str, to: &str, line: usize) -> (String, String, usize) {
        (from.to_owned(), to.to_owned(), line)
    }

    #[test]
    fn a_look_is_found_wherever_it_stands() {
        let found = looks(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            (
                "a.rs",
                "use crate::{b::B,\n    c};\nfn f() { crate::c::g(); std::mem::take(); }\n",
            ),
            (
                "b.rs",
                "/// See crate::a.\nconst T: &str = \"crate::a::x\";\n",
            ),
            ("c.rs", "use super::b::B as D;\n"),
        ]);
        let expected = [
            look("a", "b", 1),
            look("a", "c", 2),
            look("a", "c", 3),
            look("c", "b", 1),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_passed_on_is_a_look_at_where_it_comes_from() {
        let found = looks(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::Deep;\n"),
            ("b/mod.rs", "mod deep;\npub(crate) use deep::Deep;\n"),
            ("b/deep.rs", ""),
        ]);
        assert!(found.contains(&look("a", "b::deep", 1)), "{found:?}");
    }

    #[test]
    fn what_only_tests_have_does_not_count() {
        let found = looks(&[
            ("lib.rs", "mod a;\n#[cfg(test)]\nmod samples;\nmod b;\n"),
            (
                "a.rs",
                "#[cfg(test)]\npub(crate) use crate::b::B;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            ),
            ("samples.rs", "use crate::b::B;\n"),
            ("b.rs", ""),
        ]);
        assert_eq!(found, []);
    }
}
