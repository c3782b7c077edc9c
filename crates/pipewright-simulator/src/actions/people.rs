//! Users and who belongs where.

use crate::actions::ActionError;
use crate::installation::Installation;
use crate::state::{Actor, Permission, RepositoryId, SpaceId, UserId};

impl Installation {
    /// Adds a user who can sign in with name and password.
    pub fn add_user(
        &self,
        name: &str,
        display: &str,
        email: &str,
        password: &str,
    ) -> Result<UserId, ActionError> {
        let now = self.clock().now();
        Ok(self.write(|tables| tables.add_user(name, display, email, password, now))?)
    }

    /// Makes a user administrator of the installation (Data Center).
    pub fn make_administrator(&self, user: &str) -> Result<(), ActionError> {
        let id = self.user_id(user)?;
        self.write(|tables| {
            if let Some(user) = tables.user_mut(id) {
                user.administrator = true;
            }
        });
        Ok(())
    }

    /// Adds a workspace (by slug) or project (by key). `personal_of` names the user whose own it is.
    pub fn add_space(
        &self,
        key: &str,
        name: &str,
        personal_of: Option<&str>,
    ) -> Result<SpaceId, ActionError> {
        let owner = personal_of.map(|user| self.user_id(user)).transpose()?;
        let now = self.clock().now();
        Ok(self.write(|tables| tables.add_space(key, name, owner, now))?)
    }

    /// Makes a user a member of a workspace or project, or changes what the member may do.
    pub fn add_member(
        &self,
        space: &str,
        user: &str,
        permission: Permission,
    ) -> Result<(), ActionError> {
        self.change_member(space, user, Some(permission))
    }

    /// Ends a membership.
    pub fn remove_member(&self, space: &str, user: &str) -> Result<(), ActionError> {
        self.change_member(space, user, None)
    }

    fn change_member(
        &self,
        space: &str,
        user: &str,
        permission: Option<Permission>,
    ) -> Result<(), ActionError> {
        let (space, user) = (self.space_id(space)?, self.user_id(user)?);
        self.write(|tables| {
            let Some(space) = tables.space_mut(space) else {
                return;
            };
            match permission {
                Some(permission) => space.members.insert(user, permission),
                None => space.members.remove(&user),
            };
        });
        Ok(())
    }

    /// The id of a user.
    pub fn user_id(&self, name: &str) -> Result<UserId, ActionError> {
        self.read(|tables| tables.user_by_name(name).map(|user| user.id))
            .ok_or_else(|| ActionError::UnknownUser(name.to_owned()))
    }

    /// The id of a workspace or project.
    pub fn space_id(&self, key: &str) -> Result<SpaceId, ActionError> {
        self.read(|tables| tables.space_by_key(key).map(|space| space.id))
            .ok_or_else(|| ActionError::UnknownSpace(key.to_owned()))
    }

    /// The id of a repository, named `space/slug`.
    pub fn repository_id(&self, full_name: &str) -> Result<RepositoryId, ActionError> {
        full_name
            .split_once('/')
            .and_then(|(space, slug)| {
                self.read(|tables| {
                    tables
                        .repository_by_path(space, slug)
                        .map(|repository| repository.id)
                })
            })
            .ok_or_else(|| ActionError::UnknownRepository(full_name.to_owned()))
    }

    pub(crate) fn actor(&self, user: &str) -> Result<Actor, ActionError> {
        self.user_id(user).map(Actor::User)
    }
}
