//! Gathers what happened: deliveries with their decisions, and builds that no delivery led to, newest first.

use std::collections::HashSet;

use pipewright_core::Timestamp;
use pipewright_core::ids::DeliveryId;
use pipewright_store::applications::Application;
use pipewright_store::builds::{self, Build};
use pipewright_store::decisions::{self, Decision, DecisionOutcome};
use pipewright_store::deliveries::Origin;
use pipewright_store::recent::{self, DecisionOfDelivery};
use uuid::Uuid;

use super::super::builds::trigger;
use super::super::deliveries::{ShownDecision, shown_decision};
use super::advice::{self, Advice};
use super::asked::Asked;
use super::told::{BuildStory, tell};
use crate::app::App;
use crate::web::{MemberOf, PageError};

/// Entries on a page.
pub(super) const PAGE: usize = 20;

/// Decisions that are read for a page: a push may carry many refs.
const DECISIONS: i64 = 200;

/// Decisions of one delivery that are told whole; the delivery's own page has all.
const TOLD: usize = 8;

/// Builds that no delivery led to, read for a page. Those of a pull request are picked out of them here.
const BUILDS: i64 = 200;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Entry {
    pub(in crate::pages) at: Timestamp,
    /// `Bitbucket reported a push`, `Mara started a build`.
    pub(in crate::pages) what: String,
    /// The delivery's page, below the account.
    pub(in crate::pages) delivery: Option<String>,
    pub(in crate::pages) decisions: Vec<StoryDecision>,
    /// Decisions that are not told here.
    pub(in crate::pages) more: usize,
    /// The build, of an entry without a delivery.
    pub(in crate::pages) build: Option<BuildStory>,
}

/// A decision with what to change and what came of it.
#[derive(Debug, Clone)]
pub(in crate::pages) struct StoryDecision {
    pub(in crate::pages) shown: ShownDecision,
    pub(in crate::pages) advice: Option<Advice>,
    pub(in crate::pages) build: Option<BuildStory>,
}

/// The page's part of the story, and where the older part begins.
pub(super) async fn gather(
    app: &App,
    member: &MemberOf,
    application: &Application,
    asked: &Asked,
) -> Result<(Vec<Entry>, Option<Uuid>), PageError> {
    let (account, repository) = (member.account.id, application.repository);
    let mut told: Vec<DecisionOfDelivery> = Vec::new();
    if asked.is_everything() || asked.looks_for_changes() {
        told = recent::decisions(&app.db, account, repository, &asked.about, DECISIONS).await?;
    }
    if let Some(number) = asked.pull_request {
        told.extend(of_pull_request(app, member, application, asked, number, &told).await?);
    }
    let mut loose =
        recent::builds_without_delivery(&app.db, account, application.id, &loosely(asked), BUILDS)
            .await?;
    if asked.pull_request.is_some() {
        loose.retain(|build| is_of(build, asked));
    }
    let mut found: Vec<(Uuid, Found)> = loose
        .into_iter()
        .map(|build| (build.id.as_uuid(), Found::Build(Box::new(build))))
        .collect();
    let mut seen = HashSet::new();
    for decision in &told {
        let delivery = decision.decision.delivery_id;
        if seen.insert(delivery) {
            found.push((delivery.as_uuid(), Found::Delivery(delivery)));
        }
    }
    // Ids are ordered in time, those of builds and of deliveries alike.
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    let older = (found.len() > PAGE)
        .then(|| found.get(PAGE - 1).map(|(id, _)| *id))
        .flatten();
    found.truncate(PAGE);
    let mut entries = Vec::new();
    for (_, found) in found {
        entries.push(match found {
            Found::Delivery(id) => {
                let of_it: Vec<&DecisionOfDelivery> = told
                    .iter()
                    .filter(|told| told.decision.delivery_id == id)
                    .collect();
                delivery(app, member, &of_it).await?
            }
            Found::Build(build) => loose_build(app, member, &build).await?,
        });
    }
    Ok((entries, older))
}

enum Found {
    Delivery(DeliveryId),
    Build(Box<Build>),
}

/// Builds are asked for as changes are; where a pull request may be meant, all are, and picked from afterwards.
fn loosely(asked: &Asked) -> recent::About {
    if asked.pull_request.is_some() {
        recent::About {
            before: asked.about.before,
            ..recent::About::default()
        }
    } else {
        asked.about.clone()
    }
}

fn is_of(build: &Build, asked: &Asked) -> bool {
    let pull_request = build.detail.pull_request.as_ref().map(|request| request.id);
    let about = &asked.about;
    let is_ref = [&about.branch, &about.tag]
        .into_iter()
        .flatten()
        .any(|name| build.ref_name.full() == name);
    let is_commit = about
        .commit
        .as_deref()
        .is_some_and(|digits| build.commit.as_str().starts_with(digits));
    (pull_request.is_some() && pull_request == asked.pull_request) || is_ref || is_commit
}

/// Decisions about a pull request: its number stands in the deliveries' bodies only.
async fn of_pull_request(
    app: &App,
    member: &MemberOf,
    application: &Application,
    asked: &Asked,
    number: u64,
    known: &[DecisionOfDelivery],
) -> Result<Vec<DecisionOfDelivery>, PageError> {
    let account = member.account.id;
    let mut found = Vec::new();
    let all =
        recent::pull_requests(&app.db, account, application.repository, asked.about.before).await?;
    let of_it = all
        .into_iter()
        .filter(|delivery| number_in(&delivery.body) == Some(number));
    for delivery in of_it
        .filter(|delivery| {
            !known
                .iter()
                .any(|known| known.decision.delivery_id == delivery.id)
        })
        .take(PAGE + 1)
    {
        let decided = decisions::of_delivery(&app.db, account, delivery.id).await?;
        found.extend(decided.into_iter().map(|decision| DecisionOfDelivery {
            decision,
            received_at: delivery.received_at,
            origin: delivery.origin,
            event_key: delivery.event_key.clone(),
        }));
    }
    Ok(found)
}

/// The pull request that a delivery's body is about: Cloud and Data Center spell it differently.
fn number_in(body: &[u8]) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.pointer("/pullrequest/id")
        .or_else(|| body.pointer("/pullRequest/id"))?
        .as_u64()
}

async fn delivery(
    app: &App,
    member: &MemberOf,
    decisions: &[&DecisionOfDelivery],
) -> Result<Entry, PageError> {
    let first = decisions.first().ok_or(PageError::NotFound)?;
    let mut told = Vec::new();
    for decision in decisions.iter().take(TOLD) {
        told.push(decision_with_build(app, member, &decision.decision).await?);
    }
    let what = match first.origin {
        Origin::Bitbucket => format!("Bitbucket reported {}", event(&first.event_key)),
        Origin::Redelivery => format!("{} was redelivered here", event(&first.event_key)),
        Origin::Comparison => {
            "A difference was found by comparing refs: no webhook had reported it".to_owned()
        }
    };
    let mut characters = what.chars();
    let capital: String = characters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    Ok(Entry {
        at: first.received_at,
        what: format!("{capital}{}", characters.as_str()),
        delivery: Some(format!("/deliveries/{}", first.decision.delivery_id)),
        decisions: told,
        more: decisions.len().saturating_sub(TOLD),
        build: None,
    })
}

/// Bitbucket's name of an event, as people say it.
fn event(key: &str) -> String {
    match key {
        "repo:push" | "repo:refs_changed" => "a push".to_owned(),
        "pullrequest:created" | "pr:opened" => "a new pull request".to_owned(),
        "pullrequest:updated" | "pr:from_ref_updated" | "pr:modified" => {
            "a changed pull request".to_owned()
        }
        "pullrequest:fulfilled" | "pr:merged" => "a merged pull request".to_owned(),
        "pullrequest:rejected" | "pr:declined" => "a declined pull request".to_owned(),
        other => format!("an event ({other})"),
    }
}

async fn decision_with_build(
    app: &App,
    member: &MemberOf,
    decision: &Decision,
) -> Result<StoryDecision, PageError> {
    let build = match decision
        .build_id
        .filter(|_| decision.outcome == DecisionOutcome::Built)
    {
        Some(id) => builds::get(&app.db, member.account.id, id).await?,
        None => None,
    };
    Ok(StoryDecision {
        shown: shown_decision(decision),
        advice: advice::of(&decision.reason),
        build: match &build {
            Some(build) => Some(tell(app, member, build).await?),
            None => None,
        },
    })
}

async fn loose_build(app: &App, member: &MemberOf, build: &Build) -> Result<Entry, PageError> {
    let how = trigger(build);
    Ok(Entry {
        at: build.accepted_at,
        what: format!(
            "Build #{} of {} was {how}",
            build.number,
            build.ref_name.short()
        ),
        delivery: None,
        decisions: Vec::new(),
        more: 0,
        build: Some(tell(app, member, build).await?),
    })
}

#[cfg(test)]
mod tests {
    use super::number_in;

    #[test]
    fn both_products_name_the_pull_request() {
        assert_eq!(number_in(br#"{"pullrequest":{"id":7}}"#), Some(7));
        assert_eq!(number_in(br#"{"pullRequest":{"id":8}}"#), Some(8));
        for other in [
            &b"{}"[..],
            b"",
            b"[1]",
            br#"{"pullRequest":{"id":"x"}}"#,
            br#"{"pullRequest":7}"#,
        ] {
            assert_eq!(number_in(other), None);
        }
    }
}
