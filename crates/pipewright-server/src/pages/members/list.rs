//! The page that lists an account's members and open invitations.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::{Right, Role, Timestamp};
use pipewright_store::accounts::AccountKind;
use pipewright_store::{invitations, members};

use crate::app::App;
use crate::web::{Html, MemberOf, Page, PageError, Rail};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/settings/members", get(show))
}

#[derive(Debug, Template)]
#[template(path = "members.html")]
pub(crate) struct MembersPage {
    pub(crate) page: Page,
    pub(crate) is_team: bool,
    pub(crate) may_manage: bool,
    pub(crate) may_make_accounts: bool,
    pub(crate) members: Vec<ShownMember>,
    pub(crate) invitations: Vec<ShownInvitation>,
    /// Roles that this user may give.
    pub(crate) roles: Vec<Role>,
    /// The link of an invitation just made; it is shown only now.
    pub(crate) invited: Option<InvitedLink>,
    pub(crate) refusal: Option<String>,
    pub(crate) email: String,
}

/// A member as the page lists it.
#[derive(Debug, Clone)]
pub(crate) struct ShownMember {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) since: Timestamp,
    pub(crate) is_self: bool,
    /// An administrator vouched for the address.
    pub(crate) is_confirmed: bool,
    pub(crate) is_disabled: bool,
    pub(crate) may_change: bool,
}

/// An open invitation as the page lists it.
#[derive(Debug, Clone)]
pub(crate) struct ShownInvitation {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) invited_by: String,
    pub(crate) expires_at: Timestamp,
}

/// The link of an invitation, for the person who made it to pass on.
#[derive(Debug, Clone)]
pub(crate) struct InvitedLink {
    pub(crate) email: String,
    pub(crate) url: String,
}

async fn show(State(app): State<App>, member: MemberOf) -> Result<Html<MembersPage>, PageError> {
    Ok(Html(context(&app, &member).await?))
}

pub(super) async fn context(app: &App, member: &MemberOf) -> Result<MembersPage, PageError> {
    let may_manage = member.may(Right::ManageMembers);
    let listed = members::list(&app.db, member.account.id).await?;
    let open = if may_manage {
        invitations::open(&app.db, member.account.id, member.now()).await?
    } else {
        Vec::new()
    };
    Ok(MembersPage {
        page: member.page("Members").rail(Rail::Members),
        is_team: member.account.kind == AccountKind::Team,
        may_manage,
        may_make_accounts: member
            .visitor
            .session
            .as_ref()
            .is_some_and(|session| session.rights.make_accounts),
        members: listed
            .into_iter()
            .map(|one| ShownMember {
                is_self: one.id == member.user.id,
                is_confirmed: one.email_proved_at.is_some(),
                is_disabled: one.disabled_at.is_some(),
                may_change: member.role.may_grant(one.role),
                id: one.id.to_string(),
                name: one.name,
                email: one.email,
                role: one.role,
                since: one.created_at,
            })
            .collect(),
        invitations: open
            .into_iter()
            .map(|one| ShownInvitation {
                id: one.id.to_string(),
                email: one.email,
                role: one.role,
                invited_by: one.invited_by,
                expires_at: one.expires_at,
            })
            .collect(),
        roles: Role::ALL
            .iter()
            .copied()
            .filter(|role| member.role.may_grant(*role))
            .collect(),
        invited: None,
        refusal: None,
        email: String::new(),
    })
}

impl MembersPage {
    /// What a role may do, in few words.
    pub(crate) const fn about(&self, role: &Role) -> &'static str {
        match role {
            Role::Owner => "everything, also other owners",
            Role::Admin => "connects, sets up, manages members",
            Role::Developer => "builds and deploys",
            Role::Viewer => "looks on",
        }
    }
}
