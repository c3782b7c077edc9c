//! The address of a build's page.

use pipewright_store::builds::Build;

use crate::ground::build_page;
use crate::web::MemberOf;

/// The build's own address, without the sub-path.
pub(super) fn of(member: &MemberOf, build: &Build) -> String {
    build_page(&member.account.slug, &build.application_slug, build.number)
}
