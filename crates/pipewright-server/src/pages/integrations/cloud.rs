//! **Connect Bitbucket** and the way back from Bitbucket's page.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use pipewright_bitbucket::scopes::Feature;
use pipewright_store::oauth_flows::OAuthFlow;

use super::find::PATH;
use crate::access::consumer;
use crate::app::App;
use crate::integrations::{FinishError, SetOutError, finish, flow_of, start};
use crate::web::{MemberOf, PageError, PageForm, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/settings/integrations/bitbucket/connect",
            post(connect),
        )
        .route(consumer::CALLBACK_PATH, get(callback))
}

/// Sends the person to Bitbucket; the page's form opens this in a new tab. The boxes that were ticked are its fields.
async fn connect(
    State(app): State<App>,
    member: MemberOf,
    PageForm(boxes): PageForm<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let chosen: Vec<Feature> = boxes
        .keys()
        .filter_map(|name| Feature::parse(name))
        .collect();
    let url = match start(&app, &member.actor(), &member.token_hash, &chosen).await {
        Ok(url) => url,
        Err(SetOutError::Denied(denied)) => return Err(denied.into()),
        Err(SetOutError::NoConsumer) => {
            return Ok(SeeOther::to(&app.config, "/administration/bitbucket-cloud").into_response());
        }
        Err(error) => return Err(PageError::internal(error)),
    };
    let location = HeaderValue::from_str(url.as_str()).map_err(PageError::internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

async fn callback(
    State(app): State<App>,
    visitor: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let flow = match flow_of(&app, &query, &visitor.token_hash).await {
        Ok(flow) => flow,
        Err(error) => return refuse(&app, &visitor, None, error),
    };
    let Some(member) = member_of(visitor.clone(), &flow) else {
        return refuse(&app, &visitor, None, FinishError::NotAllowed);
    };
    match finish(&app, &member.actor(), &flow, &query).await {
        Ok(connected) => {
            tracing::info!(integration.id = %connected.integration, "connected to Bitbucket Cloud");
            Ok(SeeOther::to(&app.config, &member.path(PATH))
                .done(connected.sentence)
                .into_response())
        }
        Err(error) => refuse(&app, &visitor, Some(&member), error),
    }
}

/// Who started the consent, in the account that it was started for, if they are still a member of it.
fn member_of(visitor: SignedIn, flow: &OAuthFlow) -> Option<MemberOf> {
    if visitor.user.id != flow.user {
        return None;
    }
    let membership = visitor
        .visitor
        .memberships
        .iter()
        .find(|membership| membership.account.id == flow.account)?
        .clone();
    let SignedIn {
        visitor,
        user,
        token_hash,
    } = visitor;
    Some(MemberOf {
        visitor,
        user,
        token_hash,
        account: membership.account,
        role: membership.role,
    })
}

/// Back to where **Connect Bitbucket** is, with the sentence; a wrong consumer leads whoever can mend it to its page.
fn refuse(
    app: &App,
    visitor: &SignedIn,
    member: Option<&MemberOf>,
    error: FinishError,
) -> Result<Response, PageError> {
    if error.is_internal() {
        return Err(PageError::internal(error));
    }
    let sentence = error.to_string();
    if error.blames_consumer() && visitor.user.is_administrator {
        return Ok(SeeOther::to(&app.config, "/administration/bitbucket-cloud")
            .failed(sentence)
            .into_response());
    }
    let account = match member {
        Some(member) => Some(member.account.slug.clone()),
        None => visitor
            .visitor
            .current_account()
            .map(|membership| membership.account.slug.clone()),
    };
    let path = account.map_or_else(|| "/".to_owned(), |slug| format!("/{slug}{PATH}"));
    Ok(SeeOther::to(&app.config, &path)
        .failed(sentence)
        .into_response())
}
