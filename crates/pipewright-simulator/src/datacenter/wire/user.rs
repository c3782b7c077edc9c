//! Users.

use serde::Serialize;

use super::render::{Render, SelfLinks};
use crate::state::{User, UserId};

/// A user as every answer and payload shows one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireUser {
    name: String,
    email_address: String,
    active: bool,
    display_name: String,
    id: u64,
    slug: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<SelfLinks>,
}

impl Render<'_> {
    /// A user.
    pub(in crate::datacenter) fn user(&self, user: &User) -> WireUser {
        WireUser {
            name: user.name.clone(),
            email_address: user.email.clone(),
            active: user.active,
            display_name: user.display_name.clone(),
            id: user.id.0,
            slug: user.slug.clone(),
            kind: if user.service { "SERVICE" } else { "NORMAL" },
            links: self.self_links(&format!("/users/{}", user.slug)),
        }
    }

    pub(in crate::datacenter) fn user_by_id(&self, id: UserId) -> Option<WireUser> {
        self.tables.user(id).map(|user| self.user(user))
    }
}
