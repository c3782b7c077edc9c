//! Members of an account: the list, invitations, roles.

mod change;
mod invite;
mod join;
mod list;

use axum::Router;

use crate::app::App;

/// The addresses of this noun.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(invite::routes())
        .merge(change::routes())
        .merge(join::routes())
}

#[cfg(test)]
pub(crate) use join::{JoinPage, JoinState};
#[cfg(test)]
pub(crate) use list::{InvitedLink, MembersPage, ShownInvitation, ShownMember};
