//! A plan drawn as a tree: groups, and in them the steps with everything that decides when and how they run.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use pipewright_core::build::NOT_SUPPORTED;
use pipewright_core::plan::{
    ConditionPlan, FailureStrategy, Group, GroupKind, ScriptItem, StepPlan, Unmet,
};

use super::super::shown::shown;
use super::Answer;
use super::conditions::Expected;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GATE: Style = AnsiColor::Yellow.on_default();

/// What Bitbucket gives a step that says nothing of its time; not worth a word.
const USUAL_MINUTES: u32 = 120;

/// Longer names and lists are cut.
const WIDTH: usize = 72;

/// Longer reasons are cut.
const REASON_WIDTH: usize = 300;

/// Draws which pipeline runs and why, its tree, and what does not run.
pub(super) fn draw(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    if let Some(reason) = answer.nothing {
        writeln!(out, "{BOLD}Nothing would run{BOLD:#}: {reason}.")?;
    }
    if let Some(selection) = answer.selection {
        writeln!(
            out,
            "{BOLD}{}{BOLD:#} {DIM}({}, line {}){DIM:#}",
            shown(&selection.pipeline, WIDTH),
            answer.file,
            selection.line
        )?;
        writeln!(out, "because {}.", selection.reason)?;
        if let Some(imported) = answer.plan.and_then(|plan| plan.imported.as_ref()) {
            writeln!(
                out,
                "It is {} of {}.",
                shown(&imported.pipeline, WIDTH),
                shown(&imported.file, WIDTH)
            )?;
        }
    }
    if let Some(plan) = answer.plan {
        for (name, value) in &plan.variables {
            writeln!(out, "{DIM}{name}={}{DIM:#}", shown(value, WIDTH))?;
        }
        writeln!(out)?;
        let mut number = 0;
        for (place, group) in plan.groups.iter().enumerate() {
            draw_group(
                out,
                group,
                place + 1 == plan.groups.len(),
                &mut number,
                &answer.conditions,
            )?;
        }
    }
    if !answer.others.is_empty() {
        writeln!(out, "\n{DIM}Does not run:{DIM:#}")?;
        let widest = answer
            .others
            .iter()
            .map(|other| shown(&other.pipeline, WIDTH).chars().count())
            .max()
            .unwrap_or(0);
        for other in &answer.others {
            writeln!(
                out,
                "{DIM}  {:widest$}  line {:<5} {}{DIM:#}",
                shown(&other.pipeline, WIDTH),
                other.line,
                other.why_not
            )?;
        }
    }
    Ok(())
}

fn draw_group(
    out: &mut impl Write,
    group: &Group,
    last: bool,
    number: &mut usize,
    expected: &[Expected],
) -> io::Result<()> {
    let (branch, stem) = if last {
        ("└─", "  ")
    } else {
        ("├─", "│ ")
    };
    let title = match group.kind {
        GroupKind::Step => {
            for step in &group.steps {
                draw_step(out, step, "", branch, number, expected)?;
            }
            return Ok(());
        }
        GroupKind::Parallel { fail_fast: false } => "parallel".to_owned(),
        GroupKind::Parallel { fail_fast: true } => {
            "parallel, the first failure stops the others".to_owned()
        }
        GroupKind::Stage => format!(
            "stage {}",
            shown(group.name.as_deref().unwrap_or_default(), WIDTH)
        ),
        GroupKind::Final => "final, runs whatever happened before".to_owned(),
    };
    write!(out, "{branch} {BOLD}{title}{BOLD:#}")?;
    write_gate(out, group.manual)?;
    let deployment = group
        .deployment
        .as_ref()
        .map(|environment| format!("deploys to {}", shown(environment, WIDTH)));
    let first = *number + 1;
    let decided = expected
        .iter()
        .filter(|expected| expected.is_stage && expected.step == first)
        .map(decision);
    write_details(
        out,
        deployment
            .into_iter()
            .chain(group.condition.iter().flat_map(conditions))
            .chain(decided),
    )?;
    for (place, step) in group.steps.iter().enumerate() {
        draw_step(
            out,
            step,
            stem,
            if place + 1 == group.steps.len() {
                "└─"
            } else {
                "├─"
            },
            number,
            expected,
        )?;
    }
    Ok(())
}

fn draw_step(
    out: &mut impl Write,
    step: &StepPlan,
    stem: &str,
    branch: &str,
    number: &mut usize,
    expected: &[Expected],
) -> io::Result<()> {
    *number += 1;
    let indent = if stem.is_empty() { "" } else { " " };
    write!(
        out,
        "{stem}{indent}{branch} {number} {BOLD}{}{BOLD:#}",
        shown(&step.name, WIDTH)
    )?;
    write_gate(out, step.manual)?;
    if step.refusal().is_some() {
        write!(out, " {GATE}[{}]{GATE:#}", NOT_SUPPORTED.to_lowercase())?;
    }
    let decided = expected
        .iter()
        .filter(|expected| !expected.is_stage && expected.step == *number)
        .map(decision);
    write_details(out, details(step).into_iter().chain(decided))
}

/// What its condition comes to.
fn decision(expected: &Expected) -> String {
    let why = shown(&expected.why, REASON_WIDTH);
    match expected.runs {
        Some(true) => format!("runs, because {why}"),
        Some(false) => format!("is skipped, because {why}"),
        None => format!("decided when it begins: {why}"),
    }
}

/// Manual steps stand out: the build waits there.
fn write_gate(out: &mut impl Write, manual: bool) -> io::Result<()> {
    if manual {
        write!(out, " {GATE}[manual]{GATE:#}")
    } else {
        Ok(())
    }
}

fn write_details(out: &mut impl Write, details: impl Iterator<Item = String>) -> io::Result<()> {
    let details: Vec<String> = details.collect();
    if details.is_empty() {
        writeln!(out)
    } else {
        writeln!(out, " {DIM}· {}{DIM:#}", details.join(" · "))
    }
}

fn details(step: &StepPlan) -> Vec<String> {
    let names = |what: &str, names: Vec<&str>| {
        (!names.is_empty()).then(|| format!("{what} {}", shown(&names.join(", "), WIDTH)))
    };
    let one = |what: &str, name: &Option<String>| {
        name.as_ref()
            .map(|name| format!("{what} {}", shown(name, WIDTH)))
    };
    let pipes = step
        .script
        .iter()
        .chain(&step.after_script)
        .filter_map(|item| match item {
            ScriptItem::Pipe(pipe) => Some(pipe.pipe.as_str()),
            ScriptItem::Command(_) => None,
        });
    let mut details: Vec<String> = step.condition.iter().flat_map(conditions).collect();
    details.extend(
        step.child
            .as_ref()
            .map(|child| format!("runs custom: {}", shown(&child.custom, WIDTH))),
    );
    details.extend(step.image.as_ref().map(|image| {
        let unused = step.unmet.contains(&Unmet::Image(image.name.clone()));
        let not_used = if unused { " (not used)" } else { "" };
        format!("image {}{not_used}", shown(&image.name, WIDTH))
    }));
    details.extend(
        (step.max_time_minutes != USUAL_MINUTES)
            .then(|| format!("at most {} min", step.max_time_minutes)),
    );
    details.extend((step.size != 1).then(|| format!("size {}x", step.size)));
    details.extend(one("deploys to", &step.deployment));
    details.extend(one("environment", &step.environment));
    details.extend(match step.on_failure {
        FailureStrategy::Fail => None,
        FailureStrategy::Ignore => Some("a failure is ignored".to_owned()),
        FailureStrategy::Retry { times: 1 } => Some("tried once more after a failure".to_owned()),
        FailureStrategy::Retry { times } => {
            Some(format!("tried up to {times} times more after a failure"))
        }
    });
    details.extend(match step.fail_fast {
        Some(true) => Some("its failure stops the others".to_owned()),
        Some(false) => Some("its failure does not stop the others".to_owned()),
        None => None,
    });
    details.extend(one("one at a time in", &step.concurrency_group));
    details.extend(names(
        "on",
        step.runs_on.iter().map(String::as_str).collect(),
    ));
    details.extend(names(
        "services",
        step.services
            .iter()
            .map(|service| service.name.as_str())
            .collect(),
    ));
    details.extend(names("pipes", pipes.collect()));
    let is_used = |name: &&str| !step.unmet.contains(&Unmet::Cache((*name).to_owned()));
    let (caches, unused): (Vec<&str>, Vec<&str>) = step
        .caches
        .iter()
        .map(|cache| cache.name.as_str())
        .partition(is_used);
    details.extend(names("caches", caches));
    details.extend(names("caches that are not used:", unused));
    details.extend(names(
        "artifacts",
        step.artifacts
            .iter()
            .flat_map(|artifact| artifact.paths.iter().map(String::as_str))
            .collect(),
    ));
    details.extend(names(
        "hands on",
        step.output_variables.iter().map(String::as_str).collect(),
    ));
    details.extend((!step.clone.enabled).then(|| "without a clone".to_owned()));
    details.extend((!step.after_script.is_empty()).then(|| "after-script".to_owned()));
    details
}

fn conditions(condition: &ConditionPlan) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(changes) = &condition.changesets {
        if !changes.include_paths.is_empty() {
            words.push(format!(
                "if changed: {}",
                shown(&changes.include_paths.join(", "), WIDTH)
            ));
        }
        if !changes.exclude_paths.is_empty() {
            words.push(format!(
                "unless only changed: {}",
                shown(&changes.exclude_paths.join(", "), WIDTH)
            ));
        }
    }
    words.extend(
        condition
            .state
            .as_ref()
            .map(|state| format!("if {}", shown(state, WIDTH))),
    );
    words
}
