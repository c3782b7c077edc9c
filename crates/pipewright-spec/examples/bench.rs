//! How long it takes to read, check and plan pipeline files, and how much memory: median and 99th percentile over many
//! rounds, beside the goals.
//!
//! `cargo xtask bench spec`, or `cargo run --release -p pipewright-spec --example bench -- [FILE…]`: the files, one of 3,000
//! lines with 400 anchors, and several made to hurt. Prints, and asserts nothing.
#![expect(clippy::print_stdout, reason = "an example's output")]

#[path = "../tests/common/shapes.rs"]
mod shapes;

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use pipewright_spec::parse;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// For a file of the corpus, in the median.
const GOAL_REAL: Duration = Duration::from_millis(1);

/// For the 3,000 lines, in the median.
const GOAL_LONG: Duration = Duration::from_millis(15);

/// For any file whatever, in the worst round.
const GOAL_ANY: Duration = Duration::from_millis(50);

/// For any file whatever, in MB.
const GOAL_MEMORY: f64 = 64.0;

fn main() {
    println!(
        "{:<44} {:>8} {:>6} {:>10} {:>10} {:>8}",
        "file", "bytes", "n", "median", "p99", "memory"
    );
    let mut rows = Vec::new();
    for path in std::env::args().skip(1) {
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        rows.push(row(&name, &bytes, 50, usize::MAX));
    }
    if !rows.is_empty() {
        rows.sort_unstable_by_key(|row| row.median);
        let (median, p99) = (
            rows[rows.len() / 2].median,
            rows[rows.len() * 99 / 100].median,
        );
        println!(
            "{} real files: median of the medians {median:.1?}, p99 {p99:.1?} (goal: median {GOAL_REAL:.0?})",
            rows.len()
        );
    }
    let long = row(
        "3,000 lines, 400 anchors",
        shapes::long_file().as_bytes(),
        50,
        usize::MAX,
    );
    println!(
        "3,000 lines: median {:.1?} (goal {GOAL_LONG:.0?})",
        long.median
    );
    let hostile: Vec<Row> = shapes::hostile()
        .iter()
        .map(|(name, text)| row(name, text.as_bytes(), 10, 1))
        .collect();
    let slowest = hostile
        .iter()
        .chain(&rows)
        .map(|row| row.p99)
        .max()
        .unwrap_or_default();
    let largest = hostile
        .iter()
        .chain(&rows)
        .map(|row| row.memory)
        .fold(0.0, f64::max);
    println!(
        "any file: at most {slowest:.1?} (goal {GOAL_ANY:.0?}) and {largest:.1} MB (goal {GOAL_MEMORY:.0} MB)"
    );
}

struct Row {
    median: Duration,
    p99: Duration,
    /// In MB, at the most at one time.
    memory: f64,
}

/// Parses, and plans this many of the start conditions; of a hostile file one, as one push does.
fn row(name: &str, bytes: &[u8], rounds: usize, plans: usize) -> Row {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            let parsed = parse(name, bytes);
            if let Some(file) = &parsed.pipeline_file {
                for start in file.start_conditions().iter().take(plans) {
                    std::hint::black_box(file.plan(&start.sample));
                }
            }
            let took = begun.elapsed();
            std::hint::black_box(parsed);
            took
        })
        .collect();
    times.sort_unstable();
    let memory = MEMORY.peak_usage().saturating_sub(before) as f64 / (1024.0 * 1024.0);
    let (median, p99) = (times[rounds / 2], times[rounds * 99 / 100]);
    let shown = [median, p99].map(|time| format!("{time:.1?}"));
    println!(
        "{name:<44} {:>8} {rounds:>6} {:>10} {:>10} {memory:>5.1} MB",
        bytes.len(),
        shown[0],
        shown[1]
    );
    Row {
        median,
        p99,
        memory,
    }
}
