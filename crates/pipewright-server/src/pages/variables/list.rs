//! The page that lists variables: the account's own, or an application's with what it gets from the account.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::{Right, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::variables::{Variable, VariableScope};

use crate::app::App;
use crate::variables::{known, open};
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError, Rail};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/variables", get(of_account))
        .route(
            "/{account}/applications/{application}/variables",
            get(of_application),
        )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "variables/list.html")]
pub(crate) struct VariablesPage {
    pub(crate) page: Page,
    /// Name and part of addresses of the application; none on the account's page.
    pub(crate) application: Option<(String, String)>,
    pub(crate) may_change: bool,
    pub(crate) own: Vec<ShownVariable>,
    /// What an application is given by its account.
    pub(crate) inherited: Vec<ShownVariable>,
    /// Environments that have variables, to choose from.
    pub(crate) environments: Vec<String>,
    pub(crate) entered: Entered,
    pub(crate) refusal: Option<String>,
}

/// A variable as the page lists it.
#[derive(Debug, Clone)]
pub(crate) struct ShownVariable {
    pub(crate) id: String,
    pub(crate) name: String,
    /// None where it is secured.
    pub(crate) value: Option<String>,
    /// Empty where it is for every step.
    pub(crate) environment: String,
    pub(crate) changed_by: String,
    pub(crate) changed_at: Timestamp,
    /// True where a narrower one of the same name wins in some step.
    pub(crate) is_overridden: bool,
}

/// What the form holds.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) environment: String,
    pub(crate) secured: bool,
}

impl Default for Entered {
    /// Secured, because the other way round a secret would be shown by a slip.
    fn default() -> Self {
        Self {
            name: String::new(),
            value: String::new(),
            environment: String::new(),
            secured: true,
        }
    }
}

async fn of_account(
    State(app): State<App>,
    member: MemberOf,
) -> Result<Html<VariablesPage>, PageError> {
    Ok(Html(
        context(&app, &member, None, Entered::default(), None).await?,
    ))
}

async fn of_application(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<Html<VariablesPage>, PageError> {
    Ok(Html(
        context(&app, &member, Some(&application), Entered::default(), None).await?,
    ))
}

/// Gathers the page. `entered` is what its form holds, with what is wrong with it.
pub(super) async fn context(
    app: &App,
    member: &MemberOf,
    application: Option<&Application>,
    entered: Entered,
    refusal: Option<String>,
) -> Result<VariablesPage, PageError> {
    let listed = known(
        &app.db,
        member.account.id,
        application.map(|application| application.id),
    )
    .await?;
    let shown: Vec<(bool, ShownVariable)> = listed
        .iter()
        .map(|variable| {
            (
                variable.scope == VariableScope::Account && application.is_some(),
                shown(app, variable, &listed),
            )
        })
        .collect();
    let (inherited, own): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|(is_inherited, _)| *is_inherited);
    let own: Vec<ShownVariable> = own.into_iter().map(|(_, variable)| variable).collect();
    let mut environments: Vec<String> = own
        .iter()
        .map(|variable| variable.environment.clone())
        .filter(|environment| !environment.is_empty())
        .collect();
    environments.dedup();
    let page = match application {
        Some(application) => member
            .page(format!("Variables of {}", application.name))
            .nav(Nav::Applications),
        None => member.page("Variables").rail(Rail::Variables),
    };
    Ok(VariablesPage {
        page,
        application: application
            .map(|application| (application.name.clone(), application.slug.clone())),
        may_change: member.may(Right::SeeSecrets),
        own,
        inherited: inherited
            .into_iter()
            .map(|(_, variable)| variable)
            .collect(),
        environments,
        entered,
        refusal,
    })
}

fn shown(app: &App, variable: &Variable, all: &[Variable]) -> ShownVariable {
    let environment = match &variable.scope {
        VariableScope::Environment(_, name) => name.clone(),
        VariableScope::Account | VariableScope::Application(_) => String::new(),
    };
    let value = (!variable.is_secured).then(|| match open(&app.vault, variable) {
        Ok(value) => value.expose().to_owned(),
        Err(error) => format!("({error})"),
    });
    let wins = |other: &Variable| other.name == variable.name && other.id != variable.id;
    let narrower = all
        .iter()
        .skip_while(|other| other.id != variable.id)
        .filter(|other| other.scope != variable.scope)
        .any(wins);
    ShownVariable {
        id: variable.id.to_string(),
        name: variable.name.clone(),
        value,
        is_overridden: narrower && environment.is_empty(),
        environment,
        changed_by: variable.changed_by.clone(),
        changed_at: variable.changed_at,
    }
}

impl VariablesPage {
    /// Where the form goes.
    pub(crate) fn path(&self) -> String {
        match &self.application {
            Some((_, slug)) => self.page.own(&format!("/applications/{slug}/variables")),
            None => self.page.own("/settings/variables"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entered, ShownVariable, VariablesPage};
    use crate::pages::samples::frame::{NOW, check, pages};
    use crate::web::check_html::HOSTILE;

    #[test]
    fn the_page_renders_whatever_names_and_values_are() {
        let variable = |value: Option<&str>, environment: &str| ShownVariable {
            id: "1".to_owned(),
            name: HOSTILE.to_owned(),
            value: value.map(str::to_owned),
            environment: environment.to_owned(),
            changed_by: HOSTILE.to_owned(),
            changed_at: NOW,
            is_overridden: true,
        };
        for page in pages() {
            for application in [None, Some((HOSTILE.to_owned(), "shop".to_owned()))] {
                for filled in [true, false] {
                    let own = if filled {
                        vec![variable(None, HOSTILE), variable(Some(HOSTILE), "")]
                    } else {
                        Vec::new()
                    };
                    let sample = VariablesPage {
                        page: page.clone(),
                        application: application.clone(),
                        may_change: filled,
                        inherited: own.clone(),
                        own,
                        environments: vec![HOSTILE.to_owned()],
                        entered: Entered {
                            name: HOSTILE.to_owned(),
                            value: HOSTILE.to_owned(),
                            ..Entered::default()
                        },
                        refusal: filled.then(|| HOSTILE.to_owned()),
                    };
                    check("variables", &sample);
                }
            }
        }
    }
}
