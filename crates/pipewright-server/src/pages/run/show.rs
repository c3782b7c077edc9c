//! The page of **Run…**. Every choice is a link or a plain form, so it works without JavaScript.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use pipewright_core::{Right, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::inspections::{self, InspectionState};
use pipewright_store::{StoreError, repositories};

use super::form::PipelineForm;
use super::offer::{Offer, offer, ref_of, refs_known};
use crate::app::App;
use crate::repositories::Findings;
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError};

/// What was found in the repository is looked at anew, in the background, after this time.
const FRESH_FOR: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/run", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "run/show.html")]
pub(in crate::pages) struct RunPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) application: String,
    pub(in crate::pages) slug: String,
    /// Where the page stands, without its query.
    pub(in crate::pages) path: String,
    pub(in crate::pages) form: PipelineForm,
    /// Branches and tags to choose from.
    pub(in crate::pages) refs: Vec<String>,
    pub(in crate::pages) refs_at: Option<Timestamp>,
    /// Why the ref cannot be one.
    pub(in crate::pages) ref_error: Option<String>,
    /// What is known of the ref; none while there is no ref.
    pub(in crate::pages) offer: Option<Offer>,
    /// Why no build was started.
    pub(in crate::pages) errors: Vec<String>,
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Html<RunPage>, PageError> {
    member.shown_to(Right::Build)?;
    look_again(&app, &application, member.now()).await?;
    let (mut form, _) = PipelineForm::take(fields);
    if form.ref_text.is_empty() {
        let repository = repositories::get(&app.db, application.repository).await?;
        form.ref_text = repository
            .and_then(|repository| repository.default_branch)
            .unwrap_or_default();
    }
    Ok(Html(
        run_page(&app, &member, &application, form, Vec::new()).await?,
    ))
}

/// Gathers the page with what was entered, and what is wrong with it.
pub(super) async fn run_page(
    app: &App,
    member: &MemberOf,
    application: &Application,
    form: PipelineForm,
    errors: Vec<String>,
) -> Result<RunPage, StoreError> {
    let (refs, refs_at) = refs_known(app, application).await?;
    let (ref_error, shown) = match ref_of(&form.ref_text) {
        _ if form.ref_text.is_empty() => (None, None),
        Ok(ref_name) => (
            None,
            Some(offer(app, application, &ref_name, &form).await?.0),
        ),
        Err(sentence) => (Some(sentence), None),
    };
    let page = member
        .page(format!("Run {}", application.name))
        .nav(Nav::Applications);
    let path = page.own(&format!("/applications/{}/run", application.slug));
    Ok(RunPage {
        application: application.name.clone(),
        slug: application.slug.clone(),
        page,
        path,
        form,
        refs,
        refs_at,
        ref_error,
        offer: shown,
        errors,
    })
}

/// Asks for a fresh look into the repository where the last one has aged; the page does not wait for it.
async fn look_again(
    app: &App,
    application: &Application,
    now: Timestamp,
) -> Result<(), StoreError> {
    let last = inspections::get::<Findings>(&app.db, application.repository).await?;
    let is_fresh = last.is_some_and(|last| match last.state {
        InspectionState::Wanted | InspectionState::Looking => true,
        InspectionState::Ready | InspectionState::Failed => now.since(last.started_at) <= FRESH_FOR,
    });
    if !is_fresh {
        let mut tx = app.db.begin().await?;
        inspections::want(&mut tx, application.repository, now).await?;
        tx.commit().await?;
        app.live().integrations.ring();
    }
    Ok(())
}
