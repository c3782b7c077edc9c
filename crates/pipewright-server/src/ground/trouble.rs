//! What is said and done when something fails for now.

use std::time::Duration;

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
