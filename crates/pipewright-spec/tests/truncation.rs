//! Every real file, cut off at every 50th byte: whatever is left, it is read, or refused with a place and a reason.

#[path = "common/promises.rs"]
mod promises;
#[path = "common/corpus.rs"]
mod real;
#[path = "common/workers.rs"]
mod workers;

use pipewright_spec::{Diagnostic, parse};
use promises::keeps_its_promises;
use real::corpus;
use workers::share;

#[test]
fn a_file_cut_off_anywhere_is_explained() {
    let Some(files) = corpus() else { return };
    let cuts: Vec<_> = files
        .iter()
        .flat_map(|file| {
            (0..file.1.len())
                .step_by(50)
                .map(move |length| (file, length))
        })
        .collect();
    share(&cuts, |((name, bytes), length)| {
        let left = &bytes[..*length];
        // What is left of the two largest files is planned at every 40th cut only: with thousands of lines before it, what
        // differs is what the reading makes of the end.
        if bytes.len() < 30_000 || length % 2000 == 0 {
            keeps_its_promises(name, left);
        } else {
            let parsed = parse(name, left);
            assert!(
                parsed.pipeline_file.is_some()
                    || parsed.diagnostics.iter().any(Diagnostic::is_fatal),
                "{name} at {length}"
            );
        }
    });
}
