//! **Installation**: users, invitations, accounts, outgoing addresses and the history of the whole installation, for its
//! administrators; and the page behind a one-time link that they hand out.

mod account;
mod acts;
mod addresses;
mod link;
mod log;
mod show;

use axum::Router;

use crate::app::App;

/// The page's address.
pub(super) const PATH: &str = "/installation";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(show::routes())
        .merge(acts::routes())
        .merge(account::routes())
        .merge(addresses::routes())
        .merge(log::routes())
        .merge(link::routes())
}

#[cfg(test)]
pub(super) use {
    account::AccountPage,
    link::LinkPage,
    show::{
        AddressRow, InstallationPage, InvitationRow, LinkShown, Locked, RowOfAccount, RowOfUser,
    },
};
