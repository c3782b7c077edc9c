//! No file of any shape takes more than 64 MB to read, check and plan. A program of its own with one test, because the memory
//! that is counted is that of the whole process.

#[path = "common/shapes.rs"]
mod shapes;

use peak_alloc::PeakAlloc;
use pipewright_spec::{limits, parse};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const BOUND: usize = 64 * 1024 * 1024;

#[test]
fn any_file_takes_little_memory() {
    let mut files = shapes::hostile();
    files.push(("3,000 lines", shapes::long_file()));
    for (name, text) in &files {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let parsed = parse(name, text.as_bytes());
        if let Some(file) = &parsed.pipeline_file
            && let Some(start) = file.start_conditions().first()
        {
            drop(file.plan(&start.sample));
        }
        drop(parsed);
        let used = MEMORY.peak_usage().saturating_sub(before);
        assert!(used <= BOUND, "{name}: {used} bytes");
        assert!(
            text.len() <= limits::MAX_FILE_BYTES,
            "{name}: read, not refused for its size"
        );
    }
}
