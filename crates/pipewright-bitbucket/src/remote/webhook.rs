//! Our webhook at a repository.

use pipewright_core::Secret;
use url::Url;

/// The webhook that should exist. Its address is unguessable and belongs to one repository, so it identifies the hook.
#[derive(Debug, Clone)]
pub struct WebhookRequest {
    /// Where deliveries go.
    pub url: Url,
    /// What they are signed with; at most 128 characters (Cloud's limit).
    pub secret: Secret,
    /// The name in Bitbucket's list.
    pub name: String,
    /// True to hear of pull requests too, which needs the right to read them.
    pub pull_requests: bool,
    /// True to have Bitbucket check our certificate, which it should wherever it can.
    pub verify_certificate: bool,
}

/// A webhook as Bitbucket lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteWebhook {
    /// Bitbucket's id of it: a UUID in braces, or a number as text.
    pub id: String,
    /// Where deliveries go.
    pub url: String,
    /// False where it was switched off.
    pub active: bool,
    /// What it is sent for.
    pub events: Vec<String>,
    /// Whether deliveries are signed, where Bitbucket says.
    pub has_secret: Option<bool>,
    /// Whether Bitbucket checks our certificate, where it says.
    pub verifies_certificate: Option<bool>,
}

/// What is not as it should be with a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookChange {
    /// It goes somewhere else.
    #[error("it is sent to {0}")]
    Url(String),
    /// It is not sent for all events we need.
    #[error("it is not sent for {}", .0.join(", "))]
    MissingEvents(Vec<String>),
    /// It has no secret, so its deliveries are not signed.
    #[error("its deliveries are not signed")]
    Unsigned,
    /// There is more than one of them.
    #[error("there are {0} of them")]
    Duplicates(usize),
}

/// The state of our webhook at Bitbucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookState {
    /// As it should be.
    Present {
        /// Bitbucket's id of it.
        id: String,
        /// Events that this Bitbucket does not know or offer, so that it is not sent for them.
        missing: Vec<String>,
    },
    /// There is none.
    Missing,
    /// There is one that needs repair.
    Changed {
        /// Bitbucket's id of it.
        id: String,
        /// What is wrong; never empty.
        changes: Vec<WebhookChange>,
    },
    /// Somebody switched it off at Bitbucket.
    Paused {
        /// Bitbucket's id of it.
        id: String,
    },
}

/// What [`crate::Bitbucket::ensure_webhook`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnsuredWebhook {
    /// Bitbucket's id of it, to be stored.
    pub id: String,
    /// True where it had to be made, false where one was found and written anew.
    pub created: bool,
    /// How many others with the same address were removed.
    pub duplicates_removed: usize,
    /// The events that Bitbucket accepted.
    pub events: Vec<String>,
    /// The events that were wanted and that this Bitbucket does not know or offer.
    pub missing: Vec<String>,
}

/// Judges a list of webhooks: which is ours, and is it as it should be? `wanted` are the events that must be there.
pub(super) fn judge(
    hooks: &[RemoteWebhook],
    known_id: Option<&str>,
    request: &WebhookRequest,
    wanted: &[&str],
) -> WebhookState {
    let ours = ours(hooks, known_id, &request.url);
    let Some(first) = ours.first() else {
        return WebhookState::Missing;
    };
    let mut changes = Vec::new();
    if !same_address(&first.url, &request.url) {
        changes.push(WebhookChange::Url(first.url.clone()));
    }
    let missing: Vec<String> = wanted
        .iter()
        .filter(|event| !first.events.iter().any(|have| have == *event))
        .map(|event| (*event).to_owned())
        .collect();
    if !missing.is_empty() {
        changes.push(WebhookChange::MissingEvents(missing));
    }
    if first.has_secret == Some(false) {
        changes.push(WebhookChange::Unsigned);
    }
    if ours.len() > 1 {
        changes.push(WebhookChange::Duplicates(ours.len()));
    }
    let id = first.id.clone();
    if !first.active {
        WebhookState::Paused { id }
    } else if changes.is_empty() {
        WebhookState::Present {
            id,
            missing: Vec::new(),
        }
    } else {
        WebhookState::Changed { id, changes }
    }
}

/// Our webhooks in a list, the one to keep first: the one we know by id, else the first with our address.
pub(super) fn ours<'a>(
    hooks: &'a [RemoteWebhook],
    known_id: Option<&str>,
    url: &Url,
) -> Vec<&'a RemoteWebhook> {
    let is_known = |hook: &RemoteWebhook| known_id.is_some_and(|id| same_id(&hook.id, id));
    let mut ours: Vec<_> = hooks
        .iter()
        .filter(|hook| is_known(hook) || same_address(&hook.url, url))
        .collect();
    ours.sort_by_key(|hook| !is_known(hook));
    ours
}

/// Ids of Cloud are UUIDs with or without braces.
fn same_id(one: &str, other: &str) -> bool {
    one.trim_matches(['{', '}'])
        .eq_ignore_ascii_case(other.trim_matches(['{', '}']))
}

/// Compares addresses as addresses, so that a default port or an upper-case host does not make a second hook.
fn same_address(text: &str, url: &Url) -> bool {
    Url::parse(text).is_ok_and(|parsed| parsed == *url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> WebhookRequest {
        WebhookRequest {
            url: "https://ci.example.com/hooks/abc"
                .parse()
                .expect("an address"),
            secret: Secret::new("s"),
            name: "Pipewright".to_owned(),
            pull_requests: true,
            verify_certificate: true,
        }
    }

    fn hook(id: &str, url: &str) -> RemoteWebhook {
        RemoteWebhook {
            id: id.to_owned(),
            url: url.to_owned(),
            active: true,
            events: vec!["repo:push".to_owned()],
            has_secret: Some(true),
            verifies_certificate: Some(true),
        }
    }

    #[test]
    fn each_state_is_recognised() {
        let good = hook("{a}", "https://CI.example.com:443/hooks/abc");
        let judge = |hooks: &[RemoteWebhook]| judge(hooks, Some("a"), &request(), &["repo:push"]);
        assert_eq!(
            judge(&[hook("{b}", "https://other.example.com/")]),
            WebhookState::Missing
        );
        assert_eq!(
            judge(std::slice::from_ref(&good)),
            WebhookState::Present {
                id: "{a}".to_owned(),
                missing: Vec::new(),
            }
        );
        assert_eq!(
            judge(&[RemoteWebhook {
                active: false,
                ..good.clone()
            }]),
            WebhookState::Paused {
                id: "{a}".to_owned()
            }
        );
        let changed = |hook: RemoteWebhook| match judge(&[hook]) {
            WebhookState::Changed { changes, .. } => changes,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            changed(RemoteWebhook {
                has_secret: Some(false),
                ..good.clone()
            }),
            [WebhookChange::Unsigned]
        );
        assert_eq!(
            changed(RemoteWebhook {
                events: vec![],
                ..good.clone()
            }),
            [WebhookChange::MissingEvents(vec!["repo:push".to_owned()])]
        );
        assert_eq!(
            changed(hook("a", "https://old.example.com/x")),
            [WebhookChange::Url("https://old.example.com/x".to_owned())]
        );
    }

    #[test]
    fn the_known_hook_is_kept_and_the_twin_is_a_duplicate() {
        let hooks = [
            hook("{b}", "https://ci.example.com/hooks/abc"),
            hook("{a}", "https://ci.example.com/hooks/abc"),
        ];
        let ids: Vec<_> = ours(&hooks, Some("{A}"), &request().url)
            .iter()
            .map(|hook| hook.id.as_str())
            .collect();
        assert_eq!(ids, ["{a}", "{b}"]);
    }
}
