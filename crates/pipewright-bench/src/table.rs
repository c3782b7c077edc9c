//! Times, and the tables they are printed in.

use std::io::Write;
use std::time::Duration;

/// What one row of a figure took, sample by sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn median(&self) -> Option<Duration> {
        self.quantile(0.5)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest time that at least this share of the samples did not exceed.
    fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(place.saturating_sub(1)).copied()
    }
}

/// One line of a table; every cell but the first may be empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    cells: [String; 7],
}

const HEADS: [&str; 7] = ["", "n", "median", "p99", "rate", "floor", "goal"];

impl Row {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            cells: [
                what.into(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ],
        }
    }

    pub(crate) fn count(mut self, count: usize) -> Self {
        self.cells[1] = thousands(count as f64);
        self
    }

    /// Number, median and 99th percentile.
    pub(crate) fn times(mut self, times: &Times) -> Self {
        self.cells[1] = thousands(times.len() as f64);
        self.cells[2] = times.quantile(0.5).map(shown).unwrap_or_default();
        self.cells[3] = times.quantile(0.99).map(shown).unwrap_or_default();
        self
    }

    pub(crate) fn rate(mut self, number: f64, unit: &str) -> Self {
        self.cells[4] = format!("{} {unit}", thousands(number));
        self
    }

    pub(crate) fn floor(mut self, text: impl Into<String>) -> Self {
        self.cells[5] = text.into();
        self
    }

    pub(crate) fn goal(mut self, text: &str) -> Self {
        text.clone_into(&mut self.cells[6]);
        self
    }
}

/// Prints a table under its title, with notes below it.
pub(crate) fn print(title: &str, rows: &[Row], notes: &[String]) -> std::io::Result<()> {
    let head = Row {
        cells: HEADS.map(str::to_owned),
    };
    let all: Vec<&Row> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| {
        all.iter()
            .map(|row| row.cells[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{title}")?;
    for row in all {
        write!(out, "  {:<width$}", row.cells[0], width = widths[0])?;
        for (cell, width) in row
            .cells
            .iter()
            .zip(widths)
            .skip(1)
            .filter(|(_, width)| *width > 0)
        {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    for note in notes {
        writeln!(out, "  {note}")?;
    }
    out.flush()
}

/// A duration with three digits or so.
pub(crate) fn shown(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        millis if millis < 1.0 => format!("{:.0} µs", millis * 1e3),
        millis if millis < 10.0 => format!("{millis:.2} ms"),
        millis if millis < 100.0 => format!("{millis:.1} ms"),
        millis => format!("{millis:.0} ms"),
    }
}

/// A whole number with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many a second.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Times, shown, thousands};

    #[test]
    fn quantiles_are_samples() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5), None);
        for millis in (1..=100).rev() {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.quantile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(times.quantile(0.99), Some(Duration::from_millis(99)));
        assert_eq!(times.quantile(1.0), Some(Duration::from_millis(100)));
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            ["7", "4,512", "123,456", "1,234,567"],
            [7.0, 4512.2, 123_456.0, 1_234_567.0]
                .map(thousands)
                .each_ref()
                .map(String::as_str)
        );
        assert_eq!(shown(Duration::from_micros(870)), "870 µs");
        assert_eq!(shown(Duration::from_micros(12_340)), "12.3 ms");
    }
}
