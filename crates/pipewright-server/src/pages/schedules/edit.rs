//! The editor of a schedule. One form; its buttons **Choose**, the presets and **Show the next times** draw it again with
//! what was entered, so that it works without JavaScript.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use pipewright_core::Right;
use pipewright_core::ids::ScheduleId;
use pipewright_store::applications::Application;
use pipewright_store::schedules::{self, Schedule, Spec};
use pipewright_store::{StoreError, repositories};

use super::times::Times;
use crate::app::App;
use crate::builds::Choices;
use crate::pages::run::{Offer, PipelineForm, offer, ref_of, refs_known, shown_ref};
use crate::schedules::{SaveError, save, zone_names};
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError, PageForm, SeeOther};

/// Expressions to begin with: what the button says, its word, the expression.
const PRESETS: &[(&str, &str, &str)] = &[
    ("Hourly", "hourly", "0 * * * *"),
    ("Nightly", "nightly", "30 2 * * *"),
    ("Weekly", "weekly", "0 6 * * MON"),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/schedules/new",
            get(begin).post(make),
        )
        .route(
            "/{account}/applications/{application}/schedules/{schedule}",
            get(show).post(change),
        )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "schedules/edit.html")]
pub(in crate::pages) struct EditPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) application: String,
    pub(in crate::pages) slug: String,
    /// The list.
    pub(in crate::pages) path: String,
    /// This page.
    pub(in crate::pages) own: String,
    pub(in crate::pages) is_new: bool,
    pub(in crate::pages) form: PipelineForm,
    pub(in crate::pages) cron: String,
    pub(in crate::pages) zone: String,
    pub(in crate::pages) is_on: bool,
    pub(in crate::pages) presets: &'static [(&'static str, &'static str, &'static str)],
    pub(in crate::pages) zones: Vec<String>,
    pub(in crate::pages) refs: Vec<String>,
    pub(in crate::pages) ref_error: Option<String>,
    pub(in crate::pages) offer: Offer,
    pub(in crate::pages) times: Times,
    pub(in crate::pages) errors: Vec<String>,
}

/// What is entered.
#[derive(Debug, Clone, Default)]
struct Entered {
    pipeline: PipelineForm,
    cron: String,
    zone: String,
    is_on: bool,
    /// Which button was pressed.
    act: String,
}

impl Entered {
    fn take(fields: Vec<(String, String)>) -> Self {
        let (pipeline, mut rest): (PipelineForm, BTreeMap<String, String>) =
            PipelineForm::take(fields);
        let mut take = |name: &str| rest.remove(name).unwrap_or_default();
        Self {
            cron: take("cron"),
            zone: take("zone"),
            is_on: !take("on").is_empty(),
            act: take("act"),
            pipeline,
        }
    }
}

/// The schedule in the address, of the application that it names.
pub(super) async fn find_schedule(
    app: &App,
    application: &Application,
    id: &str,
) -> Result<Schedule, PageError> {
    let id: ScheduleId = id.parse().map_err(|_| PageError::NotFound)?;
    schedules::get(&app.db, application.account, application.id, id)
        .await?
        .ok_or(PageError::NotFound)
}

async fn begin(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<Html<EditPage>, PageError> {
    member.shown_to(Right::Build)?;
    let repository = repositories::get(&app.db, application.repository).await?;
    let entered = Entered {
        pipeline: PipelineForm {
            ref_text: repository
                .and_then(|repository| repository.default_branch)
                .unwrap_or_default(),
            ..PipelineForm::default()
        },
        cron: "30 2 * * *".to_owned(),
        zone: schedules::last_zone(&app.db, member.account.id)
            .await?
            .unwrap_or_else(|| "UTC".to_owned()),
        is_on: true,
        act: String::new(),
    };
    Ok(Html(
        edit_page(&app, &member, &application, None, entered, Vec::new()).await?,
    ))
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, id)): Path<(String, String, String)>,
) -> Result<Html<EditPage>, PageError> {
    member.shown_to(Right::Build)?;
    let schedule = find_schedule(&app, &application, &id).await?;
    let spec = schedule.spec.clone();
    let custom = spec.custom.clone().unwrap_or_default();
    let probe = PipelineForm {
        ref_text: shown_ref(&spec.ref_name),
        custom: custom.clone(),
        ..PipelineForm::default()
    };
    let (_, choices) = offer(&app, &application, &spec.ref_name, &probe).await?;
    let choice = choices.as_ref().and_then(|choices| choices.find(&custom));
    let entered = Entered {
        pipeline: PipelineForm::holding(probe.ref_text, custom, &spec.variables, choice),
        cron: spec.cron,
        zone: spec.time_zone,
        is_on: spec.is_on,
        act: String::new(),
    };
    Ok(Html(
        edit_page(
            &app,
            &member,
            &application,
            Some(&schedule),
            entered,
            Vec::new(),
        )
        .await?,
    ))
}

async fn make(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    member.shown_to(Right::Build)?;
    store(&app, &member, &application, None, Entered::take(fields)).await
}

async fn change(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, id)): Path<(String, String, String)>,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    member.shown_to(Right::Build)?;
    let schedule = find_schedule(&app, &application, &id).await?;
    store(
        &app,
        &member,
        &application,
        Some(&schedule),
        Entered::take(fields),
    )
    .await
}

/// Saves, where **Save** was pressed; else draws the page with what was entered.
async fn store(
    app: &App,
    member: &MemberOf,
    application: &Application,
    old: Option<&Schedule>,
    mut entered: Entered,
) -> Result<Response, PageError> {
    if entered.act != "save" {
        if let Some((_, _, cron)) = PRESETS.iter().find(|(_, word, _)| *word == entered.act) {
            entered.cron = (*cron).to_owned();
        }
        return Ok(
            Html(edit_page(app, member, application, old, entered, Vec::new()).await?)
                .into_response(),
        );
    }
    let refused = match spec_of(app, application, &entered).await? {
        Ok(spec) => match save(app, &member.actor(), application, old, spec).await {
            Ok(()) => {
                let there = SeeOther::to(
                    &app.config,
                    &member.path(&format!("/applications/{}/schedules", application.slug)),
                );
                return Ok(there.done("The schedule is saved.").into_response());
            }
            // The part with the times says this beside the expression.
            Err(SaveError::Timing(_)) => Vec::new(),
            Err(error) => vec![PageError::beside(error)?],
        },
        Err(sentences) => sentences,
    };
    let page = edit_page(app, member, application, old, entered, refused).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

/// What was entered, as it is kept; sentences where it cannot be.
async fn spec_of(
    app: &App,
    application: &Application,
    entered: &Entered,
) -> Result<Result<Spec, Vec<String>>, StoreError> {
    let form = &entered.pipeline;
    let (ref_name, mut variables) = match (ref_of(&form.ref_text), form.variables()) {
        (Ok(ref_name), Ok(variables)) => (ref_name, variables),
        // What is wrong with the ref, the page that is drawn again says beside the field.
        (_, variables) => return Ok(Err(variables.err().unwrap_or_default())),
    };
    if let (_, Some(choices)) = offer(app, application, &ref_name, form).await? {
        let refused = choices.refused(&form.custom, &variables);
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
        keep_overrides(&choices, &form.custom, &mut variables);
    }
    Ok(Ok(Spec {
        ref_name,
        custom: form.custom(),
        variables,
        cron: entered.cron.trim().to_owned(),
        time_zone: entered.zone.trim().to_owned(),
        is_on: entered.is_on,
    }))
}

/// A value that is the file's default is not kept: should the default change, the schedule follows it.
fn keep_overrides(choices: &Choices, custom: &str, variables: &mut Vec<(String, String)>) {
    let Some(choice) = choices.find(custom) else {
        return;
    };
    variables.retain(|(name, value)| {
        let declared = choice
            .variables
            .iter()
            .find(|variable| variable.name == *name);
        declared.is_none_or(|variable| variable.default.as_deref().unwrap_or_default() != value)
    });
}

/// Gathers the page with what was entered, and what is wrong with it.
async fn edit_page(
    app: &App,
    member: &MemberOf,
    application: &Application,
    old: Option<&Schedule>,
    entered: Entered,
    errors: Vec<String>,
) -> Result<EditPage, StoreError> {
    let form = entered.pipeline;
    let (refs, _) = refs_known(app, application).await?;
    let (ref_error, shown) = match ref_of(&form.ref_text) {
        _ if form.ref_text.is_empty() => (None, Offer::default()),
        Ok(ref_name) => (None, offer(app, application, &ref_name, &form).await?.0),
        Err(sentence) => (Some(sentence), Offer::default()),
    };
    let title = if old.is_some() {
        "Schedule"
    } else {
        "New schedule"
    };
    let page = member
        .page(format!("{title} of {}", application.name))
        .nav(Nav::Applications);
    let path = page.own(&format!("/applications/{}/schedules", application.slug));
    let own = old.map_or_else(|| format!("{path}/new"), |old| format!("{path}/{}", old.id));
    Ok(EditPage {
        application: application.name.clone(),
        slug: application.slug.clone(),
        times: Times::of(
            format!("{path}/times"),
            &entered.cron,
            &entered.zone,
            member.now(),
        ),
        is_new: old.is_none(),
        cron: entered.cron,
        zone: entered.zone,
        is_on: entered.is_on,
        presets: PRESETS,
        zones: zone_names(),
        page,
        path,
        own,
        form,
        refs,
        ref_error,
        offer: shown,
        errors,
    })
}
