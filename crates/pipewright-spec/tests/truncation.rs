//! Every real file, cut off at every 50th byte: whatever is left, it is read, or refused with a place and a reason.

#[path = "common/promises.rs"]
mod promises;
#[path = "common/corpus.rs"]
mod real;

use promises::keeps_its_promises;
use real::corpus;

#[test]
fn a_file_cut_off_anywhere_is_explained() {
    let Some(files) = corpus() else { return };
    for (name, bytes) in &files {
        // The two largest files alone would take as long as all others: they are cut in larger steps.
        let step = if bytes.len() > 30_000 { bytes.len() / 100 } else { 50 };
        for length in (0..bytes.len()).step_by(step) {
            keeps_its_promises(name, &bytes[..length]);
        }
    }
}
