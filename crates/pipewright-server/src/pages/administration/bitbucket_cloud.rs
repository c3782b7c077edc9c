//! The set-up page: the callback URL to copy, the boxes to tick, fields for key and secret. For administrators.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use pipewright_bitbucket::scopes::{CATALOGUE, ScopeEntry, ScopeUse};
use pipewright_core::Secret;
use serde::Deserialize;

use crate::access::consumer::{Consumer, callback_url, load};
use crate::administration::consumer::{self, SetConsumerError};
use crate::app::App;
use crate::web::{Html, Page, PageError, PageForm, Rail, SeeOther, SignedIn};

const PATH: &str = "/administration/bitbucket-cloud";

pub(crate) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show).post(store))
}

#[derive(Debug, Template)]
#[template(path = "consumer/set_up.html")]
struct SetUpPage {
    page: Page,
    callback_url: String,
    /// The address is not reachable with TLS, which Bitbucket may refuse.
    without_tls: bool,
    web: String,
    always: Vec<&'static ScopeEntry>,
    by_choice: Vec<&'static ScopeEntry>,
    /// What the boxes bring with them.
    implied: Vec<&'static ScopeEntry>,
    key: String,
    has_secret: bool,
    key_error: Option<String>,
    secret_error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    #[serde(default)]
    key: String,
    #[serde(default)]
    secret: String,
}

async fn show(State(app): State<App>, visitor: SignedIn) -> Result<Html<SetUpPage>, PageError> {
    visitor.administrator()?;
    let consumer = load(&app).await.map_err(PageError::internal)?;
    Ok(Html(page(&app, &visitor, consumer.as_ref())))
}

fn page(app: &App, visitor: &SignedIn, consumer: Option<&Consumer>) -> SetUpPage {
    let boxes = |used: ScopeUse| {
        CATALOGUE
            .iter()
            .filter(|entry| entry.used == used && entry.label.is_some())
            .collect()
    };
    SetUpPage {
        page: visitor.page("Bitbucket Cloud").rail(Rail::BitbucketCloud),
        callback_url: callback_url(app),
        without_tls: app.config.public_url.scheme() != "https",
        web: app
            .config
            .cloud
            .web
            .as_str()
            .trim_end_matches('/')
            .to_owned(),
        always: boxes(ScopeUse::Default),
        by_choice: boxes(ScopeUse::OptIn),
        implied: boxes(ScopeUse::Implied),
        key: consumer
            .map(|consumer| consumer.key.clone())
            .unwrap_or_default(),
        has_secret: consumer.is_some(),
        key_error: None,
        secret_error: None,
    }
}

async fn store(
    State(app): State<App>,
    visitor: SignedIn,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let administrator = visitor.administrator()?;
    let key = fields.key.trim().to_owned();
    let secret = Secret::new(fields.secret.trim());
    match consumer::set(&app, &administrator, &key, secret).await {
        Ok(()) => {}
        Err(SetConsumerError::Fields {
            key: key_error,
            secret: secret_error,
        }) => {
            let before = load(&app).await.map_err(PageError::internal)?;
            let page = SetUpPage {
                key,
                key_error,
                secret_error,
                ..page(&app, &visitor, before.as_ref())
            };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    let next = visitor.visitor.current_account().map_or_else(
        || PATH.to_owned(),
        |current| format!("/{}/settings/integrations", current.account.slug),
    );
    Ok(SeeOther::to(&app.config, &next)
        .done("The OAuth consumer is stored. Connect Bitbucket tries it out.")
        .into_response())
}
