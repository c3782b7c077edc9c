//! Who the credential is, and their workspaces.

use super::CloudClient;
use super::wire::{User, Workspace, WorkspaceAccess};
use crate::http::{ApiError, encode_path_part};
use crate::remote::{RemoteUser, Space};

impl CloudClient {
    /// The account behind the credential. Needs `account`; the e-mail address is not part of this answer.
    pub async fn current_user(&self) -> Result<RemoteUser, ApiError> {
        let user: User = self
            .get(
                "/user",
                &[],
                "asking Bitbucket who the credential belongs to",
            )
            .await?;
        Ok(person(user))
    }

    /// The workspaces of the account, each with its name. Needs `account`. The list itself carries no names, so each is
    /// asked for; one whose name is refused keeps its slug as name.
    pub async fn workspaces(&self) -> Result<Vec<Space>, ApiError> {
        let mut spaces = Vec::new();
        for space in self.workspace_slugs().await? {
            spaces.push(match self.workspace(&space.id).await {
                Ok(named) => named,
                Err(error) if error.is_retryable() || error.is_unauthorized() => return Err(error),
                Err(_) => space,
            });
        }
        Ok(spaces)
    }

    /// The workspaces of the account as the list gives them: with their slugs in place of names.
    pub async fn workspace_slugs(&self) -> Result<Vec<Space>, ApiError> {
        let access: Vec<WorkspaceAccess> = self
            .list(
                "/user/workspaces",
                &[],
                "reading the workspaces of the connected account",
            )
            .await?;
        for entry in &access {
            tracing::trace!(
                workspace = entry.workspace.slug,
                administrator = entry.administrator,
                "workspace of the account"
            );
        }
        Ok(access
            .into_iter()
            .filter_map(|entry| space(entry.workspace))
            .collect())
    }

    /// One workspace by its slug or UUID, with its name.
    pub async fn workspace(&self, slug_or_uuid: &str) -> Result<Space, ApiError> {
        let doing = format!("reading the workspace {slug_or_uuid}");
        let workspace: Workspace = self
            .get(
                &format!("/workspaces/{}", encode_path_part(slug_or_uuid)),
                &[],
                &doing,
            )
            .await?;
        space(workspace).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the workspace has no UUID".to_owned(),
        })
    }
}

/// A user in our words.
pub(crate) fn person(user: User) -> RemoteUser {
    let name = user.nickname.or(user.username).unwrap_or_default();
    RemoteUser {
        id: user.uuid.or(user.account_id).unwrap_or_default(),
        display_name: user.display_name.unwrap_or_else(|| name.clone()),
        name,
        email: None,
        service: user.kind.is_some_and(|kind| kind != "user"),
    }
}

/// A workspace in our words; none without a UUID, which a real one always has.
pub(crate) fn space(workspace: Workspace) -> Option<Space> {
    let id = workspace.uuid?;
    let key = workspace.slug.unwrap_or_else(|| id.clone());
    Some(Space {
        name: workspace.name.unwrap_or_else(|| key.clone()),
        id,
        key,
        personal: workspace.is_personal.unwrap_or(false),
    })
}
