//! What happens by itself: the loops, how they begin and end, and work that must survive a restart.
//!
//! [`Background::start`] begins every part under its supervisor, which begins it again where it ended by an error or a bug;
//! [`Background::drain`] and [`Background::close`] let each end its step. Loops look at stored state and move it one step;
//! hints only make them look sooner.

mod embedded;
mod lanes;
mod listen;
mod notify;
mod probe;
mod queue;
mod supervise;
mod whole;
mod work;

use std::time::Duration;

pub(crate) use lanes::Lane;
pub use notify::Notify;
pub(crate) use queue::enqueue_within;
pub use whole::Background;
pub(crate) use work::Work;

/// The pause before the next try: 1 s, 2 s, 4 s, … up to 5 minutes.
pub(crate) fn backoff(tries: i64) -> Duration {
    let exponent = u32::try_from(tries.clamp(0, 9)).unwrap_or(9);
    Duration::from_secs(2_u64.pow(exponent)).min(Duration::from_mins(5))
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
