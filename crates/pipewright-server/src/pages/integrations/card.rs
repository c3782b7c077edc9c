//! What a connected integration's card shows.

use pipewright_bitbucket::scopes::{Feature, FeatureState, ScopeSet, compare};
use pipewright_core::Timestamp;
use pipewright_store::credentials::{self, CredentialKind};
use pipewright_store::integrations::{
    CloneVia, Integration, IntegrationKind, IntegrationState, KeyCheck,
};
use pipewright_store::{StoreError, repositories};

use crate::app::App;

/// A connected integration.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) id: String,
    /// "Bitbucket Cloud" or "Bitbucket Server".
    pub(super) title: &'static str,
    pub(super) is_cloud: bool,
    /// Its host, for a server.
    pub(super) host: String,
    pub(super) version: Option<String>,
    pub(super) user: String,
    /// "workspaces" or "projects", with the word for one.
    pub(super) spaces_word: &'static str,
    pub(super) spaces: Vec<String>,
    pub(super) more_spaces: usize,
    pub(super) connected_at: Timestamp,
    /// Why it must be connected again.
    pub(super) broken: Option<String>,
    pub(super) key: KeyCard,
    pub(super) permissions: Vec<PermissionLine>,
    /// On how many repositories a webhook can be set: a sentence.
    pub(super) administered: Option<String>,
    pub(super) over_https: bool,
}

/// The box with the SSH key.
#[derive(Debug)]
pub(super) struct KeyCard {
    pub(super) public: String,
    pub(super) fingerprint: String,
    pub(super) made_at: Timestamp,
    /// The pill's class and words.
    pub(super) pill: (&'static str, &'static str),
    pub(super) message: Option<String>,
    pub(super) checked_at: Option<Timestamp>,
    /// Where it was checked: "ssh to bitbucket.org".
    pub(super) over: String,
    /// Where to paste it, in words, and the page.
    pub(super) paste: &'static str,
    pub(super) paste_url: String,
    /// It was accepted when it was last checked.
    pub(super) accepted: bool,
    /// It is there because we put it there.
    pub(super) posted: bool,
    /// It can be put there for the person.
    pub(super) can_post: bool,
    pub(super) host_key: Option<String>,
    /// Another host key that waits for a person.
    pub(super) offered: Option<String>,
}

/// One line of the table of permissions.
#[derive(Debug)]
pub(super) struct PermissionLine {
    pub(super) does: &'static str,
    pub(super) needs: Vec<&'static str>,
    /// What was granted for each need: the scope, and whether it is another one that includes it.
    pub(super) granted: Vec<Option<(String, bool)>>,
    pub(super) works: bool,
    pub(super) missing: bool,
}

/// How many workspaces or projects are named.
const NAMED_SPACES: usize = 6;

/// Gathers what the card shows.
pub(super) async fn card(app: &App, integration: &Integration) -> Result<Card, StoreError> {
    let is_cloud = integration.kind == IntegrationKind::Cloud;
    let stored = credentials::of_integration(&app.db, integration.id).await?;
    let scopes: ScopeSet = stored
        .iter()
        .flat_map(|stored| stored.scopes.clone())
        .collect();
    let wanted: Vec<Feature> = integration
        .features
        .iter()
        .filter_map(|word| Feature::parse(word))
        .collect();
    let (listed, administered) = repositories::administered(&app.db, integration.id).await?;
    let mut spaces = integration.workspaces.clone();
    if spaces.is_empty() {
        let owners = repositories::owners(&app.db, integration.account).await?;
        spaces = owners
            .into_iter()
            .filter(|owner| owner.integration == integration.id)
            .map(|owner| owner.key)
            .collect();
    }
    let more_spaces = spaces.len().saturating_sub(NAMED_SPACES);
    spaces.truncate(NAMED_SPACES);
    let with_password = stored
        .as_ref()
        .is_some_and(|stored| stored.kind == CredentialKind::Basic);
    let can_post = if is_cloud {
        scopes.allows("account:write")
    } else {
        with_password
    };
    Ok(Card {
        id: integration.id.to_string(),
        title: if is_cloud { "Bitbucket Cloud" } else { "Bitbucket Server" },
        is_cloud,
        host: crate::repositories::name_of(integration),
        version: integration.product_version.clone(),
        user: integration.remote_user_name.clone(),
        spaces_word: if is_cloud { "workspaces" } else { "projects" },
        spaces,
        more_spaces,
        connected_at: integration.connected_at,
        broken: (integration.state == IntegrationState::Reconnect)
            .then(|| integration.state_reason.clone().unwrap_or_else(|| crate::access::REVOKED.to_owned())),
        key: key_card(integration, can_post),
        permissions: if is_cloud { permissions(&scopes, &wanted) } else { Vec::new() },
        administered: (!is_cloud && listed > 0).then(|| {
            format!(
                "This user administers {administered} of {listed} listed repositories: there, webhooks are made and repaired for you. On \
                 others they are added by hand, and until then branches are compared."
            )
        }),
        over_https: integration.clone_via == CloneVia::Https,
    })
}

fn key_card(integration: &Integration, can_post: bool) -> KeyCard {
    let is_cloud = integration.kind == IntegrationKind::Cloud;
    let port = if integration.ssh_port == 22 {
        String::new()
    } else {
        format!(" port {}", integration.ssh_port)
    };
    let pill = match integration.key_check {
        KeyCheck::Unknown => ("off", "not checked yet"),
        KeyCheck::Accepted => ("ok", "Bitbucket accepts this key"),
        KeyCheck::NotAdded => ("wait", "not added yet"),
        KeyCheck::HostKeyChanged => ("bad", "the host key has changed"),
        KeyCheck::Unreachable => ("bad", "not reachable over SSH"),
    };
    KeyCard {
        public: integration.key.public.clone(),
        fingerprint: integration.key.fingerprint.clone(),
        made_at: integration.key.made_at,
        pill,
        message: integration.key_check_message.clone(),
        checked_at: integration.key_checked_at,
        over: format!("ssh to {}{port}", integration.ssh_host),
        paste: if is_cloud {
            "your Bitbucket personal settings → SSH keys → Add key"
        } else {
            "Bitbucket’s Manage account → SSH keys → Add key; or on a single repository, under Repository settings → Access keys"
        },
        paste_url: if is_cloud {
            format!("{}/account/settings/ssh-keys/", integration.base_url)
        } else {
            format!("{}/plugins/servlet/ssh/account/keys", integration.base_url)
        },
        accepted: integration.key_check == KeyCheck::Accepted,
        posted: integration.key.posted_id.is_some(),
        can_post: can_post && integration.key.posted_id.is_none(),
        host_key: integration.host_key_fingerprint.clone(),
        offered: integration
            .host_key_offered
            .as_ref()
            .map(|(fingerprint, _)| fingerprint.clone()),
    }
}

fn permissions(scopes: &ScopeSet, wanted: &[Feature]) -> Vec<PermissionLine> {
    compare(scopes, wanted)
        .into_iter()
        .map(|line| PermissionLine {
            does: line.feature.title(),
            granted: line
                .needs
                .iter()
                .zip(&line.granted_by)
                .map(|(need, granted)| {
                    granted.clone().map(|granted| {
                        let other = granted != *need;
                        (granted, other)
                    })
                })
                .collect(),
            needs: line.needs,
            works: line.state == FeatureState::Works,
            missing: line.state == FeatureState::Missing,
        })
        .collect()
}
