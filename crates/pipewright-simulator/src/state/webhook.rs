//! Webhook registrations.

use jiff::Timestamp;
use uuid::Uuid;

use super::ids::{RepositoryId, SpaceId, WebhookId};

/// What a webhook listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookSubject {
    /// One repository.
    Repository(RepositoryId),
    /// Every repository of a workspace or project.
    Space(SpaceId),
}

/// User name and password that Data Center can send with each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookCredentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// A webhook registration.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Number shown by Data Center.
    pub id: WebhookId,
    /// Identity shown by Cloud.
    pub uuid: Uuid,
    /// What it listens to.
    pub subject: WebhookSubject,
    /// Cloud's description, Data Center's name.
    pub name: String,
    /// Where deliveries go.
    pub url: String,
    /// Key of the signature; deliveries are unsigned without it.
    pub secret: Option<String>,
    /// Event names as registered.
    pub events: Vec<String>,
    /// Inactive webhooks get nothing.
    pub active: bool,
    /// Cloud's `skip_cert_verification` is the opposite.
    pub verify_tls: bool,
    /// Data Center only.
    pub credentials: Option<WebhookCredentials>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
