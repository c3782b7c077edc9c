//! The page **Integrations**.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use pipewright_bitbucket::scopes::{Feature, default_features, needed};
use pipewright_core::Right;
use pipewright_store::integrations::{self, IntegrationKind, IntegrationState};
use serde::Deserialize;

use super::card::{Card, card};
use crate::access::consumer;
use crate::app::App;
use crate::integrations::Field;
use crate::web::{Html, MemberOf, Nav, Page, PageError, Rail};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/settings/integrations", get(show))
}

#[derive(Debug, Template)]
#[template(path = "integrations/integrations.html")]
pub(super) struct IntegrationsPage {
    pub(super) page: Page,
    /// Their role allows to change connections.
    pub(super) may_connect: bool,
    /// And an administrator lets them make one.
    pub(super) may_add: bool,
    pub(super) cards: Vec<Card>,
    pub(super) has_cloud: bool,
    /// The installation has an OAuth consumer.
    pub(super) consumer_ready: bool,
    /// What will be asked for, and why.
    pub(super) asks: Vec<Ask>,
    /// What can be chosen in addition.
    pub(super) choices: Vec<Ask>,
    /// The scopes of the default request, in one line.
    pub(super) scopes: String,
    /// The form of **Bitbucket Server**, where it is open.
    pub(super) form: Option<FormPart>,
}

/// Something that Bitbucket's page will ask for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) word: &'static str,
    pub(super) title: &'static str,
    pub(super) reason: &'static str,
    pub(super) needs: &'static [&'static str],
    /// It was chosen before.
    pub(super) chosen: bool,
}

/// What is in the form; never the password.
#[derive(Debug)]
pub(super) struct FormPart {
    pub(super) host: String,
    pub(super) username: String,
    pub(super) ssh_port: String,
    pub(super) errors: Vec<(Field, String)>,
}

impl FormPart {
    /// The form as it opens.
    pub(super) fn empty() -> Self {
        Self {
            host: String::new(),
            username: String::new(),
            ssh_port: "22".to_owned(),
            errors: Vec::new(),
        }
    }

    fn error_of(&self, field: Field) -> Option<&str> {
        self.errors
            .iter()
            .find(|(of, _)| *of == field)
            .map(|(_, sentence)| sentence.as_str())
    }

    /// True where this field, by its word, is the first that is wrong: there the person goes on.
    pub(super) fn is_first(&self, word: &str) -> bool {
        let in_order = [
            ("host", Field::Host),
            ("port", Field::SshPort),
            ("username", Field::Username),
            ("password", Field::Password),
        ];
        let first = in_order
            .iter()
            .find(|(_, field)| self.error_of(*field).is_some());
        first.is_some_and(|(first, _)| *first == word)
    }

    /// What is wrong with **Host**.
    pub(super) fn host_error(&self) -> Option<&str> {
        self.error_of(Field::Host)
    }

    /// What is wrong with **Username**.
    pub(super) fn username_error(&self) -> Option<&str> {
        self.error_of(Field::Username)
    }

    /// What is wrong with **Password**.
    pub(super) fn password_error(&self) -> Option<&str> {
        self.error_of(Field::Password)
    }

    /// What is wrong with **SSH Port**.
    pub(super) fn port_error(&self) -> Option<&str> {
        self.error_of(Field::SshPort)
    }
}

#[derive(Debug, Deserialize)]
struct Shown {
    /// The form of **Bitbucket Server** is open.
    server: Option<String>,
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Query(shown): Query<Shown>,
) -> Result<Html<IntegrationsPage>, PageError> {
    let form = shown.server.map(|_| FormPart::empty());
    Ok(Html(context(&app, &member, form).await?))
}

/// Gathers the page.
pub(super) async fn context(
    app: &App,
    member: &MemberOf,
    form: Option<FormPart>,
) -> Result<IntegrationsPage, PageError> {
    let all = integrations::by_account(&app.db, member.account.id).await?;
    let mut cards = Vec::new();
    let mut chosen: Vec<Feature> = Vec::new();
    for integration in all
        .iter()
        .filter(|integration| integration.state != IntegrationState::Disconnected)
    {
        cards.push(card(app, integration).await?);
        if integration.kind == IntegrationKind::Cloud {
            chosen = integration
                .features
                .iter()
                .filter_map(|word| Feature::parse(word))
                .collect();
        }
    }
    let ask = |feature: &Feature| Ask {
        word: feature.as_str(),
        title: feature.title(),
        reason: feature.reason(),
        needs: feature.needs(),
        chosen: chosen.contains(feature),
    };
    let by_choice: Vec<Feature> = Feature::ALL
        .into_iter()
        .filter(|feature| !default_features().contains(feature))
        .collect();
    Ok(IntegrationsPage {
        page: member
            .page("Integrations")
            .nav(Nav::Integrations)
            .rail(Rail::Integrations),
        may_connect: member.may(Right::Connect),
        may_add: member.actor().require_connecting().is_ok(),
        has_cloud: cards.iter().any(|card| card.is_cloud),
        cards,
        consumer_ready: consumer::load(app)
            .await
            .map_err(PageError::internal)?
            .is_some(),
        asks: default_features().iter().map(ask).collect(),
        choices: by_choice.iter().map(ask).collect(),
        scopes: needed(default_features()).to_string(),
        form,
    })
}
