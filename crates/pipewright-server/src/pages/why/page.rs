//! The page itself.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipewright_store::applications::Application;
use pipewright_store::{recent, refs};
use serde::Deserialize;
use uuid::Uuid;

use super::asked::Asked;
use super::gather::{Entry, gather};
use super::hearing::{self, Heard};
use crate::app::App;
use crate::deliveries::decide::why_not_built;
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError, format};

/// Refs offered to ask about.
const OFFERED: usize = 200;

pub(in crate::pages) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/why", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "why.html")]
pub(in crate::pages) struct WhyPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) application: String,
    pub(in crate::pages) slug: String,
    /// What was asked, as it was written.
    pub(in crate::pages) about: String,
    pub(in crate::pages) refs: Vec<String>,
    pub(in crate::pages) heard: Vec<Heard>,
    /// What is known of the ref or commit itself.
    pub(in crate::pages) known: Vec<String>,
    pub(in crate::pages) entries: Vec<Entry>,
    /// How far back was looked, where nothing was found or the story ends.
    pub(in crate::pages) reach: String,
    /// The query of the older part.
    pub(in crate::pages) older: Option<String>,
    /// The query of the newer part.
    pub(in crate::pages) newer: Option<String>,
    pub(in crate::pages) is_first: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Question {
    #[serde(default)]
    about: String,
    before: Option<Uuid>,
    /// Where the parts passed on the way here began, the nearest last: the story is put together from several lists, which
    /// can be gone through one way only.
    #[serde(default)]
    trail: String,
}

/// The parts that one can go back through.
const LONGEST_TRAIL: usize = 50;

/// The queries of the newer and of the older part: each leads on with the trail that leads back.
fn turns(
    question: &Question,
    about: &str,
    older: Option<Uuid>,
) -> (Option<String>, Option<String>) {
    let encoded = utf8_percent_encode(about, NON_ALPHANUMERIC);
    let mut passed: Vec<Uuid> = question
        .trail
        .split('.')
        .filter_map(|edge| edge.parse().ok())
        .collect();
    let query = |before: Option<Uuid>, trail: &[Uuid]| {
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        let trail: Vec<String> = trail.iter().map(Uuid::to_string).collect();
        let trail = if trail.is_empty() {
            String::new()
        } else {
            format!("&trail={}", trail.join("."))
        };
        format!("about={encoded}{before}{trail}")
    };
    let newer = question.before.map(|_| match passed.split_last() {
        Some((nearest, others)) => query(Some(*nearest), others),
        None => query(None, &[]),
    });
    passed.extend(question.before);
    let from = passed.len().saturating_sub(LONGEST_TRAIL);
    (
        newer,
        older.map(|before| query(Some(before), &passed[from..])),
    )
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Query(question): Query<Question>,
) -> Result<Html<WhyPage>, PageError> {
    let asked = Asked::read(&question.about, question.before);
    let (entries, older) = if asked.is_nonsense() {
        (Vec::new(), None)
    } else {
        gather(&app, &member, &application, &asked).await?
    };
    let known = known(&app, &member, &application, &asked).await?;
    let oldest = recent::oldest(&app.db, member.account.id, application.repository).await?;
    let offered = refs::list(&app.db, application.id).await?;
    let (newer, older) = turns(&question, &asked.text, older);
    Ok(Html(WhyPage {
        page: member
            .page(format!("Why · {}", application.name))
            .nav(Nav::Applications),
        heard: hearing::of(&app, &member, &application).await?,
        refs: offered
            .into_iter()
            .take(OFFERED)
            .map(|(name, _)| name.short().to_owned())
            .collect(),
        reach: match oldest {
            Some(at) => format!(
                "The newest {} deliveries of this repository were looked at; the oldest of them came {}.",
                recent::WINDOW,
                format::ago(member.now(), at)
            ),
            None => "Bitbucket has not reported anything about this repository yet.".to_owned(),
        },
        newer,
        older,
        is_first: question.before.is_none(),
        application: application.name,
        slug: application.slug,
        about: asked.text,
        known,
        entries,
    }))
}

/// What is known of what is asked about, whatever happened to it: where it stands, and what a push would do now.
async fn known(
    app: &App,
    member: &MemberOf,
    application: &Application,
    asked: &Asked,
) -> Result<Vec<String>, PageError> {
    let mut known = Vec::new();
    if asked.is_nonsense() {
        known.push("That cannot be a branch, tag, pull request number or commit.".to_owned());
    }
    for name in &asked.refs {
        let kind = name.kind().as_str();
        let Some(noted) = recent::noted_ref(&app.db, application.id, name.full()).await? else {
            continue;
        };
        let commit: String = noted.commit_hash.chars().take(7).collect();
        known.push(format!(
            "The {kind} {} was at {commit} when it was last decided, {}.",
            name.short(),
            format::ago(member.now(), noted.decided_at)
        ));
        known.push(match why_not_built(application, name) {
            Some(why) => format!("A push to it now would not be built: {why}"),
            None => {
                "A push to it now would be built, if the file has a pipeline for it.".to_owned()
            }
        });
    }
    if known.is_empty()
        && !asked.refs.is_empty()
        && asked.about.commit.is_none()
        && asked.pull_request.is_none()
    {
        known.push(format!(
            "No branch or tag {} existed when refs were last looked at.",
            asked.text
        ));
        if let Some(why) = asked
            .refs
            .first()
            .and_then(|name| why_not_built(application, name))
        {
            known.push(format!(
                "A push to a {} of this name would not be built: {why}",
                asked.refs[0].kind().as_str()
            ));
        }
    }
    if let Some(commit) = &asked.commit {
        // Only what the mirror on disk has: no page waits on Bitbucket.
        known.push(
            match app
                .mirrors
                .commit_info(application.repository, commit)
                .await
            {
                Ok(info) => {
                    let line: String = info
                        .message
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .chars()
                        .take(200)
                        .collect();
                    format!(
                        "{} is “{line}” by {}.",
                        commit.short(),
                        info.author_name.chars().take(100).collect::<String>()
                    )
                }
                Err(_) => format!(
                    "{} was never fetched here: no build of it was planned.",
                    commit.short()
                ),
            },
        );
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Question, turns};

    #[test]
    fn a_story_is_gone_through_both_ways() {
        let edge = Uuid::from_u128;
        let first = Question::default();
        let (newer, older) = turns(&first, "a&b", Some(edge(9)));
        assert_eq!(newer, None);
        let nine = edge(9);
        assert_eq!(older, Some(format!("about=a%26b&before={nine}")));
        let second = Question {
            before: Some(nine),
            ..Question::default()
        };
        let (newer, older) = turns(&second, "", Some(edge(5)));
        assert_eq!(newer.as_deref(), Some("about="));
        let five = edge(5);
        assert_eq!(older, Some(format!("about=&before={five}&trail={nine}")));
        let third = Question {
            before: Some(five),
            trail: nine.to_string(),
            ..Question::default()
        };
        let (newer, older) = turns(&third, "", None);
        assert_eq!(
            (newer, older),
            (Some(format!("about=&before={nine}")), None)
        );
    }
}
