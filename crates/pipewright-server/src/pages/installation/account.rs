//! One account, for an administrator or for one of its owners: rename it, give it an owner, delete it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use pipewright_store::accounts::{self, Account, AccountKind};
use pipewright_store::applications;
use pipewright_store::users;
use serde::Deserialize;

use super::PATH;
use super::show::with_refusal;
use crate::accounts::checked_names;
use crate::administration::accounts::{self as administer, AccountError, Whose};
use crate::app::App;
use crate::ground::{Failure, Kind, together};
use crate::web::format::count;
use crate::web::{Html, MemberOf, Page, PageError, PageForm, Rail, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    let at = |rest: &str| format!("{PATH}/accounts{rest}");
    Router::new()
        .route(&at(""), post(make))
        .route(&at("/{slug}"), get(show))
        .route(&at("/{slug}/rename"), post(rename))
        .route(&at("/{slug}/give"), post(give))
        .route(&at("/{slug}/delete"), post(delete))
        .route("/{account}/settings/account", get(show_own))
        .route("/{account}/settings/account/rename", post(rename_own))
        .route("/{account}/settings/account/delete", post(delete_own))
}

#[derive(Debug, Template)]
#[template(path = "installation/account.html")]
pub(crate) struct AccountPage {
    pub(crate) page: Page,
    /// Looked at as an administrator of the installation.
    pub(crate) is_installation: bool,
    /// Where its forms go: without the verb at their end.
    pub(crate) action: String,
    pub(crate) old_name: String,
    pub(crate) old_slug: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) is_personal: bool,
    /// "5 applications and 3 members".
    pub(crate) holds: String,
    pub(crate) names: Vec<String>,
    pub(crate) refusal: Option<String>,
}

/// From where an account is looked at.
enum From<'a> {
    Installation(&'a SignedIn),
    Itself(&'a MemberOf),
}

async fn page(
    app: &App,
    from: &From<'_>,
    account: &Account,
    refusal: Option<String>,
) -> Result<AccountPage, PageError> {
    let (page, action, is_installation) = match from {
        From::Installation(user) => (
            user.page(&account.name).rail(Rail::Installation),
            format!("{PATH}/accounts/{}", account.slug),
            true,
        ),
        From::Itself(member) => (
            member.page("Account").rail(Rail::Account),
            member.path("/settings/account"),
            false,
        ),
    };
    let owned = applications::by_account(&app.db, account.id).await?;
    let members = pipewright_store::members::list(&app.db, account.id)
        .await?
        .len();
    Ok(AccountPage {
        page,
        is_installation,
        action,
        old_name: account.name.clone(),
        old_slug: account.slug.clone(),
        name: account.name.clone(),
        slug: account.slug.clone(),
        is_personal: account.kind == AccountKind::Personal,
        holds: format!(
            "{} and {}",
            count(owned.len(), "application"),
            count(members, "member")
        ),
        names: owned
            .into_iter()
            .map(|listed| listed.application.name)
            .collect(),
        refusal,
    })
}

/// What came of an act: back to where the person was, or the page again with the sentence.
async fn answer(
    app: &App,
    from: &From<'_>,
    account: &Account,
    error: AccountError,
) -> Result<Response, PageError> {
    if error.kind() != Kind::Unusable {
        return Err(error.into());
    }
    let page = page(app, from, account, Some(error.sentence())).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

async fn find(app: &App, slug: &str) -> Result<Account, PageError> {
    accounts::by_slug(&app.db, slug)
        .await?
        .ok_or(PageError::NotFound)
}

async fn show(
    State(app): State<App>,
    user: SignedIn,
    Path(slug): Path<String>,
) -> Result<Html<AccountPage>, PageError> {
    user.administrator()?;
    let account = find(&app, &slug).await?;
    Ok(Html(
        page(&app, &From::Installation(&user), &account, None).await?,
    ))
}

async fn show_own(
    State(app): State<App>,
    member: MemberOf,
) -> Result<Html<AccountPage>, PageError> {
    if member.role != pipewright_core::Role::Owner {
        return Err(PageError::Forbidden(
            "Only an owner of this account may rename or delete it. Ask one.".to_owned(),
        ));
    }
    Ok(Html(
        page(&app, &From::Itself(&member), &member.account, None).await?,
    ))
}

#[derive(Debug, Deserialize)]
struct Made {
    name: String,
    #[serde(default)]
    slug: String,
    owner: String,
}

async fn make(
    State(app): State<App>,
    user: SignedIn,
    PageForm(made): PageForm<Made>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    let owner = users::by_email(&app.db, &users::email_key(&made.owner))
        .await?
        .ok_or_else(|| format!("{} is not the address of a user.", made.owner.trim()));
    let owner = match (checked_names(&made.name, &made.slug), owner) {
        (Ok(_), Ok(owner)) => owner,
        (names, owner) => {
            let wrong = together([names.err(), owner.err()]).unwrap_or_default();
            return with_refusal(&app, &user, wrong).await;
        }
    };
    let new = administer::NewTeam {
        name: &made.name,
        short: &made.slug,
        owner: &owner,
        isolation: app.config.host.isolation,
    };
    match administer::make_for(&app.db, &who, new).await {
        Ok(account) => Ok(SeeOther::to(&app.config, &format!("{PATH}#accounts"))
            .done(format!(
                "The account {} is made; {} owns it.",
                account.name, owner.name
            ))
            .into_response()),
        Err(error) if error.kind() == Kind::Unusable => {
            with_refusal(&app, &user, error.sentence()).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize)]
struct Renamed {
    name: String,
    slug: String,
}

async fn rename(
    State(app): State<App>,
    user: SignedIn,
    Path(slug): Path<String>,
    PageForm(form): PageForm<Renamed>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    let account = find(&app, &slug).await?;
    let whose = Whose::Administrator(&who);
    match administer::rename(&app.db, &whose, account.id, &form.name, &form.slug).await {
        Ok(renamed) => Ok(SeeOther::to(&app.config, &format!("{PATH}#accounts"))
            .done(format!("The account is called {} now.", renamed.name))
            .into_response()),
        Err(error) => answer(&app, &From::Installation(&user), &account, error).await,
    }
}

async fn rename_own(
    State(app): State<App>,
    member: MemberOf,
    PageForm(form): PageForm<Renamed>,
) -> Result<Response, PageError> {
    let actor = member.actor();
    let whose = Whose::Owner(&actor);
    match administer::rename(&app.db, &whose, member.account.id, &form.name, &form.slug).await {
        Ok(renamed) => {
            let path = format!("/{}/settings/account", renamed.slug);
            Ok(SeeOther::to(&app.config, &path)
                .done(format!("The account is called {} now.", renamed.name))
                .into_response())
        }
        Err(error) => answer(&app, &From::Itself(&member), &member.account, error).await,
    }
}

#[derive(Debug, Deserialize)]
struct GivenTo {
    email: String,
}

async fn give(
    State(app): State<App>,
    user: SignedIn,
    Path(slug): Path<String>,
    PageForm(form): PageForm<GivenTo>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    let account = find(&app, &slug).await?;
    match administer::give(&app.db, &who, account.id, &form.email).await {
        Ok(owner) => Ok(SeeOther::to(&app.config, &format!("{PATH}#accounts"))
            .done(format!(
                "{} is an owner of {} now.",
                owner.name, account.name
            ))
            .into_response()),
        Err(error) => answer(&app, &From::Installation(&user), &account, error).await,
    }
}

#[derive(Debug, Deserialize)]
struct Deleted {
    /// The short name, typed to be sure.
    #[serde(default)]
    confirm: String,
}

async fn delete(
    State(app): State<App>,
    user: SignedIn,
    Path(slug): Path<String>,
    PageForm(form): PageForm<Deleted>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    let account = find(&app, &slug).await?;
    let from = From::Installation(&user);
    delete_confirmed(&app, &from, &Whose::Administrator(&who), &account, &form).await
}

async fn delete_own(
    State(app): State<App>,
    member: MemberOf,
    PageForm(form): PageForm<Deleted>,
) -> Result<Response, PageError> {
    let actor = member.actor();
    let from = From::Itself(&member);
    delete_confirmed(&app, &from, &Whose::Owner(&actor), &member.account, &form).await
}

async fn delete_confirmed(
    app: &App,
    from: &From<'_>,
    whose: &Whose<'_>,
    account: &Account,
    form: &Deleted,
) -> Result<Response, PageError> {
    if let Err(error) = whose.admitted(account.id) {
        return answer(app, from, account, error).await;
    }
    if form.confirm.trim() != account.slug {
        let error = AccountError::Entered(format!(
            "Enter {} to confirm that the account is to be deleted.",
            account.slug
        ));
        return answer(app, from, account, error).await;
    }
    let left = match administer::delete(app, whose, account).await {
        Ok(left) => left,
        Err(error) => return answer(app, from, account, error).await,
    };
    let mut sentence = format!(
        "The account {} is deleted with everything in it.",
        account.name
    );
    if !left.is_empty() {
        sentence.push_str(" Remove by hand at Bitbucket: ");
        sentence.push_str(&left.join(", "));
        sentence.push('.');
    }
    let path = match from {
        From::Installation(_) => format!("{PATH}#accounts"),
        From::Itself(_) => "/".to_owned(),
    };
    Ok(SeeOther::to(&app.config, &path)
        .done(sentence)
        .into_response())
}
