//! What the page's buttons do: one use case each.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use pipewright_core::ids::UserId;
use pipewright_store::users::User;
use serde::Deserialize;
use uuid::Uuid;

use super::PATH;
use super::show::{LinkShown, rule, with_link, with_refusal};
use crate::administration::links::{self, Given, Handed};
use crate::administration::users::{self as administer, AdministerError};
use crate::app::App;
use crate::ground::rights::Rules;
use crate::ground::{Failure, Kind};
use crate::web::format::count;
use crate::web::{PageError, PageForm, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    let at = |rest: &str| format!("{PATH}{rest}");
    Router::new()
        .route(&at("/users/invite"), post(invite))
        .route(&at("/users/disable"), post(disable))
        .route(&at("/users/enable"), post(enable))
        .route(&at("/users/end-sessions"), post(end_sessions))
        .route(&at("/users/reset-password"), post(reset_password))
        .route(&at("/users/make-administrator"), post(make_administrator))
        .route(
            &at("/users/remove-administrator"),
            post(remove_administrator),
        )
        .route(&at("/users/rights"), post(rights))
        .route(&at("/users/confirm-address"), post(confirm_address))
        .route(&at("/invitations/withdraw"), post(withdraw))
        .route(&at("/rules"), post(rules))
}

#[derive(Debug, Deserialize)]
struct Invited {
    email: String,
    administrator: Option<String>,
    may_make_accounts: Option<String>,
    may_connect: Option<String>,
}

async fn invite(
    State(app): State<App>,
    user: SignedIn,
    PageForm(invited): PageForm<Invited>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    let given = Given {
        is_administrator: invited.administrator.is_some(),
        may_make_accounts: invited.may_make_accounts.is_some(),
        may_connect: invited.may_connect.is_some(),
    };
    match links::invite(&app.db, &who, &invited.email, given).await {
        Ok(handed) => {
            let sentence = format!(
                "Pass this link on to {}. It makes their user, works once, for seven days, and is shown only now; Pipewright sends no e-mail.",
                handed.email
            );
            with_link(&app, &user, shown(&app, &handed, sentence)).await
        }
        Err(error) if error.kind() == Kind::Unusable => {
            with_refusal(&app, &user, error.sentence()).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn reset_password(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    match links::reset(&app.db, &who, chosen.user()?).await {
        Ok(handed) => {
            let sentence = format!(
                "Pass this link on to {}, whom it lets choose a new password. It works once, for 24 hours, and is shown only now. Until then the old password stays.",
                handed.email
            );
            with_link(&app, &user, shown(&app, &handed, sentence)).await
        }
        Err(error) => Ok(back(&app).refused(error)?.into_response()),
    }
}

fn shown(app: &App, handed: &Handed, sentence: String) -> LinkShown {
    LinkShown {
        sentence,
        url: app
            .config
            .public(&format!("/links/{}", handed.token.expose())),
    }
}

#[derive(Debug, Deserialize)]
struct Chosen {
    user: String,
}

impl Chosen {
    fn user(&self) -> Result<UserId, PageError> {
        self.user.parse().map_err(|_| PageError::NotFound)
    }
}

fn back(app: &App) -> SeeOther {
    SeeOther::to(&app.config, PATH)
}

/// Back to the page, with the sentence of what was done to whom.
fn told(
    app: &App,
    done: Result<User, AdministerError>,
    sentence: impl FnOnce(&User) -> String,
) -> Result<SeeOther, PageError> {
    match done {
        Ok(user) => Ok(back(app).done(sentence(&user))),
        Err(error) => back(app).refused(error),
    }
}

async fn disable(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    match administer::disable(&app.db, &who, chosen.user()?).await {
        Ok((other, ended)) => {
            let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            Ok(back(&app).done(format!(
                "{} is disabled: {} and {} ended at once.",
                other.name,
                count(number(ended.sessions), "session"),
                count(number(ended.invitations + ended.links), "invitation"),
            )))
        }
        Err(error) => back(&app).refused(error),
    }
}

async fn enable(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let done = administer::enable(&app.db, &who, chosen.user()?).await;
    told(&app, done, |other| {
        format!("{} may sign in again.", other.name)
    })
}

async fn end_sessions(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    match administer::end_sessions(&app.db, &who, chosen.user()?).await {
        Ok((other, ended)) => Ok(back(&app).done(format!(
            "{} of {} ended.",
            count(usize::try_from(ended).unwrap_or(usize::MAX), "session"),
            other.name
        ))),
        Err(error) => back(&app).refused(error),
    }
}

async fn make_administrator(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let done = administer::set_administrator(&app.db, &who, chosen.user()?, true).await;
    told(&app, done, |other| {
        format!("{} is now an administrator.", other.name)
    })
}

async fn remove_administrator(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let done = administer::set_administrator(&app.db, &who, chosen.user()?, false).await;
    told(&app, done, |other| {
        format!("{} is no longer an administrator.", other.name)
    })
}

#[derive(Debug, Deserialize)]
struct RightsForm {
    user: String,
    may_make_accounts: Option<String>,
    may_connect: Option<String>,
}

async fn rights(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<RightsForm>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let id = form.user.parse().map_err(|_| PageError::NotFound)?;
    let (accounts, connect) = (form.may_make_accounts.is_some(), form.may_connect.is_some());
    let done = administer::set_rights(&app.db, &who, id, accounts, connect).await;
    told(&app, done, |other| {
        let may = |may| if may { "may" } else { "may not" };
        format!(
            "{} {} make accounts and {} connect a Bitbucket.",
            other.name,
            may(accounts),
            may(connect)
        )
    })
}

async fn confirm_address(
    State(app): State<App>,
    user: SignedIn,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let done = administer::confirm_address(&app.db, &who, chosen.user()?).await;
    told(&app, done, |other| {
        format!("You confirmed that {} is {}.", other.email, other.name)
    })
}

#[derive(Debug, Deserialize)]
struct Withdrawn {
    id: String,
}

async fn withdraw(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Withdrawn>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let id: Uuid = form.id.parse().map_err(|_| PageError::NotFound)?;
    links::withdraw(&app.db, &who, id).await?;
    Ok(back(&app).done("The invitation is withdrawn; its link no longer works."))
}

#[derive(Debug, Deserialize)]
struct RulesForm {
    accounts: String,
    connections: String,
}

async fn rules(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<RulesForm>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    let rules = Rules {
        accounts: rule(&form.accounts),
        connections: rule(&form.connections),
    };
    administer::set_rules(&app.db, &who, rules).await?;
    Ok(SeeOther::to(&app.config, &format!("{PATH}#accounts")).done("The rules are changed."))
}
