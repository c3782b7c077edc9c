//! The build that the address names.

use axum::extract::FromRequestParts;
use http::request::Parts;
use pipewright_store::builds::{self, Build};

use super::application_of::{ApplicationOf, part};
use super::member_of::MemberOf;
use super::problem::PageError;
use crate::app::App;

/// The build in the `{application}` and `{number}` parts of the address, for a member of its account; to anybody else it
/// does not exist.
#[derive(Debug, Clone)]
pub(crate) struct BuildOf {
    /// Who asks.
    pub(crate) member: MemberOf,
    /// The build.
    pub(crate) build: Build,
}

impl FromRequestParts<App> for BuildOf {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let ApplicationOf {
            member,
            application,
        } = ApplicationOf::from_request_parts(parts, app).await?;
        let number: i64 = part(parts, app, "number")
            .await?
            .parse()
            .map_err(|_| PageError::NotFound)?;
        let build = builds::by_number(&app.db, member.account.id, application.id, number)
            .await?
            .ok_or(PageError::NotFound)?;
        Ok(Self { member, build })
    }
}
