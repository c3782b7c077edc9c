//! **New Application**: pick a repository, see what is in it, decide what is built, review, create. Works without
//! JavaScript; no step waits on Bitbucket.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use pipewright_core::ids::RepositoryId;
use pipewright_core::{Right, Timestamp};
use pipewright_store::inspections::{self, Inspection, InspectionState};
use pipewright_store::integrations::{self, CloneVia, KeyCheck};
use pipewright_store::repositories::{Repository, Search};
use pipewright_store::{applications, repositories};
use serde::Deserialize;

use super::preview::{Preview, preview};
use super::rules_form::RulesForm;
use crate::app::App;
use crate::applications::create;
use crate::repositories::{FilePart, Findings, PAGE_LENGTH, Picker, owner_of, pick};
use crate::web::{Html, MemberOf, Nav, Page, PageError, PageForm, SeeOther};

/// What was found is looked at anew after this time.
const FRESH_FOR: std::time::Duration = std::time::Duration::from_secs(30);

/// How many branches are named.
const NAMED: usize = 30;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/applications/new", get(pick_repository))
        .route("/{account}/applications/new/{repository}", get(settings))
        .route(
            "/{account}/applications/new/{repository}/review",
            post(review),
        )
        .route(
            "/{account}/applications/new/{repository}/create",
            post(make),
        )
}

#[derive(Debug, Template)]
#[template(path = "applications/new_pick.html")]
struct PickPage {
    page: Page,
    picker: Picker,
    q: String,
    owner: String,
    number: u32,
    pages: u64,
    previous: Option<String>,
    next: Option<String>,
    connected: bool,
}

impl PickPage {
    /// True while a list is read from Bitbucket.
    fn is_reading(&self) -> bool {
        self.picker.ages.iter().any(|age| age.under_way)
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    page: Option<u32>,
}

async fn pick_repository(
    State(app): State<App>,
    member: MemberOf,
    Query(asked): Query<Asked>,
) -> Result<Html<PickPage>, PageError> {
    member.shown_to(Right::ManageApplications)?;
    let number = asked.page.unwrap_or(1).clamp(1, 10_000);
    let (integration, owner) = owner_of(&asked.owner);
    let search = Search {
        text: asked.q.chars().take(200).collect(),
        owner,
        integration,
        limit: PAGE_LENGTH,
        offset: (number - 1) * PAGE_LENGTH,
    };
    let picker = pick(&app, member.account.id, &search).await?;
    let pages = picker.count.div_ceil(u64::from(PAGE_LENGTH)).max(1);
    let page = member.page("New Application").nav(Nav::Applications);
    let other = |number: u32| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("q", &search.text)
            .append_pair("owner", &asked.owner)
            .append_pair("page", &number.to_string());
        page.own(&format!("/applications/new?{}", query.finish()))
    };
    Ok(Html(PickPage {
        previous: (number > 1).then(|| other(number - 1)),
        next: (u64::from(number) < pages).then(|| other(number + 1)),
        connected: !picker.ages.is_empty(),
        pages,
        page,
        picker,
        q: search.text,
        owner: asked.owner,
        number,
    }))
}

#[derive(Debug, Template)]
#[template(path = "applications/new_settings.html")]
struct SettingsPage {
    page: Page,
    repository: Repository,
    /// There is an application of it already.
    taken: Option<String>,
    looking: bool,
    error: Option<String>,
    looked_at: Option<Timestamp>,
    findings: Option<Findings>,
    named: Vec<String>,
    name: String,
    rules: RulesForm,
    rules_error: Option<String>,
    webhooks: bool,
}

#[derive(Debug, Template)]
#[template(path = "applications/new_review.html")]
struct ReviewPage {
    page: Page,
    repository: Repository,
    name: String,
    rules: RulesForm,
    patterns: Vec<String>,
    preview: Option<Preview>,
    default_branch: Option<String>,
    /// Something that is worth knowing before.
    warnings: Vec<String>,
    /// Why builds cannot clone yet.
    key: Option<&'static str>,
    webhooks: bool,
}

#[derive(Debug, Deserialize)]
struct Wish {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    rules: RulesForm,
    /// "back" leads back to the form.
    #[serde(default)]
    act: String,
}

/// The account's repository in the address.
async fn find(app: &App, member: &MemberOf, id: &str) -> Result<Repository, PageError> {
    member.shown_to(Right::ManageApplications)?;
    let id: RepositoryId = id.parse().map_err(|_| PageError::NotFound)?;
    repositories::of_account(&app.db, member.account.id, id)
        .await?
        .ok_or(PageError::NotFound)
}

async fn settings(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<Html<SettingsPage>, PageError> {
    let repository = find(&app, &member, &id).await?;
    let name = repository.slug.clone();
    Ok(Html(
        settings_page(&app, &member, repository, name, RulesForm::ordinary(), None).await?,
    ))
}

/// Gathers the page, and asks for a fresh look where what is known has aged.
async fn settings_page(
    app: &App,
    member: &MemberOf,
    repository: Repository,
    name: String,
    rules: RulesForm,
    rules_error: Option<String>,
) -> Result<SettingsPage, PageError> {
    let inspection = inspections::get::<Findings>(&app.db, repository.id).await?;
    let now = member.now();
    let aged = match &inspection {
        None => true,
        Some(found) => match found.state {
            InspectionState::Wanted | InspectionState::Looking => false,
            InspectionState::Ready | InspectionState::Failed => {
                now.since(found.started_at) > FRESH_FOR
            }
        },
    };
    if aged {
        let mut tx = app.db.begin().await?;
        inspections::want(&mut tx, repository.id, now).await?;
        tx.commit().await?;
        app.live().integrations.ring();
    }
    let looking = inspection.as_ref().is_none_or(is_looking);
    let error = inspection.as_ref().and_then(|found| {
        found
            .error
            .clone()
            .filter(|_| found.state == InspectionState::Failed)
    });
    let looked_at = inspection.as_ref().and_then(|found| found.finished_at);
    let findings = inspection.and_then(|found| found.findings);
    let named = findings
        .iter()
        .flat_map(|found| &found.branches)
        .take(NAMED)
        .map(|branch| branch.name.clone())
        .collect();
    let taken = applications::for_repository(&app.db, repository.id)
        .await?
        .into_iter()
        .next()
        .map(|application| application.slug);
    Ok(SettingsPage {
        page: member.page("New Application").nav(Nav::Applications),
        repository,
        taken,
        looking,
        error,
        looked_at,
        findings,
        named,
        name,
        rules,
        rules_error,
        webhooks: app.config.webhooks_reach_us,
    })
}

fn is_looking(found: &Inspection<Findings>) -> bool {
    matches!(
        found.state,
        InspectionState::Wanted | InspectionState::Looking
    )
}

async fn review(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
    PageForm(wish): PageForm<Wish>,
) -> Result<Response, PageError> {
    let repository = find(&app, &member, &id).await?;
    let name = name(&wish, &repository);
    let rules = match wish.rules.read() {
        Ok(rules) => rules,
        Err(sentence) => {
            let page =
                settings_page(&app, &member, repository, name, wish.rules, Some(sentence)).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    if wish.act == "back" {
        return Ok(
            Html(settings_page(&app, &member, repository, name, wish.rules, None).await?)
                .into_response(),
        );
    }
    let findings = inspections::get::<Findings>(&app.db, repository.id)
        .await?
        .and_then(|found| found.findings);
    let page = ReviewPage {
        page: member.page("New Application").nav(Nav::Applications),
        name,
        patterns: rules
            .branches
            .iter()
            .map(|pattern| pattern.as_str().to_owned())
            .collect(),
        preview: findings
            .as_ref()
            .map(|found| preview(&rules.branches, &found.branches)),
        default_branch: findings
            .as_ref()
            .and_then(|found| found.default_branch.clone()),
        warnings: warnings(&app, &repository, findings.as_ref()),
        key: key_trouble(&app, &repository).await?,
        rules: wish.rules,
        repository,
        webhooks: app.config.webhooks_reach_us,
    };
    Ok(Html(page).into_response())
}

/// Why builds of the repository cannot be cloned yet, as far as that is known.
async fn key_trouble(
    app: &App,
    repository: &Repository,
) -> Result<Option<&'static str>, PageError> {
    let integration = integrations::get(&app.db, repository.integration).await?;
    let Some(integration) = integration.filter(|integration| {
        integration.clone_via == CloneVia::Ssh && repository.access_key_id.is_none()
    }) else {
        return Ok(None);
    };
    Ok(match integration.key_check {
        KeyCheck::Accepted => None,
        KeyCheck::Unknown => {
            Some("Whether Bitbucket accepts the SSH key has not been checked yet.")
        }
        KeyCheck::NotAdded => {
            Some("Bitbucket does not accept the SSH key yet: it has not been added there.")
        }
        KeyCheck::HostKeyChanged => {
            Some("The SSH host shows another host key than before, so nothing is cloned from it.")
        }
        KeyCheck::Unreachable => {
            Some("The SSH host could not be reached when it was last checked.")
        }
    })
}

/// What is worth knowing before the application is made.
fn warnings(app: &App, repository: &Repository, findings: Option<&Findings>) -> Vec<String> {
    let mut warnings = Vec::new();
    match findings.map(|found| &found.file) {
        None => warnings.push(
            "The repository could not be looked into yet, so no first build will start.".to_owned(),
        ),
        Some(FilePart::EmptyRepository) => warnings
            .push("The repository is empty: the first push starts the first build.".to_owned()),
        Some(FilePart::Missing) => {
            warnings.push("The default branch has no bitbucket-pipelines.yml: builds are skipped until there is one.".to_owned());
        }
        Some(FilePart::TooLong) => warnings
            .push("bitbucket-pipelines.yml is longer than 1 MiB, which is the limit.".to_owned()),
        Some(FilePart::Read { invalid: true, .. }) => {
            warnings.push(
                "bitbucket-pipelines.yml has errors: the first build shows them and runs nothing."
                    .to_owned(),
            );
        }
        Some(FilePart::Read { qualification, .. }) => warnings.extend(
            qualification
                .iter()
                .map(|but| format!("bitbucket-pipelines.yml can be run. {but}")),
        ),
    }
    if app.config.webhooks_reach_us && repository.can_administer == Some(false) {
        warnings.push(
            "The connected user may not set webhooks on this repository: its page shows what to add by hand, and until then branches \
             are compared every few minutes."
                .to_owned(),
        );
    }
    warnings
}

async fn make(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
    PageForm(wish): PageForm<Wish>,
) -> Result<Response, PageError> {
    let repository = find(&app, &member, &id).await?;
    let name = name(&wish, &repository);
    let rules = wish.rules.read().map_err(PageError::Unprocessable)?;
    match create(&app, &member.actor(), &repository, &name, rules).await {
        Ok(created) => {
            let path = match created.first_build {
                Some(number) => {
                    crate::ground::build_page(&member.account.slug, &created.slug, number)
                }
                None => member.path(&format!("/applications/{}", created.slug)),
            };
            Ok(SeeOther::to(&app.config, &path)
                .done(format!("{name} is an application now."))
                .into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The name as entered, or the repository's.
fn name(wish: &Wish, repository: &Repository) -> String {
    let name: String = wish
        .name
        .trim()
        .chars()
        .filter(|character| !character.is_control())
        .take(80)
        .collect();
    if name.is_empty() {
        repository.slug.clone()
    } else {
        name
    }
}
