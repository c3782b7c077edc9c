//! The picker: an account's repositories, searched here, grouped by workspace or project, with their age.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId};
use pipewright_store::integrations::{Integration, IntegrationKind, IntegrationState};
use pipewright_store::listings::ListingState;
use pipewright_store::repositories::{self, Owner, Repository, Search};
use pipewright_store::{StoreError, applications, integrations, listings};

use crate::app::App;

/// How many repositories one page shows.
pub(crate) const PAGE_LENGTH: u32 = 50;

/// Repositories of one workspace or project.
#[derive(Debug)]
pub(crate) struct Group {
    /// What people call it.
    pub(crate) name: String,
    /// Its slug or key.
    pub(crate) key: String,
    /// Which Bitbucket it is at, as people say it.
    pub(crate) at: String,
    /// What was found in it on this page, and whether each is an application already.
    pub(crate) repositories: Vec<(Repository, Option<String>)>,
}

/// How up to date one integration's list is.
#[derive(Debug)]
pub(crate) struct Age {
    /// As people say it.
    pub(crate) at: String,
    /// When it was last whole.
    pub(crate) listed_at: Option<Timestamp>,
    /// It is being made anew.
    pub(crate) under_way: bool,
    /// Why the last one failed.
    pub(crate) error: Option<String>,
    /// Why the integration cannot be used.
    pub(crate) broken: Option<String>,
}

/// One page of the picker.
#[derive(Debug)]
pub(crate) struct Picker {
    /// What was found, in groups.
    pub(crate) groups: Vec<Group>,
    /// How many were found in all.
    pub(crate) count: u64,
    /// Every workspace and project there is.
    pub(crate) owners: Vec<Owner>,
    /// How up to date the lists are.
    pub(crate) ages: Vec<Age>,
    /// Which Bitbucket each integration is at.
    places: Vec<(IntegrationId, String)>,
}

impl Picker {
    /// An owner as the list names it, told apart from every other: by its key where another has its name, by its Bitbucket
    /// where there are several.
    pub(crate) fn label_of(&self, owner: &Owner) -> String {
        let is_alike = |other: &&Owner| other.name.to_lowercase() == owner.name.to_lowercase();
        let key = if self.owners.iter().filter(is_alike).count() > 1 {
            format!(" · {}", owner.key)
        } else {
            String::new()
        };
        let place = self
            .places
            .iter()
            .find(|(integration, _)| *integration == owner.integration)
            .filter(|_| self.places.len() > 1)
            .map_or_else(String::new, |(_, at)| format!(", {at}"));
        format!("{}{key} ({}){place}", owner.name, owner.repositories)
    }

    /// An owner as the list's address has it: its key, before that the connection where there are several. Read back by
    /// [`owner_of`].
    pub(crate) fn value_of(&self, owner: &Owner) -> String {
        if self.places.len() > 1 {
            format!("{}/{}", owner.integration, owner.key)
        } else {
            owner.key.clone()
        }
    }
}

/// Connection and key of an owner that was chosen; see [`Picker::value_of`].
pub(crate) fn owner_of(value: &str) -> (Option<IntegrationId>, Option<String>) {
    let some = |key: &str| Some(key.to_owned()).filter(|key| !key.is_empty());
    match value.split_once('/') {
        Some((integration, key)) => match integration.parse() {
            Ok(integration) => (Some(integration), some(key)),
            Err(_) => (None, some(value)),
        },
        None => (None, some(value)),
    }
}

/// Searches an account's repositories.
pub(crate) async fn pick(
    app: &App,
    account: AccountId,
    search: &Search,
) -> Result<Picker, StoreError> {
    let all: Vec<Integration> = integrations::by_account(&app.db, account)
        .await?
        .into_iter()
        .filter(|integration| integration.state != IntegrationState::Disconnected)
        .collect();
    let (found, count) = repositories::search(&app.db, account, search).await?;
    let made = applications::by_account(&app.db, account).await?;
    let mut groups: Vec<Group> = Vec::new();
    for repository in found {
        let application = made
            .iter()
            .find(|listed| listed.application.repository == repository.id);
        let application = application.map(|listed| listed.application.slug.clone());
        let at = place(&all, repository.integration);
        match groups.last_mut() {
            Some(group) if group.key == repository.owner && group.at == at => {
                group.repositories.push((repository, application));
            }
            _ => groups.push(Group {
                name: repository.owner_name.clone(),
                key: repository.owner.clone(),
                at,
                repositories: vec![(repository, application)],
            }),
        }
    }
    let mut ages = Vec::new();
    for integration in &all {
        let listing = listings::get(&app.db, integration.id).await?;
        ages.push(Age {
            at: name_of(integration),
            listed_at: listing.as_ref().and_then(|listing| listing.finished_at),
            under_way: listing.as_ref().is_none_or(|listing| {
                matches!(
                    listing.state,
                    ListingState::Wanted | ListingState::Refreshing
                )
            }),
            error: listing
                .filter(|listing| listing.state == ListingState::Failed)
                .and_then(|listing| listing.error),
            broken: integration.state_reason.clone(),
        });
    }
    Ok(Picker {
        groups,
        count,
        places: all
            .iter()
            .map(|integration| (integration.id, name_of(integration)))
            .collect(),
        owners: repositories::owners(&app.db, account).await?,
        ages,
    })
}

fn place(all: &[Integration], id: IntegrationId) -> String {
    all.iter()
        .find(|integration| integration.id == id)
        .map(name_of)
        .unwrap_or_default()
}

/// An integration as people say it: "Bitbucket Cloud", or the host.
pub(crate) fn name_of(integration: &Integration) -> String {
    place_name(integration.kind, &integration.base_url)
}

/// The same from its parts.
pub(crate) fn place_name(kind: IntegrationKind, base_url: &str) -> String {
    match kind {
        IntegrationKind::Cloud => "Bitbucket Cloud".to_owned(),
        IntegrationKind::DataCenter => base_url
            .split_once("://")
            .map_or(base_url, |(_, rest)| rest)
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::IntegrationId;
    use pipewright_store::repositories::Owner;

    use super::{Picker, owner_of};

    #[test]
    fn owners_that_look_alike_are_told_apart() {
        let (cloud, own) = (IntegrationId::new(), IntegrationId::new());
        let owner = |integration, key: &str, name: &str| Owner {
            integration,
            key: key.to_owned(),
            name: name.to_owned(),
            repositories: 2,
        };
        let mut picker = Picker {
            groups: Vec::new(),
            count: 0,
            owners: vec![
                owner(cloud, "harbor", "Harbor"),
                owner(cloud, "harbor-labs", "harbor"),
                owner(own, "harbor", "Harbor"),
                owner(own, "OPS", "Operations"),
            ],
            ages: Vec::new(),
            places: vec![
                (cloud, "Bitbucket Cloud".to_owned()),
                (own, "git.example".to_owned()),
            ],
        };
        let labels = |picker: &Picker| {
            let labels: Vec<_> = picker
                .owners
                .iter()
                .map(|one| picker.label_of(one))
                .collect();
            labels
        };
        assert_eq!(
            labels(&picker),
            [
                "Harbor · harbor (2), Bitbucket Cloud",
                "harbor · harbor-labs (2), Bitbucket Cloud",
                "Harbor · harbor (2), git.example",
                "Operations (2), git.example",
            ]
        );
        for one in &picker.owners {
            let read = owner_of(&picker.value_of(one));
            assert_eq!(read, (Some(one.integration), Some(one.key.clone())));
        }
        picker.places.truncate(1);
        picker.owners.truncate(1);
        assert_eq!(labels(&picker), ["Harbor (2)"]);
        let value = picker.value_of(&picker.owners[0]);
        assert_eq!(owner_of(&value), (None, Some("harbor".to_owned())));
        assert_eq!(owner_of(""), (None, None));
    }
}
