//! Acts on an application: the switch, the rules and their preview, deletion. **Run…** is `pages::run`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::Right;
use pipewright_store::applications::Rules;
use serde::Deserialize;

use super::rules_form::RulesForm;
use super::show::context;
use crate::app::App;
use crate::applications;
use crate::applications::rename::rename;
use crate::web::{ApplicationOf, Html, MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/auto-build",
            post(switch),
        )
        .route("/{account}/applications/{application}/rules", post(change))
        .route("/{account}/applications/{application}/look", post(look))
        .route(
            "/{account}/applications/{application}/access-key",
            post(add_key),
        )
        .route(
            "/{account}/applications/{application}/rename",
            post(rename_it),
        )
        .route("/{account}/applications/{application}/delete", post(remove))
}

fn back(app: &App, member: &MemberOf, slug: &str) -> SeeOther {
    SeeOther::to(&app.config, &member.path(&format!("/applications/{slug}")))
}

#[derive(Debug, Deserialize)]
struct Switch {
    /// "on" or "off".
    auto_build: String,
    /// Where the switch stands: the list or the page.
    #[serde(default)]
    from: String,
}

async fn switch(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(switch): PageForm<Switch>,
) -> Result<SeeOther, PageError> {
    let on = switch.auto_build == "on";
    let rules = Rules {
        auto_build: on,
        ..application.rules.clone()
    };
    applications::change_rules(&app, &member.actor(), &application, &rules).await?;
    let there = if switch.from == "list" {
        SeeOther::to(&app.config, &member.path("/applications"))
    } else {
        back(&app, &member, &application.slug)
    };
    Ok(there.done(if on {
        format!("{} builds automatically from now on.", application.name)
    } else {
        format!(
            "{} no longer builds automatically; Run still works.",
            application.name
        )
    }))
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(flatten)]
    rules: RulesForm,
    /// "preview" only shows what the patterns select.
    #[serde(default)]
    act: String,
}

async fn change(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(change): PageForm<Change>,
) -> Result<Response, PageError> {
    member.shown_to(Right::ManageApplications)?;
    let form = RulesForm {
        auto_build: application.rules.auto_build.then(|| "on".to_owned()),
        ..change.rules
    };
    let rules = match form.read() {
        Ok(rules) => rules,
        Err(sentence) => {
            let page = context(&app, &member, &application, form, Some(sentence)).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    if change.act == "preview" {
        return Ok(Html(context(&app, &member, &application, form, None).await?).into_response());
    }
    applications::change_rules(&app, &member.actor(), &application, &rules).await?;
    Ok(back(&app, &member, &application.slug)
        .done("Saved. It applies to everything decided from now on.")
        .into_response())
}

/// Reads branches and the pipeline file anew, in the background.
async fn look(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    applications::look(&app, &member.actor(), &application).await?;
    Ok(back(&app, &member, &application.slug)
        .done("The branches are being read from Bitbucket again; reload in a moment."))
}

/// Puts the integration's SSH key on the repository, to read it.
async fn add_key(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application.slug);
    match applications::add_key(&app, &member.actor(), &application).await {
        Ok(posted) if posted.good => Ok(back.done(posted.sentence)),
        Ok(posted) => Ok(back.failed(posted.sentence)),
        Err(error) => back.refused(error),
    }
}

#[derive(Debug, Deserialize)]
struct Renamed {
    name: String,
}

/// Changes what people call the application; its address stays.
async fn rename_it(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(form): PageForm<Renamed>,
) -> Result<SeeOther, PageError> {
    let there = back(&app, &member, &application.slug);
    match rename(&app.db, &member.actor(), &application, &form.name).await {
        Ok(name) => Ok(there.done(format!("The application is called {name} now."))),
        Err(error) => there.refused(error),
    }
}

async fn remove(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    let left = applications::delete(&app, &member.actor(), &application)
        .await?
        .unwrap_or_default();
    let there = SeeOther::to(&app.config, &member.path("/applications"));
    let sentence = format!(
        "{} is deleted with its builds; its webhook is being removed at Bitbucket. {left}",
        application.name
    );
    Ok(there.done(sentence.trim_end()))
}
