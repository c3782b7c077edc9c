//! Prints the problems and the plans of pipeline files, as `pipewright validate` and `pipewright plan` will.
#![expect(clippy::print_stdout, reason = "an example's output")]

use std::time::Instant;

fn main() {
    for path in std::env::args().skip(1) {
        let Ok(bytes) = std::fs::read(&path) else {
            println!("{path}: cannot be read");
            continue;
        };
        let begun = Instant::now();
        let parsed = pipewright_spec::parse(&path, &bytes);
        let took = begun.elapsed();
        print!(
            "{}",
            pipewright_spec::render_text(&parsed.diagnostics, &path, &parsed.source)
        );
        println!(
            "{path}: {} ({took:?})",
            pipewright_spec::diagnostic::summary(&parsed.diagnostics)
        );
        let Some(file) = parsed.pipeline_file else {
            continue;
        };
        for start in file.start_conditions() {
            match file.plan(&start.sample) {
                pipewright_spec::Planned::Plan(plan, _) => {
                    println!(
                        "  line {}: {} → {} ({} steps)",
                        start.line,
                        start.section.as_str(),
                        plan.pipeline,
                        plan.len()
                    );
                }
                pipewright_spec::Planned::Needs(needed) => {
                    println!("  line {}: in {}", start.line, needed.source);
                }
                pipewright_spec::Planned::Nothing { reason } => {
                    println!("  line {}: {reason}", start.line);
                }
                pipewright_spec::Planned::Invalid(problems)
                | pipewright_spec::Planned::Unsupported(problems) => {
                    println!("  line {}: {} problems", start.line, problems.len());
                }
            }
        }
    }
}
