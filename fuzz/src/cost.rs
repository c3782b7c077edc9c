//! What one input may cost: processor time of the thread, so that a busy machine is no false alarm, and memory.

use std::time::Duration;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The promise is 50 ms; instrumented code with its checks on takes a few times as long.
const TIME: Duration = Duration::from_millis(400);

/// The promise, in bytes.
const BYTES: usize = 64 * 1024 * 1024;

/// Runs it, and panics where it costs too much.
pub(crate) fn bounded<T>(run: impl FnOnce() -> T) -> T {
    MEMORY.reset_peak_usage();
    let (memory, time) = (MEMORY.current_usage(), processor_time());
    let result = run();
    let took = processor_time() - time;
    let used = MEMORY.peak_usage().saturating_sub(memory);
    assert!(
        took <= TIME,
        "it took {took:?} of the processor, more than {TIME:?}"
    );
    assert!(
        used <= BYTES,
        "it took {used} bytes of memory, more than {BYTES}"
    );
    result
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
