//! Any bytes as a pipeline file: no panic, every place inside the text, every problem drawn, every start condition
//! planned, and all of it at a bounded cost.
#![no_main]

mod cost;
#[path = "../../crates/pipewright-spec/tests/common/promises.rs"]
mod promises;

use libfuzzer_sys::fuzz_target;
use pipewright_spec::{Capabilities, Values, has_skip_marker, parse};

fuzz_target!(|bytes: &[u8]| {
    // What one push costs: the file is read and checked, and one pipeline is planned.
    cost::bounded(|| {
        let parsed = parse("fuzz.yml", bytes);
        let file = parsed.pipeline_file.as_ref()?;
        let start = file.start_conditions().into_iter().next()?;
        Some(file.plan_within(&start.sample, &Values::new(), &Capabilities::host()))
    });
    let parsed = promises::keeps_its_promises("fuzz.yml", bytes);
    has_skip_marker(&parsed.source);
});
