//! The way in: bytes of a pipeline file → its checked model and every problem found on the way.

use std::sync::Arc;

use crate::diagnostic::{Code, Collected, Diagnostic, Severity};
use crate::model::{self, PipelineFile};
use crate::syntax::{self, Source};

/// What was read.
#[derive(Debug)]
pub struct Parsed {
    /// The name it was read under: what problems call it where another file imports from it.
    pub file_name: String,
    /// The file, also with errors in it, as long as it is a YAML mapping at all. It is planned only without errors.
    pub pipeline_file: Option<PipelineFile>,
    /// Every problem, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The text that the places count in: decoded, without byte-order mark. Give it to
    /// [`crate::render_text`].
    pub source: String,
}

/// Reads and checks a pipeline file. Takes bytes, because a file may be no text at all; each
/// such case is a diagnostic.
pub fn parse(file_name: &str, text: &[u8]) -> Parsed {
    let (source, decoding) = syntax::decode(text);
    let source = Arc::new(source);
    let give = |pipeline_file, diagnostics, source: &Source| Parsed {
        file_name: file_name.to_owned(),
        pipeline_file,
        diagnostics,
        source: source.text.clone(),
    };
    if decoding.iter().any(Diagnostic::is_fatal) {
        return give(None, decoding, &source);
    }
    let mut collected = Collected::default();
    for warning in decoding {
        collected.push(Code::ByteOrderMark, warning);
    }
    let root = match syntax::read(&source, &mut collected) {
        Ok(Some(root)) if !root.is_null() => root,
        Ok(_) => {
            let at = source.span(0, 0);
            let empty = Diagnostic::new(Severity::Error, Code::Empty, "the file is empty", at)
                .with_help("write at least `pipelines: {default: [{step: {script: [\"true\"]}}]}`");
            collected.push(Code::Empty, empty);
            return give(None, collected.finish(), &source);
        }
        Err(problem) => {
            collected.push(Code::Syntax, *problem);
            return give(None, collected.finish(), &source);
        }
    };
    let (file, diagnostics) = model::check(&source, root, collected);
    give(file, diagnostics, &source)
}
