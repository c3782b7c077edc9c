//! The application that an address names.

use pipewright_store::applications::{self, Application};

use crate::app::App;
use crate::http::{MemberOf, PageError};

/// The application of this slug in the member's account; to anybody else it does not exist.
pub(crate) async fn find(
    app: &App,
    member: &MemberOf,
    slug: &str,
) -> Result<Application, PageError> {
    applications::by_slug(&app.db, member.account.id, slug)
        .await?
        .ok_or(PageError::NotFound)
}
