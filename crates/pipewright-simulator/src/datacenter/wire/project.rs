//! Projects, normal and personal.

use serde::Serialize;

use super::{
    render::{Render, SelfLinks},
    user::WireUser,
};
use crate::state::Space;

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::datacenter) struct WireProject {
    key: String,
    id: u64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Personal projects do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<bool>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<WireUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<SelfLinks>,
}

/// The key as the API prints it: upper case, whatever the address said.
pub(in crate::datacenter) fn shown_key(space: &Space) -> String {
    space.key.to_uppercase()
}

/// The key as clone links print it.
pub(in crate::datacenter) fn clone_key(space: &Space) -> String {
    space.key.to_lowercase()
}

impl Render<'_> {
    /// A project.
    pub(in crate::datacenter) fn project(&self, space: &Space) -> WireProject {
        let owner = space.personal_of.and_then(|id| self.tables.user(id));
        WireProject {
            key: shown_key(space),
            id: space.id.0,
            name: space.name.clone(),
            description: Some(space.description.clone()).filter(|text| !text.is_empty()),
            public: owner.is_none().then_some(space.public),
            kind: if owner.is_some() {
                "PERSONAL"
            } else {
                "NORMAL"
            },
            owner: owner.map(|user| self.user(user)),
            links: self.self_links(&Self::project_path(
                space,
                owner.map(|user| user.slug.as_str()),
            )),
        }
    }

    pub(super) fn project_path(space: &Space, owner: Option<&str>) -> String {
        match owner {
            Some(slug) => format!("/users/{slug}"),
            None => format!("/projects/{}", shown_key(space)),
        }
    }
}
