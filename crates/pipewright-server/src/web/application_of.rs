//! The application that the address names.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use pipewright_store::applications::{self, Application};

use super::member_of::MemberOf;
use super::problem::PageError;
use crate::app::App;

/// The application in the `{application}` part of the address, for a member of its account; to anybody else it does not
/// exist.
#[derive(Debug, Clone)]
pub(crate) struct ApplicationOf {
    /// Who asks.
    pub(crate) member: MemberOf,
    /// The application.
    pub(crate) application: Application,
}

impl FromRequestParts<App> for ApplicationOf {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let member = MemberOf::from_request_parts(parts, app).await?;
        let slug = part(parts, app, "application").await?;
        let application = applications::by_slug(&app.db, member.account.id, &slug)
            .await?
            .ok_or(PageError::NotFound)?;
        Ok(Self {
            member,
            application,
        })
    }
}

/// The part of the address that the route calls this.
pub(super) async fn part(parts: &mut Parts, app: &App, name: &str) -> Result<String, PageError> {
    RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| PageError::NotFound)?
        .iter()
        .find_map(|(found, value)| (found == name).then(|| value.to_owned()))
        .ok_or(PageError::NotFound)
}
