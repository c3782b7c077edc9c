//! An application's page: what its tokens say, and what to have clouds and vaults trust.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use pipewright_store::variables::{self, VariableScope};
use pipewright_store::{integrations, repositories};
use serde::Deserialize;

use super::policies::{Policy, Trust, policies};
use crate::app::App;
use crate::oidc::{Identity, audience, environment_id, issuer};
use crate::web::{ApplicationOf, Html, Nav, Page, PageError};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/oidc", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "oidc/application.html")]
pub(crate) struct ApplicationPage {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) is_https: bool,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) repository: String,
    pub(crate) workspace: String,
    /// The environment that was chosen, and its id.
    pub(crate) environment: String,
    pub(crate) environment_id: Option<String>,
    /// Environments that have variables, to choose from.
    pub(crate) environments: Vec<String>,
    policies: Vec<Policy>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    environment: String,
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Query(asked): Query<Asked>,
) -> Result<Html<ApplicationPage>, PageError> {
    let account = member.account.id;
    let repository = repositories::get(&app.db, application.repository)
        .await?
        .ok_or(PageError::NotFound)?;
    let integration = integrations::get(&app.db, repository.integration)
        .await?
        .ok_or(PageError::NotFound)?;
    let identity = Identity::of(integration.kind, &repository);
    let mut environments: Vec<String> = variables::known(&app.db, account, application.id)
        .await?
        .into_iter()
        .filter_map(|variable| match variable.scope {
            VariableScope::Environment(_, name) => Some(name),
            VariableScope::Account | VariableScope::Application(_) => None,
        })
        .collect();
    environments.dedup();
    let environment: String = asked.environment.trim().chars().take(100).collect();
    let id = (!environment.is_empty()).then(|| environment_id(application.id, &environment));
    let trust = Trust {
        issuer: issuer(&app.config, account),
        audience: audience(&identity),
        repository: identity.repository.clone(),
        name: application.slug.clone(),
        environment: id.clone(),
    };
    Ok(Html(ApplicationPage {
        page: member
            .page(format!("OpenID Connect of {}", application.name))
            .nav(Nav::Applications),
        name: application.name.clone(),
        slug: application.slug.clone(),
        is_https: app.config.public_url.scheme() == "https",
        policies: policies(&trust),
        issuer: trust.issuer,
        audience: trust.audience,
        repository: identity.repository,
        workspace: identity.workspace,
        environment,
        environment_id: id,
        environments,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::policies::{Trust, policies};
    use super::ApplicationPage;
    use crate::pages::samples::frame::{check, pages};
    use crate::web::check_html::HOSTILE;

    #[test]
    fn the_page_renders_whatever_names_are() {
        let text = || HOSTILE.to_owned();
        for page in pages() {
            for filled in [true, false] {
                let trust = Trust {
                    issuer: text(),
                    audience: text(),
                    repository: text(),
                    name: text(),
                    environment: filled.then(text),
                };
                let sample = ApplicationPage {
                    page: page.clone(),
                    name: text(),
                    slug: "shop".to_owned(),
                    is_https: filled,
                    issuer: text(),
                    audience: text(),
                    repository: text(),
                    workspace: text(),
                    environment: text(),
                    environment_id: filled.then(text),
                    environments: vec![text()],
                    policies: policies(&trust),
                };
                check("oidc of an application", &sample);
            }
        }
    }
}
