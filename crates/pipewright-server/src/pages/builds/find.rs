//! Finding the build that an address names: an application of the account, and a number.

use pipewright_store::builds::{self, Build};

use crate::app::App;
pub(in crate::pages) use crate::applications::find as application;
use crate::builds::address;
use crate::http::{MemberOf, PageError};

/// The build of this number of the application of this slug in the member's account.
pub(in crate::pages) async fn build(
    app: &App,
    member: &MemberOf,
    slug: &str,
    number: &str,
) -> Result<Build, PageError> {
    let number: i64 = number.parse().map_err(|_| PageError::NotFound)?;
    let application = application(app, member, slug).await?;
    builds::by_number(&app.db, member.account.id, application.id, number)
        .await?
        .ok_or(PageError::NotFound)
}

/// The build's own address, without the sub-path.
pub(in crate::pages) fn path(member: &MemberOf, build: &Build) -> String {
    address::page(&member.account.slug, &build.application_slug, build.number)
}
