//! How often something was refused, so that of many alike a few are written down: the first, the tenth, the hundredth.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Keys that are counted at a time; beyond, all are forgotten, which only writes a line more.
const KEYS: usize = 10_000;

/// Counts by key while the process lives.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<HashMap<String, u64>>);

impl Tallies {
    /// Counts one more under this key. Gives the number where it is one to write down.
    pub(crate) fn count(&self, key: String) -> Option<u64> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() >= KEYS {
            tallies.clear();
        }
        let tally = tallies.entry(key).or_default();
        *tally += 1;
        let number = *tally;
        10_u64
            .checked_pow(number.ilog10())
            .is_some_and(|power| power == number)
            .then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::Tallies;

    #[test]
    fn of_many_alike_a_few_are_written_down() {
        let tallies = Tallies::default();
        let written: Vec<u64> = (0..1200)
            .filter_map(|_| tallies.count("locked".to_owned()))
            .collect();
        assert_eq!(written, [1, 10, 100, 1000]);
        assert_eq!(tallies.count("other".to_owned()), Some(1));
    }
}
