//! An application's page: what is built, its webhook, its latest builds.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_bitbucket::scopes::Feature;
use pipewright_core::Right;
use pipewright_store::applications::{self, Application};
use pipewright_store::deliveries::{Troubled, troubled};
use pipewright_store::integrations::{
    CloneVia, Integration, IntegrationKind, IntegrationState, KeyCheck,
};
use pipewright_store::repositories::Repository;
use pipewright_store::{inspections, integrations, repositories};

use super::super::webhooks::{WebhookCard, card};
use super::caches::{self, ShownCache};
use super::list::{BuildLine, build_line};
use super::preview::{Preview, preview};
use super::rules_form::RulesForm;
use crate::app::App;
use crate::builds::work::Work;
use crate::repositories::{Findings, name_of};
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError, format};

/// For how long a delivery that could not be decided is shown where its application is.
const TROUBLE_SHOWN: std::time::Duration = std::time::Duration::from_hours(7 * 24);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}", get(show))
}

#[derive(Debug, Template)]
#[template(path = "applications/show.html")]
pub(super) struct ShowPage {
    page: Page,
    slug: String,
    name: String,
    repository: String,
    web_url: String,
    is_private: bool,
    at: String,
    /// Why its integration cannot be used.
    broken: Option<String>,
    may_manage: bool,
    may_build: bool,
    rules: RulesForm,
    rules_error: Option<String>,
    preview: Option<Preview>,
    branch_count: usize,
    webhook: WebhookCard,
    /// The SSH key can be put on the repository, or was.
    key: Option<KeyOffer>,
    refs_compared_at: Option<pipewright_core::Timestamp>,
    refs_message: Option<String>,
    /// What of the last days' deliveries could not be decided.
    troubled: Vec<Troubled>,
    latest: Vec<BuildLine>,
    caches: Vec<ShownCache>,
}

/// The SSH key on the repository.
#[derive(Debug)]
struct KeyOffer {
    /// We put it there.
    there: bool,
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<Html<ShowPage>, PageError> {
    let form = RulesForm::of(&application.rules);
    Ok(Html(
        context(&app, &member, &application, form, None).await?,
    ))
}

/// Gathers the page. `form` is what its editor holds, with what is wrong with it.
pub(super) async fn context(
    app: &App,
    member: &MemberOf,
    application: &Application,
    form: RulesForm,
    rules_error: Option<String>,
) -> Result<ShowPage, PageError> {
    let repository = repositories::get(&app.db, application.repository)
        .await?
        .ok_or(PageError::NotFound)?;
    let integration = integrations::get(&app.db, repository.integration)
        .await?
        .ok_or(PageError::NotFound)?;
    let found = inspections::get::<Findings>(&app.db, repository.id)
        .await?
        .and_then(|inspection| inspection.findings);
    let all = applications::last_builds(&app.db, &[application.id]).await?;
    let now = member.now();
    let last: Vec<_> = all.iter().rev().take(10).collect();
    let ids: Vec<_> = last.iter().map(|build| build.id).collect();
    let work = Work::of(&app.db, &ids).await?;
    let latest = last
        .into_iter()
        .map(|build| build_line(build, work.took(build.id, now).map(format::duration)))
        .collect();
    let patterns = form.patterns().ok();
    Ok(ShowPage {
        page: member.page(application.name.clone()).nav(Nav::Applications),
        slug: application.slug.clone(),
        name: application.name.clone(),
        broken: match integration.state {
            IntegrationState::Connected => repository
                .gone_at
                .map(|_| "Bitbucket no longer lists this repository; was it deleted, or was access withdrawn?".to_owned()),
            IntegrationState::Reconnect => Some(format!("Nothing is built: {}.", integration.state_reason.clone().unwrap_or_default())),
            IntegrationState::Disconnected => Some(format!("Nothing is built: {} is disconnected.", name_of(&integration))),
        },
        at: name_of(&integration),
        repository: repository.full_name.clone(),
        web_url: repository.web_url.clone(),
        is_private: repository.is_private,
        may_manage: member.may(Right::ManageApplications),
        may_build: member.may(Right::Build),
        preview: patterns.zip(found.as_ref()).map(|(patterns, found)| preview(&patterns, &found.branches)),
        rules: form,
        rules_error,
        branch_count: found.as_ref().map_or(0, |found| found.branch_count),
        webhook: card(app, member, application).await?,
        key: key_offer(member, &integration, &repository),
        refs_compared_at: application.refs_compared_at,
        refs_message: application.refs_message.clone(),
        troubled: troubled(&app.db, application.id, repository.id, now - TROUBLE_SHOWN, 3).await?,
        latest,
        caches: caches::of(app, application).await?,
    })
}

/// Whether the key can be put on the repository itself: where the product offers it to this connection, and builds clone
/// with it.
fn key_offer(
    member: &MemberOf,
    integration: &Integration,
    repository: &Repository,
) -> Option<KeyOffer> {
    let there = repository.access_key_id.is_some();
    let offered = match integration.kind {
        IntegrationKind::Cloud => integration
            .features
            .iter()
            .any(|word| word == Feature::DeployKeys.as_str()),
        IntegrationKind::DataCenter => repository.can_administer == Some(true),
    };
    let useful = offered
        && member.may(Right::Connect)
        && integration.clone_via == CloneVia::Ssh
        && integration.key_check != KeyCheck::Accepted;
    (there || useful).then_some(KeyOffer { there })
}
