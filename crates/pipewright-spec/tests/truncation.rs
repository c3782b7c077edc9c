//! Every real file, cut off at every 50th byte: whatever is left, it is read, or refused with a place and a reason.

#[path = "common/promises.rs"]
mod promises;
#[path = "common/corpus.rs"]
mod real;

use pipewright_spec::{Diagnostic, parse};
use promises::keeps_its_promises;
use real::corpus;

#[test]
fn a_file_cut_off_anywhere_is_explained() {
    let Some(files) = corpus() else { return };
    for (name, bytes) in &files {
        for length in (0..bytes.len()).step_by(50) {
            // What is left of the two largest files is planned at every 40th cut only: with thousands of lines before it, what
            // differs is what the reading makes of the end.
            if bytes.len() < 30_000 || length % 2000 == 0 {
                keeps_its_promises(name, &bytes[..length]);
            } else {
                let parsed = parse(name, &bytes[..length]);
                assert!(
                    parsed.pipeline_file.is_some()
                        || parsed.diagnostics.iter().any(Diagnostic::is_fatal),
                    "{name} at {length}"
                );
            }
        }
    }
}
