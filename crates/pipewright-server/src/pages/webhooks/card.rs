//! What an application's page says of its webhook, or of working without one.

use pipewright_core::{Right, Timestamp};
use pipewright_store::StoreError;
use pipewright_store::applications::Application;
use pipewright_store::webhooks::{self, WebhookState};

use crate::app::App;
use crate::ground::delivery_url;
use crate::web::MemberOf;
use crate::webhooks::open_secret;

/// The card **Webhook**.
#[derive(Debug)]
pub(crate) struct WebhookCard {
    /// The pill's class and words.
    pub(crate) pill: (&'static str, &'static str),
    /// What is wrong and what to do.
    pub(crate) message: Option<String>,
    /// When Bitbucket was last asked.
    pub(crate) checked_at: Option<Timestamp>,
    /// When the last delivery came.
    pub(crate) last_delivery_at: Option<Timestamp>,
    /// **Repair** makes sense.
    pub(crate) can_repair: bool,
    /// Refs are compared instead, this often.
    pub(crate) polling: Option<String>,
    /// Address and secret, to be added by hand; only for whoever may connect.
    pub(crate) by_hand: Option<(String, String)>,
}

/// Gathers the card.
pub(crate) async fn card(
    app: &App,
    member: &MemberOf,
    application: &Application,
) -> Result<WebhookCard, StoreError> {
    let often = crate::web::format::duration(app.config.poll_refs_every);
    let mut card = WebhookCard {
        pill: ("off", "none"),
        message: None,
        checked_at: None,
        last_delivery_at: None,
        can_repair: false,
        polling: None,
        by_hand: None,
    };
    if !app.config.webhooks_reach_us {
        card.pill = ("off", "not used");
        card.polling = Some(format!(
            "This installation is set up as one that Bitbucket cannot reach, so no webhook is made. Branches and tags are compared every \
             {often} instead."
        ));
        return Ok(card);
    }
    if !application.rules.auto_build {
        card.message =
            Some("Auto-build is off, so Bitbucket is not asked to report pushes.".to_owned());
        return Ok(card);
    }
    let Some(webhook) = webhooks::of_repository(&app.db, application.repository).await? else {
        return Ok(card);
    };
    card.pill = match webhook.state {
        WebhookState::Absent => ("wait", "being registered"),
        WebhookState::Present => ("ok", "present"),
        WebhookState::Missing => ("bad", "missing"),
        WebhookState::Changed => ("wait", "changed"),
        WebhookState::Paused => ("wait", "paused"),
        WebhookState::Refused => ("bad", "refused"),
    };
    card.message.clone_from(&webhook.message);
    card.checked_at = webhook.checked_at;
    card.last_delivery_at = webhook.last_delivery_at;
    card.can_repair = member.may(Right::ManageApplications);
    if !matches!(webhook.state, WebhookState::Present | WebhookState::Absent) {
        card.polling = Some(format!(
            "Until it is there, branches and tags are compared every {often}."
        ));
    }
    if webhook.state == WebhookState::Refused && member.may(Right::Connect) {
        match open_secret(&app.vault, &webhook) {
            Ok(secret) => {
                card.by_hand = Some((
                    delivery_url(app, &webhook).to_string(),
                    secret.expose().to_owned(),
                ));
            }
            Err(error) => {
                tracing::error!(webhook.id = %webhook.id, error = %error, "a webhook's secret does not open");
            }
        }
    }
    Ok(card)
}
