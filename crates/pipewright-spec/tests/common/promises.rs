//! The promises that every parse keeps, whatever the bytes.

use pipewright_spec::{Diagnostic, Parsed, Planned, parse, render_text};

/// Parses, plans every start condition, draws every problem, and checks what holds for any bytes whatever: places are
/// inside the text and on character boundaries, an unreadable file says why, and an invalid file is not planned.
pub(crate) fn keeps_its_promises(name: &str, bytes: &[u8]) -> Parsed {
    let parsed = parse(name, bytes);
    let text = &parsed.source;
    for problem in &parsed.diagnostics {
        for span in problem
            .labels
            .iter()
            .map(|label| label.span)
            .chain([problem.primary])
        {
            assert!(
                span.start <= span.end && span.end <= text.len(),
                "{name}: {problem:?} lies outside of {} bytes",
                text.len()
            );
            assert!(
                text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
                "{name}: {problem:?} cuts a character"
            );
            assert!(span.line >= 1 && span.column >= 1, "{name}: {problem:?}");
        }
        assert!(problem.code.starts_with("PW"), "{name}: {problem:?}");
        assert!(
            !problem.message.is_empty() && !problem.message.contains('\n'),
            "{name}: {problem:?}"
        );
    }
    if !parsed.diagnostics.is_empty() {
        assert!(
            render_text(&parsed.diagnostics, name, text).contains(&*parsed.diagnostics[0].code)
        );
    }
    match &parsed.pipeline_file {
        None => assert!(
            parsed.diagnostics.iter().any(Diagnostic::is_fatal),
            "{name}: no file and no reason"
        ),
        Some(file) => {
            for start in file.start_conditions() {
                match file.plan(&start.sample) {
                    Planned::Plan(plan, _) => {
                        assert!(!file.is_invalid() && !plan.is_empty(), "{name}: {start:?}");
                        for step in plan.steps() {
                            // What runs only at Atlassian is no item of a script here.
                            assert!(
                                step.script.is_empty() == step.child.is_some()
                                    || step.refusal().is_some(),
                                "{name}: {step:?}"
                            );
                            assert!(
                                !step.name.is_empty() && step.max_time_minutes > 0 && step.line > 0,
                                "{name}: {step:?}"
                            );
                        }
                    }
                    Planned::Nothing { reason } => assert!(!reason.is_empty()),
                    Planned::Invalid(problems) | Planned::Unsupported(problems) => {
                        assert!(problems.iter().any(Diagnostic::is_fatal), "{name}");
                    }
                    // Importing from itself is as good as from any other file.
                    Planned::Needs(needed) => {
                        let mut importing = file.clone();
                        importing.bring(&needed.source, parse(name, bytes), None);
                        assert!(
                            !matches!(importing.plan(&start.sample), Planned::Needs(_)),
                            "{name}: it was brought"
                        );
                        assert!(needed.refused("reason", "help").is_fatal(), "{name}");
                    }
                }
            }
        }
    }
    parsed
}
