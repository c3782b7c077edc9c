//! What a person is offered for a branch or tag: the pipelines of its file as known here, and the chosen one's fields.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipewright_core::{RefName, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::{StoreError, inspections, refs};

use super::form::{PipelineForm, VariableField};
use crate::app::App;
use crate::builds::{Choices, KnownFile, known_file};
use crate::repositories::Findings;
use crate::web::format::count;

/// Branches and tags offered at most.
const OFFERED: usize = 400;

/// What is known here of a ref's pipelines.
#[derive(Debug, Clone, Default)]
pub(in crate::pages) struct Offer {
    /// The file that this is read from; none where nothing is known.
    pub(in crate::pages) file: Option<ShownFile>,
    /// What a push runs, then the custom pipelines.
    pub(in crate::pages) pipelines: Vec<PipelineLink>,
    /// The chosen pipeline's variables.
    pub(in crate::pages) fields: Vec<VariableField>,
    /// Why a push of the ref would run nothing, where that is what is chosen.
    pub(in crate::pages) push_runs_nothing: Option<String>,
    /// The chosen pipeline is not in the file.
    pub(in crate::pages) is_unknown: bool,
}

/// Which file is shown.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownFile {
    pub(in crate::pages) ref_name: String,
    pub(in crate::pages) commit: String,
    pub(in crate::pages) at: Timestamp,
    /// False where the ref is known to have moved on.
    pub(in crate::pages) is_tip: bool,
    /// It is another ref's, because nothing is known of the one that was asked for.
    pub(in crate::pages) is_of_another: bool,
    /// The commit has no pipeline file.
    pub(in crate::pages) is_missing: bool,
    /// Problems that keep it from running.
    pub(in crate::pages) problems: usize,
}

/// A pipeline to choose.
#[derive(Debug, Clone)]
pub(in crate::pages) struct PipelineLink {
    /// The query that chooses it.
    pub(in crate::pages) query: String,
    /// The key under `pipelines.custom`; empty for what a push runs.
    pub(in crate::pages) custom: String,
    pub(in crate::pages) name: String,
    pub(in crate::pages) what: String,
    pub(in crate::pages) is_current: bool,
}

/// Gathers what is known for the form's ref.
pub(in crate::pages) async fn offer(
    app: &App,
    application: &Application,
    ref_name: &RefName,
    form: &PipelineForm,
) -> Result<(Offer, Option<Choices>), StoreError> {
    let Some(known) = known_file(app, application, ref_name).await? else {
        return Ok((Offer::default(), None));
    };
    let choices = known
        .text
        .as_deref()
        .map(|text| Choices::of(text, ref_name));
    let file = shown_file(&known, ref_name, choices.as_ref());
    let mut offer = Offer {
        file: Some(file),
        ..Offer::default()
    };
    let Some(choices) = choices else {
        return Ok((offer, None));
    };
    offer.pipelines = links(&choices, ref_name, form);
    match choices.find(&form.custom) {
        Some(choice) => offer.fields = form.fields(&choice.variables),
        None if form.custom.is_empty() => {
            offer.push_runs_nothing = choices
                .push
                .clone()
                .err()
                .map(|why| crate::ground::sentence(&why));
        }
        None => offer.is_unknown = true,
    }
    Ok((offer, Some(choices)))
}

fn shown_file(known: &KnownFile, ref_name: &RefName, choices: Option<&Choices>) -> ShownFile {
    ShownFile {
        ref_name: known.ref_name.short().to_owned(),
        commit: known.commit.short().to_owned(),
        at: known.at,
        is_tip: known.is_tip,
        is_of_another: known.ref_name != *ref_name,
        is_missing: known.text.is_none(),
        problems: choices.map_or(0, |choices| choices.problems),
    }
}

fn links(choices: &Choices, ref_name: &RefName, form: &PipelineForm) -> Vec<PipelineLink> {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query = |custom: &str| {
        format!(
            "ref={}&custom={}",
            encode(&shown_ref(ref_name)),
            encode(custom)
        )
    };
    let kind = ref_name.kind().as_str();
    let push = PipelineLink {
        query: query(""),
        custom: String::new(),
        name: format!("What a push of this {kind} runs"),
        what: match &choices.push {
            Ok(pipeline) => pipeline.clone(),
            Err(_) => "nothing".to_owned(),
        },
        is_current: form.custom.is_empty(),
    };
    let custom = choices.custom.iter().map(|choice| PipelineLink {
        query: query(&choice.name),
        custom: choice.name.clone(),
        name: choice.name.clone(),
        what: match (choice.steps, choice.variables.len()) {
            (0, _) => "imported from another file".to_owned(),
            (steps, 0) => count(steps, "step"),
            (steps, variables) => {
                format!("{}, {}", count(steps, "step"), count(variables, "variable"))
            }
        },
        is_current: choice.name == form.custom,
    });
    std::iter::once(push).chain(custom).collect()
}

/// The branches and tags that are known here, as [`ref_of`] reads them, branches first; and when they were last looked at.
pub(in crate::pages) async fn refs_known(
    app: &App,
    application: &Application,
) -> Result<(Vec<String>, Option<Timestamp>), StoreError> {
    let decided = refs::list(&app.db, application.id).await?;
    let found = inspections::get::<Findings>(&app.db, application.repository).await?;
    let looked_at = found
        .as_ref()
        .and_then(|found| found.finished_at)
        .max(application.refs_compared_at);
    let (branches, tags): (Vec<RefName>, Vec<RefName>) = decided
        .into_iter()
        .map(|(name, _)| name)
        .partition(RefName::is_branch);
    let mut names: Vec<String> = branches.iter().chain(&tags).map(shown_ref).collect();
    if names.is_empty()
        && let Some(findings) = found.and_then(|found| found.findings)
    {
        names.extend(findings.branches.into_iter().map(|branch| branch.name));
        names.extend(
            findings
                .tags
                .into_iter()
                .map(|tag| format!("refs/tags/{}", tag.name)),
        );
    }
    names.truncate(OFFERED);
    Ok((names, looked_at))
}

/// What a person entered as a branch or tag: a short name of a branch, or the full name of either.
pub(in crate::pages) fn ref_of(text: &str) -> Result<RefName, String> {
    let parsed = if text.starts_with("refs/") {
        text.parse()
    } else {
        RefName::branch(text)
    };
    parsed.map_err(|error| crate::ground::sentence(&error.to_string()))
}

/// A ref as [`ref_of`] reads it back.
pub(in crate::pages) fn shown_ref(name: &RefName) -> String {
    if name.is_branch() {
        name.short().to_owned()
    } else {
        name.full().to_owned()
    }
}
