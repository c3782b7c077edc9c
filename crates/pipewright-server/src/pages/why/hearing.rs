//! How pushes come to be known for an application: its connection, its webhook, the comparison of refs, and deliveries
//! that are not decided yet.

use pipewright_store::applications::Application;
use pipewright_store::integrations::{self, IntegrationState};
use pipewright_store::{recent, repositories};

use crate::app::App;
use crate::pages::webhooks::card;
use crate::web::states::Pill;
use crate::web::{MemberOf, PageError, format};

/// How many undecided deliveries are named.
const NAMED: i64 = 5;

/// One thing that is known of hearing.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Heard {
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) sentence: String,
    /// Below the account.
    pub(in crate::pages) link: Option<(String, &'static str)>,
}

/// Everything that is known.
pub(super) async fn of(
    app: &App,
    member: &MemberOf,
    application: &Application,
) -> Result<Vec<Heard>, PageError> {
    let now = member.now();
    let mut heard = Vec::new();
    let repository = repositories::get(&app.db, application.repository)
        .await?
        .ok_or(PageError::NotFound)?;
    let integration = integrations::get(&app.db, repository.integration)
        .await?
        .ok_or(PageError::NotFound)?;
    let integrations_page = || Some(("/settings/integrations".to_owned(), "Integrations"));
    let broken = match integration.state {
        IntegrationState::Connected if repository.gone_at.is_some() => Some(
            "Bitbucket no longer lists this repository: it was deleted, or access was withdrawn."
                .to_owned(),
        ),
        IntegrationState::Connected => None,
        IntegrationState::Reconnect => Some(format!(
            "{}. Nothing is built until then.",
            integration.state_reason.unwrap_or_default()
        )),
        IntegrationState::Disconnected => Some("It is disconnected; nothing is built.".to_owned()),
    };
    if let Some(sentence) = broken {
        heard.push(Heard {
            name: "Connection",
            pill: Pill {
                class: "bad",
                label: "broken",
            },
            sentence,
            link: integrations_page(),
        });
    }
    let own = format!("/applications/{}", application.slug);
    let card = card(app, member, application).await?;
    let last = card.last_delivery_at.map_or_else(
        || "It has not reported anything yet.".to_owned(),
        |at| format!("It last reported something {}.", format::ago(now, at)),
    );
    let said: Vec<String> = [card.message, card.polling, Some(last)]
        .into_iter()
        .flatten()
        .collect();
    let pill = Pill {
        class: card.pill.0,
        label: card.pill.1,
    };
    heard.push(Heard {
        name: "Webhook",
        pill,
        sentence: said.join(" "),
        link: Some((format!("{own}#webhook"), "Webhook")),
    });
    heard.push(match (&application.refs_message, application.refs_compared_at) {
        (Some(message), at) => Heard {
            name: "Comparison of refs",
            pill: Pill { class: "bad", label: "failed" },
            sentence: match at {
                Some(at) => format!("{message} It last worked {}.", format::ago(now, at)),
                None => message.clone(),
            },
            link: None,
        },
        (None, Some(at)) => Heard {
            name: "Comparison of refs",
            pill: Pill { class: "ok", label: "works" },
            sentence: format!(
                "Branches and tags at Bitbucket were last compared {}; that is how a push whose webhook was lost is found.",
                format::ago(now, at)
            ),
            link: None,
        },
        (None, None) => Heard {
            name: "Comparison of refs",
            pill: Pill { class: "wait", label: "not yet" },
            sentence: "Branches and tags were not compared yet.".to_owned(),
            link: None,
        },
    });
    for delivery in
        recent::undecided(&app.db, member.account.id, application.repository, NAMED).await?
    {
        let came = format::ago(now, delivery.received_at);
        let why = delivery
            .message
            .unwrap_or_else(|| "It will be decided in a moment.".to_owned());
        heard.push(Heard {
            name: "Not decided",
            pill: crate::pages::deliveries::state(delivery.state),
            sentence: format!("A delivery ({}) came {came}. {why}", delivery.event_key),
            link: Some((format!("/deliveries/{}", delivery.id), "Delivery")),
        });
    }
    Ok(heard)
}
